"""Whether an update whose answer was lost has arrived: what notes and fields tell (contract 5)."""

from __future__ import annotations

import html
import re
import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fourme.errors import UnexpectedAnswerError
from fourme.mishaps import server_time
from fourme.settings import CLOCK_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests

    from fourme.schema import SpecSchema
    from fourme.translation import ExpectedNote

_COMPARED = frozenset({"enum", "boolean", "integer", "reference"})
_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_MOST_ESCAPES = 3  # how often a text may have been escaped anew
_TAG = re.compile(r"<[^<>]*>")


def start_by_server(response: requests.Response, elapsed: float) -> float:
    """Return when an attempt began, by the server's clock: its time now less the time since.

    Both `Date` and `created_at` are whole seconds, cut; so is the result. They may be stamped by
    two machines of the service, so there is a second of tolerance.

    Raises:
        UnexpectedAnswerError: the answer does not tell the time.
    """
    now = server_time(response.headers)
    if now is None or "Age" in response.headers:
        raise UnexpectedAnswerError("the answer does not tell the server's time")
    return int(now - elapsed) - CLOCK_TOLERANCE


def notes_of(value: object) -> list[Mapping[str, Any]]:
    """Return an answer that is a list of notes.

    Raises:
        UnexpectedAnswerError: it is not.
    """
    if isinstance(value, list) and all(isinstance(note, dict) for note in value):
        return value
    raise UnexpectedAnswerError("the answer is not a list of notes")


def created_at(note: Mapping[str, Any]) -> float:
    """Return when a note was added, in seconds since the epoch.

    Raises:
        UnexpectedAnswerError: it does not tell.
    """
    try:
        created = datetime.fromisoformat(note["created_at"])
        return (created if created.tzinfo else created.replace(tzinfo=UTC)).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UnexpectedAnswerError("a note has no valid created_at") from error


def is_note(note: Mapping[str, Any], expected: ExpectedNote) -> bool:
    """Return whether a note is the expected one.

    Servers trim texts, escape them, compose accents, drop what cannot be printed and rewrite the
    links of images: what is compared are the letters and digits.

    Raises:
        UnexpectedAnswerError: the note has no text to compare.
    """
    text = note.get("text")
    if not isinstance(text, str):
        raise UnexpectedAnswerError("a note has no text")
    return bool(note.get("internal")) is expected.internal and _gist(text) == _gist(expected.text)


def _gist(text: str) -> str:
    for _ in range(_MOST_ESCAPES):
        text = html.unescape(text)
    folded = unicodedata.normalize("NFKC", text).casefold()
    plain = _TAG.sub(" ", _IMAGE.sub(" ", folded))
    letters = "".join(char for char in plain if char.isalnum())
    return letters or "".join(folded.split())


def different_fields(
    body: Mapping[str, Any], request: Mapping[str, Any], schema: SpecSchema
) -> Iterator[str]:
    """Yield the fields of a request that are not as an update has sent them, a line each.

    Texts, times and custom fields are left out: the service may write them otherwise.
    """
    for known in {known.sent_as: known for known in schema.fields.values()}.values():
        name = known.sent_as.removesuffix("_id") if known.kind == "reference" else known.sent_as
        if known.kind not in _COMPARED or known.sent_as not in body or name not in request:
            continue
        is_now = request[name]
        value = is_now.get("id") if isinstance(is_now, dict) else is_now
        if (value or "") != (body[known.sent_as] or ""):
            yield f"{name} was sent as {body[known.sent_as]!r}, and is {value!r}"
