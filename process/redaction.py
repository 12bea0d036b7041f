"""The secrets of a run: where they are, and how they are kept out of whatever leaves it."""

from __future__ import annotations

import base64
import logging
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from process.unescape import replace_spans, unescaped_variants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

logger = logging.getLogger("step.redaction")

MASK = "***"
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
_MIN_LENGTH = 8  # characters of a text that is not in other texts by chance


class Redactor:
    """Knows the secrets of a run and takes them out of texts and values.

    Logs lose every secret and every private text. An output is what others work with, so it loses
    nothing but what gives access: the secrets that `add_secrets` was told.
    """

    def __init__(self) -> None:
        self._secrets: dict[str, _Secret] = {}
        self._private: tuple[str, ...] = ()
        self._warned = False

    def add_secrets(self, secrets: Iterable[str]) -> None:
        """Hide these from now on, in every spelling in which they may come back."""
        self._learn(secrets, in_outputs=True)

    def add_log_secrets(self, secrets: Iterable[str]) -> None:
        """Hide these in logs, but not in outputs: secrets of others, such as a proxy's."""
        self._learn(secrets, in_outputs=False)

    def _learn(self, secrets: Iterable[str], *, in_outputs: bool) -> None:
        for text in map(str.strip, secrets):
            known = self._secrets.get(text)
            if text and (known is None or (in_outputs and not known.in_outputs)):
                self._secrets[text] = _secret(text, in_outputs=in_outputs)

    def add_private_texts(self, texts: Iterable[str]) -> None:
        """Keep these out of logs, but not out of outputs: notes, which a server may quote."""
        forms = {form for text in texts for form in (text.strip(), " ".join(text.split()))}
        self._private += tuple(form for form in forms if len(form) >= _MIN_LENGTH)

    def redact(self, text: str) -> str:
        """Return a text for the log, without anything that it must not hold."""
        forms = [form for secret in self._secrets.values() for form in secret.forms]
        return _without(text, [*forms, *self._private])

    def redact_value(self, value: object) -> object:
        """Return a JSON value for the output, without any access secret in its texts and names.

        What a very short secret would tear apart stays as it is. The first time that something is
        hidden, a warning says so.
        """
        forms = [
            form
            for secret in self._secrets.values()
            if secret.in_outputs and len(secret.text) >= _MIN_LENGTH
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
                MASK,
            )
        return cleaned

    def redact_object(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return a JSON object for the output; see `redact_value`."""
        cleaned = self.redact_value(dict(values))
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
    encode_utf8 = {form for words in plain for form in _base64_forms(words)}
    return _Secret(text, tuple(sorted(plain | quoted | encode_utf8)), in_outputs)


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
                cleaned += MASK
            members[cleaned] = value
        return members


def _without(text: str, forms: list[str]) -> str:
    """Return a text without some words, also where they are escaped."""
    spans = [
        span
        for reading in unescaped_variants(text)
        for form in forms
        if form in reading.text
        for span in reading.find_spans(form)
    ]
    return replace_spans(text, spans, MASK) if spans else text


def _base64_forms(text: str) -> Iterator[str]:
    """Yield what of a secret stays the same in base64, wherever in the encoded bytes it begins."""
    raw = text.encode("utf-8", "surrogatepass")
    for before in range(3):
        encode_utf8 = base64.b64encode(b"\0" * before + raw).decode("ascii")
        whole = (before + len(raw)) // 3 * 4
        inner = encode_utf8[(0, 2, 3)[before] : whole]
        if len(inner) >= _MIN_LENGTH:
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
