"""Recognises the note that an update adds, to verify an update whose response was lost.

The id of a note that was sent is not known, so it is recognised by its text, its flag and its time.
The server lists notes in any order, on pages, and may store a text in another form. So every note
is one of three:

| the note's time, by the server's clock     | the same text    | another text |
| ------------------------------------------ | ---------------- | ------------ |
| since the ambiguous attempt has begun       | recognised       | unclear      |
| perhaps before it: up to ten seconds       | unclear          | unclear      |
| up to five minutes before it               | unclear          | another one  |
| older                                      | another one      | another one  |

*Recognised* proves that the update was applied. *Another one* for every note of every page proves
that it was not, as soon as the server has had the time to finish. *Unclear* proves nothing.

The window begins with the attempt that is in doubt: an earlier one is known not to be applied. So
an equal note that somebody added before, during a wait for a rate limit, is not mistaken for it.

To list the notes before the first attempt instead would cost every update that adds a note another
call of the user's hourly limit, and fail where the token may not read notes. The price: a note can
be doubled by a server whose `Date` and `created_at` are more than five minutes apart (ten seconds
if it changes texts as well); and an equal note of somebody else's, up to three seconds before the
attempt, counts as the one sent, unless the other fields show that it is not.
"""

from __future__ import annotations

import re
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from operations.texts import compose, unescape
from process.errors import UnexpectedResponseError
from process.settings import CLOCK_TOLERANCE, MAX_CLOCK_DIFFERENCE
from transport.headers import server_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from operations.payload import ExpectedNote

_FAST_RESPONSE = 1.0  # seconds; after a slower one the start of the attempt is less certain
_MAX_GROWTH = 20  # times that escapes may make a text longer
_MAX_ESCAPES = 3  # times that a text may have been escaped
# A target may contain parentheses; the limits keep hostile texts from taking long.
IMAGE_LINK = r"!\[([^\[\]\n]{0,999})\]\((?:[^()\n]|\([^()\n]{0,999}\)){0,2048}\)"
_IMAGE = "\0"  # replaces an image link: no text has it, since control characters are dropped


class NoteMatch(IntEnum):
    """How a note matches the one that was sent; see the table above."""

    NO_MATCH = 0
    UNCLEAR = 1
    MATCH = 2


class AttemptStart(NamedTuple):
    """The bounds of an attempt's start, by the server's clock: whole seconds since the epoch.

    A note added at `latest` or later counts as added since; that is at most three seconds early.
    """

    earliest: int
    latest: int


def attempt_started_at(
    response: requests.Response, since_request: float, since_response: float
) -> AttemptStart:
    """Return when an attempt has begun: the time of a later response, less the time since.

    `since_request` and `since_response` are the seconds from the attempt's start to that later
    request and to its response.

    Raises:
        UnexpectedResponseError: the response has no valid time.
    """
    now = server_time(response.headers)
    if now is None or "Age" in response.headers:
        raise UnexpectedResponseError("the answer does not give the server's time")
    earliest = int(now - since_response)
    return AttemptStart(earliest, max(int(now - since_request - _FAST_RESPONSE), earliest))


def created_at(note: Mapping[str, Any]) -> float:
    """Return when a note was added, in seconds since the epoch.

    Raises:
        UnexpectedResponseError: it has no valid time, or one without a zone: such a time is in the
            user's zone, which the step does not know.
    """
    try:
        created = datetime.fromisoformat(note["created_at"])
        if created.tzinfo is not None:
            return created.timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        pass
    raise UnexpectedResponseError("a note has no valid created_at")


def match_note(note: Mapping[str, Any], expected: ExpectedNote, start: AttemptStart) -> NoteMatch:
    """Return how a note matches an expected one; see the table above.

    Raises:
        UnexpectedResponseError: the note has no valid time.
    """
    is_internal = note.get("internal")
    if is_internal is (not expected.internal):
        return NoteMatch.NO_MATCH
    created = created_at(note)
    if created < start.earliest - MAX_CLOCK_DIFFERENCE:
        return NoteMatch.NO_MATCH
    is_same = is_same_text(note.get("text"), expected.text)
    if created >= start.latest:
        is_certain = is_same and (is_internal or False) is expected.internal
        return NoteMatch.MATCH if is_certain else NoteMatch.UNCLEAR
    is_near = created >= start.earliest - CLOCK_TOLERANCE
    return NoteMatch.UNCLEAR if is_same or is_near else NoteMatch.NO_MATCH


def match_new_note(
    note: Mapping[str, Any], expected: ExpectedNote, known_ids: frozenset[int]
) -> NoteMatch:
    """Return how a note matches an expected one where all notes before the update are known.

    No time is needed then: a note that is not known is recognised, or unclear.
    """
    is_internal = note.get("internal")
    note_id = note.get("id")
    if (isinstance(note_id, int) and note_id in known_ids) or is_internal is (
        not expected.internal
    ):
        return NoteMatch.NO_MATCH
    is_certain = (is_internal or False) is expected.internal
    is_same = is_certain and is_same_text(note.get("text"), expected.text)
    return NoteMatch.MATCH if is_same else NoteMatch.UNCLEAR


def is_same_text(stored: object, sent: str) -> bool:
    """Return whether a stored text is certainly the one that was sent.

    Servers trim texts, fold white space, escape HTML, compose accents, drop unprintable characters
    and replace the targets of images; nothing else is ignored. A text of nothing but images has to
    be the same to the letter.
    """
    if not isinstance(stored, str) or len(stored) > _MAX_GROWTH * len(sent) + _MAX_GROWTH:
        return False
    normalized = normalize_note(sent)
    if not normalized.replace(_IMAGE, "").strip():
        return stored.strip() == sent.strip()
    return normalize_note(stored) == normalized


def normalize_note(text: str) -> str:
    """Return a text without what servers change in it."""
    for _ in range(_MAX_ESCAPES):
        text = unescape(text)
    text = compose(text)
    printable = "".join(char for char in text if char.isprintable() or char.isspace())
    return " ".join(re.sub(IMAGE_LINK, _IMAGE, printable).split())
