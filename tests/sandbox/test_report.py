"""The report for a person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from sandbox import RecordedCall, Upload
from sandbox.formatting import describe
from sandbox.report import Report, render

BEFORE: dict[str, object] = {
    "id": 1,
    "subject": "S",
    "impact": None,
    "team": {"id": 17, "name": "Application Development"},
    "custom_fields": [{"id": "build", "value": "1"}, {"id": "same", "value": "x"}],
    "updated_at": "before",
}
AFTER: dict[str, object] = {
    **BEFORE,
    "impact": "low",
    "team": {"id": 13, "name": "Unix Servers"},
    "custom_fields": [{"id": "build", "value": "2"}, {"id": "same", "value": "x"}],
    "updated_at": "after",
}
NOTE: dict[str, object] = {
    "text": "one\ntwo",
    "internal": True,
    "person": {"id": 6, "name": "Nina Integration"},
    "attachments": [{"name": "a.log", "inline": False}],
}
REPORT = Report(
    command=["python", "step.py"],
    exit_code=0,
    log="INFO: done\x1b[31m\n",
    calls=[
        RecordedCall("patch", "4me", "PATCH", "/v1/requests/1", "", {}, b"", "reset-after", None),
        RecordedCall("patch", "4me", "PATCH", "/v1/requests/1", "", {}, b"", None, 200),
    ],
    before={1: BEFORE, 2: BEFORE},
    after={1: AFTER, 2: BEFORE},
    notes={1: [NOTE], 2: []},
    minutes={1: 5, 2: 0},
    uploads=[Upload("k", "a.log", "text/plain", 1234, "", Path("x"))],
    outputs={"request": {"id": 1}},
    decorators={"request": {"type": "link", "description": "Open", "uri": "http://x"}},
)


def test_the_whole_report() -> None:
    """The report has the command, its calls, changes, log and outputs."""
    assert (
        render(REPORT, colour=False)
        == """\
What the step did
=================
Command:   python step.py
Exit code: 0

Calls
-----
  4me       PATCH  /v1/requests/1  ->  no response  (fault: reset-after)
  4me       PATCH  /v1/requests/1  ->  200

Request 1: S
------------
  custom_fields: build
    - 1
    + 2
  impact
    - (blank)
    + low
  team
    - Application Development (17)
    + Unix Servers (13)
  time spent
    + 5 minutes
  internal note by Nina Integration
    + one
    + two
    + [attached] a.log

Uploaded files
--------------
  a.log  text/plain  1,234 bytes

Log of the step
---------------
  INFO: done [31m

Published outputs
-----------------
  request: {
    "id": 1
  }

Links
-----
  request: Open -> http://x
"""
    )


def test_a_search_is_shown_with_its_filters() -> None:
    """What was searched for is readable, on one line; other queries are left out."""
    query = "source=Deployment+pipeline&sourceID=a%20b%0A%1b"
    calls = [
        RecordedCall("search", "4me", "GET", "/v1/requests/open", query, {}, b"", None, 200),
        RecordedCall("search", "4me", "GET", "/v1/requests", "", {}, b"", None, 200),
        RecordedCall(
            "linked", "4me", "GET", "/v1/requests/1/cis", "per_page=100", {}, b"", None, 404
        ),
    ]
    assert """
  4me       GET    /v1/requests/open?source=Deployment pipeline&sourceID=a b  ->  200
  4me       GET    /v1/requests  ->  200
  4me       GET    /v1/requests/1/cis  ->  404
""" in render(replace(REPORT, calls=calls), colour=False)


def test_an_empty_report() -> None:
    """Each empty part says so."""
    empty = replace(
        REPORT,
        log="",
        calls=[],
        after=REPORT.before,
        notes={},
        minutes={},
        outputs={},
        decorators={},
    )
    text = render(empty, colour=False)
    assert "Nothing was changed." in text
    assert text.count("(none)") == 3
    assert "(nothing)" in text


def test_colour_only_adds_colour() -> None:
    """In colour, additions are green and removals red; the words are the same."""
    coloured = render(REPORT, colour=True)
    assert "\x1b[32m+ low\x1b[0m" in coloured
    assert "\x1b[31m- (blank)\x1b[0m" in coloured
    plain = coloured
    for code in ("0", "1", "31", "32"):
        plain = plain.replace(f"\x1b[{code}m", "")
    assert plain == render(REPORT, colour=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "(blank)"),
        ("t", "t"),
        (True, "true"),
        ([1, "ü"], '[1, "ü"]'),
        ({"id": 5, "label": "L"}, "L (5)"),
        ({"id": 5}, "5"),
    ],
)
def test_values_as_text(value: object, text: str) -> None:
    """References are described by name and id, other values as JSON."""
    assert describe(value) == text
