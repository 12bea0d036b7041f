"""Whether an update whose answer was lost has arrived, by notes and fields (contract section 9).

Nobody knows the id of a note that was sent, so it is told by its text, its flag and its time. The
server lists notes in an order of its own, on pages, and may store a text otherwise than it was
sent. So every note that may be ours is one of three:

| the note's time, by the server's clock     | its text is ours | another text |
| ------------------------------------------ | ---------------- | ------------ |
| since the attempt in doubt has begun       | recognised       | unclear      |
| perhaps before it: up to ten seconds       | unclear          | unclear      |
| up to five minutes before it               | unclear          | another one  |
| older                                      | another one      | another one  |

*Recognised* proves that the update has arrived. *Another one* for every note of every page proves
that it has not, as soon as the server has had the time to finish. *Unclear* proves nothing: the
note may be ours, written otherwise or timed by another clock, or somebody else's.

The window begins with the attempt that is in doubt. An earlier one is settled by then: it was not
processed, or was looked for in vain. So a note like ours that somebody has added before, during a
wait for a rate limit say, is not taken for ours.

A list of the notes before the first attempt would spare the clocks. It was left out: it costs every
update that adds a note one call more of the user's hourly limit, fails where the token may not read
notes, and is as old as the wait before the attempt. What it would add is little. Without it, a note
could be doubled by a server whose `Date` and `created_at` are more than five minutes apart, or more
than ten seconds where it rewrites the text as well. And since both are whole seconds, a note of the
same text that somebody else adds up to three seconds before the attempt counts as ours; then our
other fields tell, where they can be compared.
"""

from __future__ import annotations

import html
import re
import unicodedata
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from process.errors import UnexpectedResponseError
from process.settings import CLOCK_TOLERANCE, MAX_CLOCK_DIFFERENCE
from transport.failures import server_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests

    from operations.payload import ExpectedNote
    from spec.schema import SpecSchema

_COMPARED = frozenset({"enum", "boolean", "integer", "reference", "string"})
_QUICK = 1.0  # seconds that an answer may take without blurring when the attempt has begun
_MAX_GROWTH = 20  # times that escapes may make a text longer
_MAX_COMBINING = 100  # accents on one letter
_MAX_ESCAPES = 3  # how often a text may have been escaped anew
# A name in the target may have parentheses; the limits keep hostile texts from taking long.
_IMAGE_LINK = re.compile(r"!\[[^\[\]\n]{0,999}\]\((?:[^()\n]|\([^()\n]{0,999}\)){0,2048}\)")
_IMAGE = "\0"  # stands for an image link: no text has it, since control characters are dropped


class NoteMatch(IntEnum):
    """What a note is to the one that was sent; see the table above."""

    ANOTHER = 0
    UNCLEAR = 1
    RECOGNISED = 2


class AttemptStart(NamedTuple):
    """When an attempt has begun, by the server's clock: seconds since the epoch, whole, cut.

    Attributes:
        earliest: not before.
        latest: what is added from here on counts as added since; at most three seconds before it.
    """

    earliest: int
    latest: int


def attempt_started_at(
    response: requests.Response, since_asked: float, since_answered: float
) -> AttemptStart:
    """Return when an attempt has begun: the server's time, less what has passed since.

    Args:
        response: an answer to a question that was asked later.
        since_asked: seconds from the attempt's beginning until the question was sent.
        since_answered: seconds from the attempt's beginning until the answer was there.

    Raises:
        UnexpectedResponseError: the answer does not tell the time.
    """
    now = server_time(response.headers)
    if now is None or "Age" in response.headers:
        raise UnexpectedResponseError("the answer does not tell the server's time")
    earliest = int(now - since_answered)
    return AttemptStart(earliest, max(int(now - since_asked - _QUICK), earliest))


def notes_of(value: object) -> list[Mapping[str, Any]]:
    """Return an answer that is a list of notes.

    Raises:
        UnexpectedResponseError: it is not.
    """
    if isinstance(value, list) and all(isinstance(note, dict) for note in value):
        return value
    raise UnexpectedResponseError("the answer is not a list of notes")


def created_at(note: Mapping[str, Any]) -> float:
    """Return when a note was added, in seconds since the epoch.

    Raises:
        UnexpectedResponseError: it does not tell; without a zone it could be anybody's (facts: the
            user's, which the step does not know).
    """
    try:
        created = datetime.fromisoformat(note["created_at"])
        if created.tzinfo is not None:
            return created.timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        pass
    raise UnexpectedResponseError("a note has no valid created_at")


def match_note(note: Mapping[str, Any], expected: ExpectedNote, start: AttemptStart) -> NoteMatch:
    """Return what a note is to an expected one; see the table above.

    Raises:
        UnexpectedResponseError: the note does not tell its time.
    """
    is_internal = note.get("internal")
    if is_internal is (not expected.internal):
        return NoteMatch.ANOTHER
    created = created_at(note)
    if created < start.earliest - MAX_CLOCK_DIFFERENCE:
        return NoteMatch.ANOTHER
    is_alike = is_same_text(note.get("text"), expected.text)
    if created >= start.latest:
        is_certain = is_alike and (is_internal or False) is expected.internal
        return NoteMatch.RECOGNISED if is_certain else NoteMatch.UNCLEAR
    is_near = created >= start.earliest - CLOCK_TOLERANCE
    return NoteMatch.UNCLEAR if is_alike or is_near else NoteMatch.ANOTHER


def is_same_text(stored: object, sent: str) -> bool:
    """Return whether a stored text is certainly the one that was sent.

    Servers trim texts, fold blanks, escape HTML, compose accents, drop what cannot be printed and
    rewrite the targets of images. Nothing else is overlooked: a sign or a word more or less makes
    another text. Where images are all there is, only the same text is the same.
    """
    if not isinstance(stored, str) or len(stored) > _MAX_GROWTH * len(sent) + _MAX_GROWTH:
        return False
    ours = _normalized(sent)
    if not ours.replace(_IMAGE, "").strip():
        return stored.strip() == sent.strip()
    return _normalized(stored) == ours


def _normalized(text: str) -> str:
    for _ in range(_MAX_ESCAPES):
        text = _unescaped(text)
    text = _composed(text)
    printable = "".join(char for char in text if char.isprintable() or char.isspace())
    return " ".join(_IMAGE_LINK.sub(_IMAGE, printable).split())


def _unescaped(text: str) -> str:
    try:
        return html.unescape(text)
    except ValueError:  # a reference of thousands of digits
        return text


def _composed(text: str) -> str:
    """Return a text with its accents composed; that takes for ever where they are piled up."""
    pile = 0
    for char in "" if text.isascii() else text:
        pile = pile + 1 if unicodedata.combining(char) else 0
        if pile > _MAX_COMBINING:
            return text
    return unicodedata.normalize("NFC", text)


def different_fields(
    body: Mapping[str, Any], request: Mapping[str, Any], schema: SpecSchema
) -> Iterator[str]:
    """Yield the fields of a request that are not as an update has sent them, a line each.

    Long texts, times and custom fields are left out: the service may write them otherwise. Of short
    ones, blanks and letter case do not count.
    """
    for known in {known.api_name: known for known in schema.fields.values()}.values():
        name = known.api_name.removesuffix("_id") if known.kind == "reference" else known.api_name
        if known.kind not in _COMPARED or known.api_name not in body or name not in request:
            continue
        is_now = request[name]
        value = is_now.get("id") if isinstance(is_now, dict) else is_now
        if _comparable(value) != _comparable(body[known.api_name]):
            yield f"{name} was sent as {body[known.api_name]!r}, and is {value!r}"


def _comparable(value: object) -> object:
    if isinstance(value, str):
        return " ".join(value.split()).casefold()
    return value or ""
