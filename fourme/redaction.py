"""The secrets of a run: where they are, and how they are kept out of whatever leaves it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from fourme.conversion import to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

HIDDEN = "***"
_URL_VARIABLES = frozenset({"METADATA_API_URL", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"})
_TOKEN_VARIABLES = frozenset({"FOURME_ACCESS_TOKEN", "INPUT_ACCESS_TOKEN"})
_PUBLIC = frozenset({"host", "account"})


class Redactor:
    """Knows the secrets of a run and takes them out of texts and values."""

    def __init__(self) -> None:
        self._spellings: list[str] = []

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these from now on, in every spelling in which they may come back."""
        found = {spelling for secret in secrets for spelling in _spellings(secret)}
        self._spellings = sorted({*self._spellings, *found}, key=len, reverse=True)

    def hide(self, text: str) -> str:
        """Return `text` without any secret."""
        for spelling in self._spellings:
            text = text.replace(spelling, HIDDEN)
        return text

    def hide_in(self, value: object) -> object:
        """Return a JSON value without any secret in its strings and names."""
        if isinstance(value, str):
            return self.hide(value)
        if isinstance(value, list):
            return [self.hide_in(item) for item in value]
        if isinstance(value, dict):
            return self.hide_in_object(value)
        return value

    def hide_in_object(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return a JSON object without any secret in it."""
        return {self.hide(name): self.hide_in(value) for name, value in values.items()}


def _spellings(secret: str) -> set[str]:
    """Return a secret as it is, and as URLs, JSON, repr and Basic credentials write it."""
    secret = secret.strip()
    if not secret:
        return set()
    plain = {secret, unquote(secret)}
    spellings = {spell(text) for spell in _SPELLINGS for text in plain}
    return {*plain, *spellings} - {""}


def _base64(text: str) -> str:
    # The last characters depend on what follows the secret; the rest betrays it all the same.
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii").rstrip("=")


_SPELLINGS: tuple[Callable[[str], str], ...] = (
    lambda text: quote(text, safe="", errors="surrogatepass"),
    lambda text: json.dumps(text)[1:-1],
    lambda text: repr(text)[1:-1],
    _base64,
    lambda text: _base64(f":{text}"),
)


def secrets_in_environment(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the tokens in the environment, and the passwords in its URLs: Relay's, proxies'."""
    yield from (environ[name] for name in _TOKEN_VARIABLES if name in environ)
    for name, url in environ.items():
        if name.upper() in _URL_VARIABLES and "@" in url:
            user_info = url.rpartition("@")[0].rpartition("//")[2]
            yield user_info.partition(":")[2] or user_info


def secrets_in_spec(spec: object) -> Iterator[str]:
    """Yield every text in the connection but its host and account, whatever the spec looks like."""
    connection = spec.get("connection") if isinstance(spec, dict) else None
    if isinstance(connection, bytes):
        connection = connection.decode("utf-8", "replace")
    if isinstance(connection, str):
        try:
            connection = json.loads(connection)
        except (ValueError, RecursionError):
            yield connection
    if isinstance(connection, dict):
        for name, value in connection.items():
            if name not in _PUBLIC:
                yield from _texts_in(value)


def _texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("utf-8", "replace")
    elif isinstance(value, int | float):
        yield str(to_text(value))
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(item)
