"""Redacts secrets from logs and outputs, in every encoding in which they may appear.

docs/guarantees.md, section "Confidentiality", has what users may rely on.
"""

from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote

from process.unescape import replace_spans, unescaped_variants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

logger = logging.getLogger("step.redaction")

T = TypeVar("T")

MASK = "***"
_MIN_LENGTH = 8  # characters; a shorter text occurs in other texts by chance


class Redactor:
    """Redacts the secrets of a run.

    Logs lose all secrets and private texts. Outputs, which later steps work with, lose only the
    secrets that give access (`add_secrets`).
    """

    def __init__(self) -> None:
        self._encodings: dict[str, list[str]] = {}  # what to search for, for each secret
        self._access_secrets: set[str] = set()
        self._private_texts: list[str] = []
        self._has_warned = False

    def add_secrets(self, secrets: Iterable[str]) -> None:
        """Redact these in logs and outputs from now on, without surrounding blanks."""
        texts = [text.strip() for text in secrets]
        self._access_secrets.update(texts)
        self.add_log_secrets(texts)

    def add_log_secrets(self, secrets: Iterable[str]) -> None:
        """Redact these in logs only: secrets that give no access to 4me, such as a proxy's."""
        for text in map(str.strip, secrets):
            if text and text not in self._encodings:
                self._encodings[text] = _encodings_of(text)

    def add_private_texts(self, texts: Iterable[str]) -> None:
        """Redact these in logs only: notes, which a server may quote; at least 8 characters."""
        encodings = {form for text in texts for form in (text.strip(), " ".join(text.split()))}
        self._private_texts += (form for form in encodings if len(form) >= _MIN_LENGTH)

    def redact(self, text: str) -> str:
        """Return a text for the log, with `MASK` for each secret and private text."""
        encodings = [form for encodings in self._encodings.values() for form in encodings]
        return _redact_text(text, [*encodings, *self._private_texts])

    def redact_value(self, value: T) -> T:
        """Return a copy of a JSON value for the output, with `MASK` for each access secret.

        Secrets below 8 characters stay, as they would destroy other texts. The first redaction of a
        run logs a warning.
        """
        encodings = [
            form
            for text, encodings in self._encodings.items()
            if text in self._access_secrets and len(text) >= _MIN_LENGTH
            for form in encodings
        ]
        copier = _RedactingCopier(encodings)
        copy: T = copier.copy(value)
        if copier.has_redacted and not self._has_warned:
            self._has_warned = True
            logger.warning(
                "The output would have held a secret of this run (the access token, a client "
                "secret or the token of METADATA_API_URL); %s stands in its place. Everyone who "
                "sees the request in 4me can read it there: remove it, and make a new one.",
                MASK,
            )
        return copy


class _RedactingCopier:
    """Copies JSON values of any depth, redacted."""

    def __init__(self, encodings: Sequence[str]) -> None:
        self.has_redacted = False
        self._encodings = encodings

    def copy(self, value: object) -> Any:  # noqa: ANN401  of the same type as the value
        root: list[Any] = [value]
        pending: list[tuple[Any, Any]] = [(root, 0)]  # no recursion: the depth is unlimited
        while pending:
            parent, key = pending.pop()
            item = parent[key]
            if isinstance(item, str):
                parent[key] = self._redact(item)
            elif isinstance(item, list):
                parent[key] = items = list(item)
                pending += ((items, index) for index in range(len(items)))
            elif isinstance(item, dict):
                parent[key] = members = self._redact_names(item)
                pending += ((members, name) for name in members)
        return root[0]

    def _redact(self, text: str) -> str:
        redacted = _redact_text(text, self._encodings)
        self.has_redacted = self.has_redacted or redacted != text
        return redacted

    def _redact_names(self, values: Mapping[str, object]) -> dict[str, object]:
        """Return an object with redacted names, which stay unique so that no value is lost."""
        members: dict[str, object] = {}
        for name, value in values.items():
            redacted = self._redact(name)
            while redacted != name and (redacted in values or redacted in members):
                redacted += MASK
            members[redacted] = value
        return members


def _redact_text(text: str, encodings: Sequence[str]) -> str:
    """Return a text with `MASK` for each of `encodings`, escaped or not."""
    spans = [span for variant in unescaped_variants(text) for span in variant.find_spans(encodings)]
    return replace_spans(text, spans, MASK) if spans else text


def _encodings_of(text: str) -> list[str]:
    """Return a secret as it is, without URL escapes, as in forms, on one line, and in base64."""
    plain = {text, unquote(text)}
    encoded = {form for variant in plain for form in _base64_encodings(variant)}
    return sorted({*plain, text.replace(" ", "+"), " ".join(text.split()), *encoded})


def _base64_encodings(text: str) -> Iterator[str]:
    """Yield the base64 of a secret within other bytes, as far as these do not change it."""
    raw = text.encode("utf-8", "surrogatepass")
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + raw).decode("ascii")
        end = (offset + len(raw)) // 3 * 4
        stable = encoded[(0, 2, 3)[offset] : end]
        if len(stable) >= _MIN_LENGTH:
            yield stable
            yield stable.replace("+", "-").replace("/", "_")
