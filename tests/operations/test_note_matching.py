"""`operations.note_matching`: whether a note is the one that an update adds."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.note_matching import (
    AttemptStart,
    NoteMatch,
    attempt_started_at,
    created_at,
    is_same_text,
    match_note,
)
from operations.payload import ExpectedNote
from process.errors import UnexpectedResponseError
from tests.fourme.scripted_api import answer

NOON = 1795262400  # 2026-11-21T12:00:00Z
NO_MATCH, UNCLEAR, MATCH = NoteMatch


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("Done", "Done"),
        ("Done ", "Done"),
        ("a\n\n b", "a b"),
        ("a\r\nb", "a\nb"),
        ("caf\u00e9", "cafe\u0301"),
        ("cafe\u0301", "caf\u00e9"),
        ("a < b & c", "a &lt; b &amp; c"),
        ('say "yes"', "say &quot;yes&quot;"),
        ("it's", "it&#39;s"),
        ("see <b>x</b>", "see &lt;b&gt;x&lt;/b&gt;"),
        ("1 &lt; 2", "1 &amp;lt; 2"),
        ("<ok>", "&lt;ok&gt;"),
        ("See ![](files/a.txt)!", "See ![a.txt](https://cdn.example/1?x=y)!"),
        ("See ![](files/a(1).txt)!", "See ![a(1).txt](https://cdn.example/1?x=(y))!"),
        ("![](a/b.png) and ![](c/d.png)", "![b](https://x/1) and ![d](https://x/2)"),
        ("![](files/a.txt)", "![](files/a.txt)\n"),
        ("a\u200bb", "ab"),
        ("a\u0000b", "ab"),
        ("a\ufeffb\u00a0c", "ab c"),
        ("\u2713", "\u2713"),
        ("- \u2713 -", " -  \u2713 - "),
        ("\u200b", "\u200b"),
    ],
)
def test_the_same_text(sent: str, stored: str) -> None:
    """A text is the one that was sent, where servers are known to change it."""
    assert is_same_text(stored, sent)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("Done", "Don"),
        ("Done", "Done 2"),
        ("Done", "done"),
        ("Run 12", "Run 13"),
        ("Release 1.12", "Release 11.2"),
        ("Release 1.12", "Release 112"),
        ("Retry <job 7>", "Retry <job 8>"),
        ("Retry <job 7>", "Retry"),
        ("Rate 1-2", "Rate 12"),
        ("Done", ""),
        ("Done", None),
        ("Done", 5),
        ("Done", ["Done"]),
        ("\u2713", "\u2717"),
        ("\u2713", ""),
        ("caf\u00e9", "cafe"),
        # What a server may make of it, and nobody can tell from another text:
        ("\ufb01le", "file"),
        ("Done", "<p>Done</p>"),
        ("see https://x.example", 'see <a href="https://x.example">https://x.example</a>'),
        ("a <!-- b --> c", "a c"),
        ("Done", "Done\n-- \nSent by an integration"),
        ("A long text", "A long"),
        ("See ![](files/a.txt)", 'See <img src="https://cdn.example/1">'),
        ("See ![](files/a.txt)", "See"),
        ("See ![](a(.txt)", "See ![a(.txt](https://cdn.example/1)"),
        # Nothing but images: they could be any.
        ("![](files/a.txt)", "![](files/b.txt)"),
        ("![](files/a.txt)", "![a.txt](https://cdn.example/1)"),
        ("\u200b", ""),
    ],
)
def test_another_text(sent: str, stored: object) -> None:
    """Any other difference makes another text, or one of which nobody can tell."""
    assert not is_same_text(stored, sent)


@pytest.mark.parametrize(
    "text", ["![](" * 16_000, "![](((((" * 8_000, "&amp;" * 13_000, "(" * 65_000]
)
def test_hostile_texts_take_no_time(text: str) -> None:
    """A text that is all beginnings of images, or all escapes, is compared in a moment."""
    started = time.monotonic()
    assert not is_same_text(text + "a", text + "b")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    "text", [f"&#{'9' * 5000};", f"&#{'0' * 5000}65;", "e" + "\u0301\u0316" * 32_000]
)
def test_texts_that_libraries_fail_at(text: str) -> None:
    """They are the same as themselves, and nothing else; and are compared in a moment."""
    started = time.monotonic()
    assert is_same_text(text, text)
    assert not is_same_text(text + "a", text + "b")
    assert time.monotonic() - started < 5


def test_a_text_that_is_far_too_long_is_another() -> None:
    """It is not even looked at."""
    assert not is_same_text("\u0301" * 4_000_000, "Done")


START = AttemptStart(NOON, NOON + 10)


@pytest.mark.parametrize(
    ("seconds", "text", "match"),
    [
        (3600, "Done", MATCH),
        (10, "Done", MATCH),
        (9, "Done", UNCLEAR),
        (0, "Done", UNCLEAR),
        (-1, "Done", UNCLEAR),
        (-60, "Done", UNCLEAR),
        (-300, "Done", UNCLEAR),
        (-301, "Done", NO_MATCH),
        (-3600, "Done", NO_MATCH),
        (3600, "Else", UNCLEAR),
        (10, "Else", UNCLEAR),
        (0, "Else", UNCLEAR),
        (0, None, UNCLEAR),
        (-1, "Else", UNCLEAR),
        (-10, "Else", UNCLEAR),
        (-10, None, UNCLEAR),
        (-11, "Else", NO_MATCH),
        (-11, None, NO_MATCH),
        (-3600, "Else", NO_MATCH),
    ],
)
def test_match_note(seconds: int, text: object, match: NoteMatch) -> None:
    """The table of the module: a note's time and text tell what it is."""
    stored = {"text": text, "internal": False, "created_at": _iso(NOON + seconds)}
    assert match_note(stored, ExpectedNote("Done", internal=False), START) is match
    for_others = {**stored, "internal": True}
    assert match_note(for_others, ExpectedNote("Done", internal=False), START) is NO_MATCH
    assert match_note(for_others, ExpectedNote("Done", internal=True), START) is match


def _iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


@pytest.mark.parametrize(
    ("internal", "for_all", "for_some"),
    [
        (False, MATCH, NO_MATCH),
        (True, NO_MATCH, MATCH),
        (None, MATCH, UNCLEAR),
        (1, UNCLEAR, UNCLEAR),
        ("false", UNCLEAR, UNCLEAR),
    ],
)
def test_flag(internal: object, for_all: NoteMatch, for_some: NoteMatch) -> None:
    """The same text for other readers is another note, but only where the flag says so."""
    note = {"text": "Done", "internal": internal, "created_at": _iso(NOON + 10)}
    assert match_note(note, ExpectedNote("Done", internal=False), START) is for_all
    assert match_note(note, ExpectedNote("Done", internal=True), START) is for_some


def test_without_flag() -> None:
    """A note that does not say that it is internal is not, but may be one that was sent as such."""
    note = {"text": "Done", "created_at": _iso(NOON + 10)}
    assert match_note(note, ExpectedNote("Done", internal=False), START) is MATCH
    assert match_note(note, ExpectedNote("Done", internal=True), START) is UNCLEAR


@pytest.mark.parametrize(
    ("since_request", "since_response", "start"),
    [
        (0.0, 0.0, (NOON, NOON)),
        (0.0, 0.1, (NOON - 1, NOON - 1)),
        (9.9, 10.0, (NOON - 10, NOON - 10)),
        (9.9, 10.9, (NOON - 11, NOON - 11)),
        # A slow response may have the time of its beginning, or of its end.
        (10.0, 70.0, (NOON - 70, NOON - 11)),
    ],
)
def test_start_by_server(
    since_request: float, since_response: float, start: tuple[int, int]
) -> None:
    """The start is the server's time less what has passed: sharp where the answer was quick."""
    assert attempt_started_at(answer([]), since_request, since_response) == start


@given(
    attempt=st.floats(1e9, 2e9),
    latency=st.floats(0, 1),
    later=st.floats(0, 3600),
    stamp=st.floats(0, 1),
)
def test_the_bounds_of_a_start(attempt: float, latency: float, later: float, stamp: float) -> None:
    """Where clocks agree, what comes after the attempt is recognised, and little before it.

    Times are cut to whole seconds. The server stamps its answer somewhere between the question and
    the response.
    """
    response = answer([])
    now = attempt + later + stamp * latency
    response.headers["Date"] = format_datetime(datetime.fromtimestamp(int(now), UTC), usegmt=True)
    start = attempt_started_at(response, later, later + latency)
    assert start.earliest <= int(attempt) + 1e-6
    assert start.latest <= int(attempt) + 1e-6
    assert attempt - start.latest <= 3 + 1e-6


@pytest.mark.parametrize(
    ("name", "text"), [("Date", "soon"), ("Date", ""), ("Age", "0"), ("Age", "7")]
)
def test_no_time(name: str, text: str) -> None:
    """An answer without a time, or from a cache, does not tell the server's time."""
    response = answer([])
    response.headers[name] = text

    with pytest.raises(UnexpectedResponseError, match="the server's time"):
        attempt_started_at(response, 0.0, 0.0)


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("2026-11-21T12:00:00Z", NOON),
        ("2026-11-21T06:00:00-06:00", NOON),
        ("2026-11-21T12:00:00.500Z", NOON + 0.5),
    ],
)
def test_created_at(created: str, expected: float) -> None:
    """A time is read with its zone."""
    assert created_at({"created_at": created}) == expected


@pytest.mark.parametrize(
    "note",
    [
        {},
        {"created_at": None},
        {"created_at": 5},
        {"created_at": "yesterday"},
        {"created_at": "2026-11-21T12:00:00"},
    ],
)
def test_odd_created_at(note: dict[str, Any]) -> None:
    """A note without a valid time is an error; without a zone it is the user's, who is unknown."""
    with pytest.raises(UnexpectedResponseError, match="no valid created_at"):
        created_at(note)
