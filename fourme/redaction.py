"""The secrets of a run: where they are, and how they are kept out of whatever leaves it."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from fourme.conversion import to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

HIDDEN = "***"
_URL_VARIABLES = frozenset({"METADATA_API_URL", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"})
_TOKEN_VARIABLES = frozenset({"FOURME_ACCESS_TOKEN", "INPUT_ACCESS_TOKEN"})
_SECRET_NAMES = ("token", "secret", "password")
_LONG_ENOUGH = 8  # characters of a text that is not in other texts by chance
_PLAIN = re.compile(r"[A-Za-z0-9]+")


class Redactor:
    """Knows the secrets of a run and takes them out of texts and values."""

    def __init__(self) -> None:
        self._secrets: list[_Secret] = []
        self._private: list[str] = []

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these from now on, in every spelling in which they may come back."""
        spelled = {text for secret in secrets for text in (secret.strip(), unquote(secret.strip()))}
        found = [_Secret(text) for text in spelled if text]
        self._secrets = sorted([*self._secrets, *found], key=lambda secret: -len(secret.text))

    def conceal(self, texts: Iterable[str]) -> None:
        """Keep these out of logs, but not out of outputs: notes, which a server may quote.

        The secrets must be known before: a note may hold one, or a part of one.
        """
        for text in texts:
            quoted = {text, " ".join(text.split()), json.dumps(text)[1:-1]}
            long = [words for words in quoted if len(words) >= _LONG_ENOUGH]
            self._private += map(self._without_secrets, long)

    def hide(self, text: str) -> str:
        """Return a text for the log, without anything that it must not hold."""
        text = self._without_secrets(text)
        for private in self._private:
            text = text.replace(private, HIDDEN)
        return text

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = secret.hidden_in(text)
        return text

    def hide_in(self, value: object) -> object:
        """Return a JSON value for the output, without any secret in its texts.

        Names stay as they are, and so does what a very short secret would tear apart.
        """
        if isinstance(value, str):
            for secret in self._secrets:
                value = secret.hidden_in(value) if len(secret.text) >= _LONG_ENOUGH else value
            return value
        if isinstance(value, list):
            return [self.hide_in(item) for item in value]
        if isinstance(value, dict):
            return self.hide_in_object(value)
        return value

    def hide_in_object(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return a JSON object for the output, without any secret in its texts."""
        return {name: self.hide_in(value) for name, value in values.items()}


class _Secret:
    """One secret, and how to find it however it is written.

    URLs, JSON, HTML and logs escape what is neither letter nor digit, each in a way of its own; the
    letters and digits in between stay. So the longest run of them tells at once whether a text
    needs a closer look.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._anchor = max(_PLAIN.findall(text), key=len, default="")
        self._encoded = tuple(_base64_forms(text))

    def hidden_in(self, text: str) -> str:
        """Return a text without the secret."""
        if self._anchor in text:
            text = re.sub("".join(map(_any_spelling, self.text)), HIDDEN, text)
        for encoded in self._encoded:
            text = text.replace(encoded, HIDDEN)
        return text


def _any_spelling(char: str) -> str:
    """Return a pattern for one character, as it is and as URLs, JSON, repr and HTML write it."""
    if _PLAIN.fullmatch(char):
        return char
    code = ord(char)
    octets = char.encode("utf-8", "surrogatepass")
    spellings = {
        re.escape(char),
        r"\\" + re.escape(char),
        "(?i:" + "".join(f"%{octet:02x}" for octet in octets) + ")",
        f"(?i:&#x0*{code:x};?)",
        f"&#0*{code};?",
        re.escape(html.escape(char)),
        re.escape(json.dumps(char)[1:-1]),
        re.escape(repr(char)[1:-1]),
        rf"(?i:\\u{code:04x})",
        rf"(?i:\\x{code:02x})",
    }
    return f"(?:{'|'.join(sorted(spellings, key=len, reverse=True))})"


def _base64_forms(text: str) -> Iterator[str]:
    """Yield what of a secret stays the same in base64, wherever in the encoded bytes it begins."""
    raw = text.encode("utf-8", "surrogatepass")
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw).decode("ascii")
        whole = (before + len(raw)) // 3 * 4
        inner = encoded[(0, 2, 3)[before] : whole]
        if len(inner) >= _LONG_ENOUGH:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")


def secrets_in_environment(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the tokens in the environment, and the passwords in its URLs: Relay's, proxies'."""
    yield from (environ[name] for name in _TOKEN_VARIABLES if name in environ)
    for name, url in environ.items():
        if name.upper() in _URL_VARIABLES and "@" in url:
            user_info = url.rpartition("@")[0].rpartition("//")[2]
            yield user_info.partition(":")[2] or user_info


def secrets_in_spec(spec: object) -> Iterator[str]:
    """Yield the access token of a spec, whatever the spec looks like.

    A connection comes from a store and may hold more than it needs: what is called a token, a
    secret or a password is one, however it is spelled; the rest is not.
    """
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
            if any(word in str(name).lower() for word in _SECRET_NAMES):
                yield from _texts_in(value)


def _texts_in(value: object) -> Iterator[str]:
    waiting = [value]  # no recursion: a spec is not judged yet, and may be nested without end
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, bytes):
            yield item.decode("utf-8", "replace")
        elif isinstance(item, int | float):
            yield str(to_text(item))
        elif isinstance(item, list | dict):
            waiting += item.values() if isinstance(item, dict) else item
