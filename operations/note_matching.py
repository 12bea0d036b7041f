"""Whether a note is the one that an update adds: so an update whose answer was lost is verified.

Nobody knows the id of a note that was sent, so it is recognised by its text, its flag and its time.
The server lists notes in an order of its own, on pages, and may store a text otherwise than it was
sent. So every note is one of three:

| the note's time, by the server's clock     | the same text    | another text |
| ------------------------------------------ | ---------------- | ------------ |
| since the attempt in doubt has begun       | recognised       | unclear      |
| perhaps before it: up to ten seconds       | unclear          | unclear      |
| up to five minutes before it               | unclear          | another one  |
| older                                      | another one      | another one  |

*Recognised* proves that the update was applied. *Another one* for every note of every page proves
that it was not, as soon as the server has had the time to finish. *Unclear* proves nothing: the
note may be the one sent, written otherwise or timed by another clock, or somebody else's.

The window begins with the attempt that is in doubt. An earlier one is settled by then: it was not
processed, or was not found. So an equal note that somebody has added before, during a wait for a
rate limit say, is not mistaken for the one sent.

A list of the notes before the first attempt would make the clocks unnecessary. It was left out: it
costs every update that adds a note one call more of the user's hourly limit, fails where the token
may not read notes, and is as old as the wait before the attempt. What it would add is little.
Without it, a note could be doubled by a server whose `Date` and `created_at` are more than five
minutes apart, or more than ten seconds where it rewrites the text as well. And since both are whole
seconds, a note of the same text that somebody else adds up to three seconds before the attempt
counts as the one sent; then the other fields tell, where they can be compared.
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
from transport.headers import server_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from operations.payload import ExpectedNote

_FAST_RESPONSE = 1.0  # seconds; a slower one leaves it open when the attempt has begun
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
    return AttemptStart(earliest, max(int(now - since_asked - _FAST_RESPONSE), earliest))


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
    ours = normalize_note(sent)
    if not ours.replace(_IMAGE, "").strip():
        return stored.strip() == sent.strip()
    return normalize_note(stored) == ours


def normalize_note(text: str) -> str:
    """Return a text without what servers change in it."""
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
    """Return a text with its accents composed; that takes too long where one letter has many."""
    count = 0
    for char in "" if text.isascii() else text:
        count = count + 1 if unicodedata.combining(char) else 0
        if count > _MAX_COMBINING:
            return text
    return unicodedata.normalize("NFC", text)
