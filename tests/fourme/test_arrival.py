"""`fourme.arrival`: whether an update whose answer was lost has arrived."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fourme.arrival import created_at, different_fields, is_note, notes_of, start_by_server
from fourme.errors import UnexpectedAnswerError
from fourme.translation import ExpectedNote
from tests.fourme.scripted_api import answer

if TYPE_CHECKING:
    from fourme.schema import SpecSchema

NOON = 1795262400.0  # 2026-11-21T12:00:00Z


def recognised(sent: str, stored: object, *, internal: object = False) -> bool:
    """Return whether a stored note is taken for one that was sent, not internal."""
    return is_note({"text": stored, "internal": internal}, ExpectedNote(sent, internal=False))


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("Done", "Done"),
        ("Done ", "Done"),
        ("a\n\n b", "a b"),
        ("a\r\nb", "a\nb"),
        ("caf\u00e9", "cafe\u0301"),
        ("cafe\u0301", "caf\u00e9"),
        ("\ufb01le", "file"),
        ("a < b & c", "a &lt; b &amp; c"),
        ('say "yes"', "say &quot;yes&quot;"),
        ("it's", "it&#39;s"),
        ("Done", "<p>Done</p>"),
        ("see <b>x</b>", "see &lt;b&gt;x&lt;/b&gt;"),
        ("see <b>x</b>", "see x"),
        ("a < b and c > d", "a &lt; b and c &gt; d"),
        ("1 &lt; 2", "1 &amp;lt; 2"),
        ("<ok>", "&lt;ok&gt;"),
        ("<>", "&lt;&gt;"),
        ("a\nb", "<p>a<br/>b</p>"),
        ("See ![](files/a.txt)!", "See ![a.txt](https://cdn.example/1?x=y)!"),
        ("See ![](files/a.txt)", 'See <img src="https://cdn.example/1">'),
        ("See ![](files/a.txt)", "See"),
        ("a\u200bb", "ab"),
        ("a\u0000b", "ab"),
        ("a\ufeffb\u00a0c", "ab c"),
        ("\u2713", "\u2713"),
        ("- \u2713 -", " -  \u2713 - "),
    ],
)
def test_recognised(sent: str, stored: str) -> None:
    """A note is the one that was sent, however the service writes it."""
    assert recognised(sent, stored)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("Done", "Don"),
        ("Done", "Done 2"),
        ("Run 12", "Run 13"),
        ("Done", ""),
        ("\u2713", "\u2717"),
        ("\u2713", ""),
        ("caf\u00e9", "cafe"),
    ],
)
def test_not_recognised(sent: str, stored: str) -> None:
    """A note with other letters, digits or, lacking these, signs is another one."""
    assert not recognised(sent, stored)


@pytest.mark.parametrize(
    ("internal", "expected"), [(False, True), (None, True), (True, False), (1, False)]
)
def test_flag(internal: object, expected: bool) -> None:  # noqa: FBT001  a table's column
    """The same text for other readers is another note."""
    assert recognised("Done", "Done", internal=internal) is expected
    note = {"text": "Done", "internal": internal}
    assert is_note(note, ExpectedNote("Done", internal=True)) is not expected


def test_without_flag() -> None:
    """A note that does not say that it is internal is not."""
    assert is_note({"text": "Done"}, ExpectedNote("Done", internal=False))


@pytest.mark.parametrize("note", [{}, {"text": None}, {"text": 5}, {"text": ["Done"]}])
def test_no_text(note: dict[str, Any]) -> None:
    """A note without a text tells nothing: that is an error, not another note."""
    with pytest.raises(UnexpectedAnswerError, match="has no text"):
        is_note(note, ExpectedNote("Done", internal=False))


@pytest.mark.parametrize(
    ("elapsed", "start"), [(0.0, NOON - 1), (0.1, NOON - 2), (10.0, NOON - 11), (10.9, NOON - 12)]
)
def test_start_by_server(elapsed: float, start: float) -> None:
    """The start is the server's time less what has passed, in whole seconds, less one second."""
    assert start_by_server(answer([]), elapsed) == start


@pytest.mark.parametrize(
    ("name", "text"), [("Date", "soon"), ("Date", ""), ("Age", "0"), ("Age", "7")]
)
def test_no_time(name: str, text: str) -> None:
    """An answer without a time, or from a cache, does not tell the server's time."""
    response = answer([])
    response.headers[name] = text

    with pytest.raises(UnexpectedAnswerError, match="the server's time"):
        start_by_server(response, 0.0)


@pytest.mark.parametrize(
    ("created", "expected"),
    [
        ("2026-11-21T12:00:00Z", NOON),
        ("2026-11-21T12:00:00", NOON),
        ("2026-11-21T06:00:00-06:00", NOON),
        ("2026-11-21T12:00:00.500Z", NOON + 0.5),
    ],
)
def test_created_at(created: str, expected: float) -> None:
    """A time is read with its zone, and is UTC without one."""
    assert created_at({"created_at": created}) == expected


@pytest.mark.parametrize(
    "note", [{}, {"created_at": None}, {"created_at": 5}, {"created_at": "yesterday"}]
)
def test_odd_created_at(note: dict[str, Any]) -> None:
    """A note without a valid time is an error."""
    with pytest.raises(UnexpectedAnswerError, match="no valid created_at"):
        created_at(note)


def test_notes_of() -> None:
    """A list of objects is a list of notes, and so is an empty one."""
    assert notes_of([{"id": 1}]) == [{"id": 1}]
    assert notes_of([]) == []


@pytest.mark.parametrize("value", [None, {}, "notes", [{"id": 1}, 5], [None]])
def test_no_notes(value: object) -> None:
    """Anything else is not."""
    with pytest.raises(UnexpectedAnswerError, match="not a list of notes"):
        notes_of(value)


@pytest.mark.parametrize(
    ("body", "request_"),
    [
        ({"status": "completed"}, {"status": "completed"}),
        ({"impact": ""}, {"impact": None}),
        ({"impact": ""}, {"impact": ""}),
        ({"urgent": False}, {"urgent": False}),
        ({"urgent": True}, {"urgent": True}),
        ({"urgent": False}, {"urgent": None}),
        ({"team_id": 13}, {"team": {"id": 13, "name": "Help"}}),
        ({"team_id": 13}, {"team": 13}),
        ({"team_id": ""}, {"team": None}),
        ({"workflow_id": 238}, {"workflow": {"id": 238}}),
        ({"subject": "Printer"}, {"subject": "Printer"}),
        # What cannot be told, or is written otherwise by the service:
        ({"team_id": 13}, {}),
        ({"workflow_id": 238}, {"change": {"id": 5}}),
        ({"note": "a"}, {"note": "b"}),
        ({"waiting_until": "2026-11-21T12:00"}, {"waiting_until": "2026-11-21T12:00:00Z"}),
        ({"custom_fields": [{"id": "a", "value": 1}]}, {"custom_fields": []}),
        ({"time_spent": 5}, {"time_spent": 7}),
        ({"a_newer_field": 5}, {"a_newer_field": 6}),
        ({}, {"status": "assigned"}),
    ],
)
def test_as_sent(body: dict[str, Any], request_: dict[str, Any], schema: SpecSchema) -> None:
    """What is as sent, or cannot be compared, is no difference."""
    assert [*different_fields(body, request_, schema)] == []


@pytest.mark.parametrize(
    ("body", "request_", "line"),
    [
        (
            {"status": "completed"},
            {"status": "assigned"},
            "status was sent as 'completed', and is 'assigned'",
        ),
        ({"impact": ""}, {"impact": "low"}, "impact was sent as '', and is 'low'"),
        ({"impact": "low"}, {"impact": None}, "impact was sent as 'low', and is None"),
        ({"urgent": True}, {"urgent": False}, "urgent was sent as True, and is False"),
        ({"urgent": False}, {"urgent": True}, "urgent was sent as False, and is True"),
        ({"team_id": 13}, {"team": {"id": 14}}, "team was sent as 13, and is 14"),
        ({"team_id": 13}, {"team": None}, "team was sent as 13, and is None"),
        ({"team_id": ""}, {"team": {"id": 14}}, "team was sent as '', and is 14"),
        ({"team_id": 13}, {"team": {}}, "team was sent as 13, and is None"),
        ({"workflow_id": 238}, {"workflow": {"id": 5}}, "workflow was sent as 238, and is 5"),
    ],
)
def test_not_as_sent(
    body: dict[str, Any], request_: dict[str, Any], line: str, schema: SpecSchema
) -> None:
    """Each field that is not as sent is one line that says what was sent and what is there."""
    assert [*different_fields(body, request_, schema)] == [line]


def test_integer_not_as_sent(schema: SpecSchema) -> None:
    """Whole numbers are compared as well."""
    names = [name for name in schema.request_names if schema.fields[name].kind == "integer"]

    for name in names:
        sent = schema.fields[name].sent_as
        assert [*different_fields({sent: 5}, {sent: 5}, schema)] == []
        assert [*different_fields({sent: 5}, {sent: 6}, schema)] == [
            f"{sent} was sent as 5, and is 6"
        ]


def test_differences_are_told_once(schema: SpecSchema) -> None:
    """Each of several differences is told, none twice, though a field may have several names."""
    body = {"status": "completed", "team_id": 13, "workflow_id": 238}
    request = {"status": "assigned", "team": None, "workflow": None, "change": None}

    names = sorted(line.split()[0] for line in different_fields(body, request, schema))
    assert names == ["status", "team", "workflow"]
