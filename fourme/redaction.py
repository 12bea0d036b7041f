"""The secrets of a run: where they are, and how they are kept out of whatever leaves it."""

from __future__ import annotations

import base64
import json
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from fourme.conversion import to_text
from fourme.spellings import readings_of, replaced

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

logger = logging.getLogger("step.redaction")

HIDDEN = "***"
_METADATA_VARIABLE = "METADATA_API_URL"
_PROXY_VARIABLES = frozenset({"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"})
_ACCESS_VARIABLES = frozenset(
    {
        "FOURME_ACCESS_TOKEN",
        "INPUT_ACCESS_TOKEN",
        "FOURME_CLIENT_SECRET",
        "INPUT_CLIENT_SECRET",
    }
)
_ACCESS_NAMES = frozenset({"accessToken", "clientSecret"})
_SECRET_NAMES = ("token", "secret", "password")
_LONG_ENOUGH = 8  # characters of a text that is not in other texts by chance


class Redactor:
    """Knows the secrets of a run and takes them out of texts and values.

    Logs lose every secret and every private text. An output is what others work with, so it loses
    nothing but what gives access: the secrets that `learn` was told.
    """

    def __init__(self) -> None:
        self._secrets: dict[str, _Secret] = {}
        self._private: tuple[str, ...] = ()
        self._warned = False

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these from now on, in every spelling in which they may come back."""
        self._learn(secrets, in_outputs=True)

    def learn_for_logs(self, secrets: Iterable[str]) -> None:
        """Hide these in logs, but not in outputs: secrets of others, such as a proxy's."""
        self._learn(secrets, in_outputs=False)

    def _learn(self, secrets: Iterable[str], *, in_outputs: bool) -> None:
        for text in map(str.strip, secrets):
            known = self._secrets.get(text)
            if text and (known is None or (in_outputs and not known.in_outputs)):
                self._secrets[text] = _secret(text, in_outputs=in_outputs)

    def conceal(self, texts: Iterable[str]) -> None:
        """Keep these out of logs, but not out of outputs: notes, which a server may quote."""
        forms = {form for text in texts for form in (text.strip(), " ".join(text.split()))}
        self._private += tuple(form for form in forms if len(form) >= _LONG_ENOUGH)

    def hide(self, text: str) -> str:
        """Return a text for the log, without anything that it must not hold."""
        forms = [form for secret in self._secrets.values() for form in secret.forms]
        return _without(text, [*forms, *self._private])

    def hide_in(self, value: object) -> object:
        """Return a JSON value for the output, without any access secret in its texts and names.

        What a very short secret would tear apart stays as it is. The first time that something is
        hidden, a warning says so.
        """
        forms = [
            form
            for secret in self._secrets.values()
            if secret.in_outputs and len(secret.text) >= _LONG_ENOUGH
            for form in secret.forms
        ]
        copied = _Copy(forms)
        cleaned = copied.of(value)
        if copied.hidden and not self._warned:
            self._warned = True
            logger.warning(
                "The output would have held a secret of this run (the access token, a client "
                "secret or the token of METADATA_API_URL); %s stands in its place. Whoever sees "
                "the request in 4me can read it there: remove it, and make a new one.",
                HIDDEN,
            )
        return cleaned

    def hide_in_object(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return a JSON object for the output; see `hide_in`."""
        cleaned = self.hide_in(dict(values))
        return cleaned if isinstance(cleaned, dict) else {}


@dataclass(frozen=True)
class _Secret:
    """One secret.

    Attributes:
        text: as it was learnt.
        forms: what to look for; URLs, JSON and the like may escape it on top of that.
        in_outputs: whether it gives access, and is hidden in outputs, too.
    """

    text: str
    forms: tuple[str, ...]
    in_outputs: bool


def _secret(text: str, *, in_outputs: bool) -> _Secret:
    plain = {text, unquote(text)}
    quoted = {text.replace(" ", "+"), " ".join(text.split())}  # in forms, and in messages
    encoded = {form for words in plain for form in _base64_forms(words)}
    return _Secret(text, tuple(sorted(plain | quoted | encoded)), in_outputs)


class _Copy:
    """Copies JSON values without some words, however deep they are nested.

    Attributes:
        hidden: whether anything was left out so far.
    """

    def __init__(self, forms: list[str]) -> None:
        self.hidden = False
        self._forms = forms

    def of(self, value: object) -> object:
        root: list[object] = [value]
        waiting: list[tuple[Any, Any]] = [(root, 0)]
        while waiting:
            holder, key = waiting.pop()
            item = holder[key]
            if isinstance(item, str):
                holder[key] = self._text(item)
            elif isinstance(item, list):
                holder[key] = copy = list(item)
                waiting += ((copy, index) for index in range(len(copy)))
            elif isinstance(item, dict):
                holder[key] = members = self._members(item)
                waiting += ((members, name) for name in members)
        return root[0]

    def _text(self, text: str) -> str:
        cleaned = _without(text, self._forms)
        self.hidden = self.hidden or cleaned != text
        return cleaned

    def _members(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return an object with its names cleaned; no two become one, so that no value is lost."""
        members: dict[str, object] = {}
        for name, value in values.items():
            cleaned = self._text(name)
            while cleaned != name and (cleaned in values or cleaned in members):
                cleaned += HIDDEN
            members[cleaned] = value
        return members


def _without(text: str, forms: list[str]) -> str:
    """Return a text without some words, also where they are escaped."""
    spans = [
        span
        for reading in readings_of(text)
        for form in forms
        if form in reading.text
        for span in reading.spans_of(form)
    ]
    return replaced(text, spans, HIDDEN) if spans else text


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


def access_secrets_in_environment(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield what gives access in the environment: tokens, a client secret, Relay's own token."""
    yield from (environ[name] for name in _ACCESS_VARIABLES if name in environ)
    for user, password in _users_in(environ, {_METADATA_VARIABLE}):
        yield password or user


def secrets_in_environment(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield every secret in the environment: what gives access, and the passwords of proxies."""
    yield from access_secrets_in_environment(environ)
    for _, password in _users_in(environ, _PROXY_VARIABLES):
        yield password


def _users_in(environ: Mapping[str, str], names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield user names and passwords in the URLs of some variables, as far as they can be read."""
    for name, url in environ.items():
        if name.upper() not in names:
            continue
        rest = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://", "", url.strip())
        # A password may hold what would end it in a proper URL; then it is longer than it seems.
        for place in {re.split(r"[/?#]", rest, maxsplit=1)[0], rest}:
            user_info = place.rpartition("@")[0]
            user, _, password = user_info.partition(":")
            if user_info:
                yield user, password


def access_secrets_in_spec(spec: object) -> Iterator[str]:
    """Yield what gives access in a spec: the access token, and a client secret."""
    for name, value in _connection_in(spec).items():
        if name in _ACCESS_NAMES:
            yield from _texts_in(value)


def secrets_in_spec(spec: object) -> Iterator[str]:
    """Yield every secret of a spec, whatever the spec looks like.

    A connection comes from a store and may hold more than it needs: what is called a token, a
    secret or a password is one, however it is spelled; the rest is not.
    """
    connection = _connection_in(spec)
    for name, value in connection.items():
        if any(word in str(name).lower() for word in _SECRET_NAMES):
            yield from _texts_in(value)


def _connection_in(spec: object) -> Mapping[object, object]:
    """Return the connection of a spec; a text that is no JSON all as one token."""
    connection = spec.get("connection") if isinstance(spec, dict) else None
    if isinstance(connection, bytes):
        connection = connection.decode("utf-8", "replace")
    if isinstance(connection, str):
        try:
            connection = json.loads(connection)
        except (ValueError, RecursionError):
            return {"token": connection}
    return connection if isinstance(connection, dict) else {}


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
