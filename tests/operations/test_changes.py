"""`operations.changes`: differences, for outputs and for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from operations.changes import Difference, differences, record_of, sent_and_found, shown, table
from operations.comparison import ComparedField

if TYPE_CHECKING:
    from spec.schema import SpecSchema


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (17, {"id": 17, "name": None}),
        ({"id": 17, "name": "Support", "account": {}}, {"id": 17, "name": "Support"}),
        ({"id": 30, "label": "PC-30"}, {"id": 30, "name": "PC-30"}),
        ({"id": 238, "subject": "Rack"}, {"id": 238, "name": "Rack"}),
        ({"name": "Support"}, {"id": None, "name": "Support"}),
    ],
)
def test_record_of(value: object, expected: object) -> None:
    """A record is known by its ID and what it is called."""
    assert record_of(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "(blank)"),
        ("", "(blank)"),
        (True, "true"),
        (90, "90"),
        ({"id": 17, "name": "Support"}, "Support (17)"),
        ({"id": 17, "name": None}, "17"),
        ([{"id": 1, "name": "A"}, {"id": 2, "name": None}], "A (1), 2"),
        (["a", "b"], '["a", "b"]'),
        ("two\nlines \x1b", "two lines \\x1b"),
        ("x" * 60, "x" * 60),
        ("x" * 61, "61 characters"),
    ],
)
def test_shown(value: object, expected: str) -> None:
    """A value is one line without control characters; a long one is shown by its size."""
    assert shown(value) == expected


def test_custom_fields_are_shown_by_size(schema: SpecSchema) -> None:
    """Outputs have their values, tables do not: they may be personal."""
    item = ComparedField("custom_fields.a", "secret", 12, "different")

    (difference,) = differences([item], schema)

    assert difference[:3] == ("custom_fields.a", 12, "secret")
    assert difference.row == ("custom_fields.a", "2 characters", "6 characters")
    assert sent_and_found(difference) == (
        "custom_fields.a was sent as 6 characters, and is 2 characters"
    )
    assert difference._replace(found="").row[1] == "(blank)"
    assert difference._replace(found="x").row[1] == "1 character"


def test_names_are_the_users(schema: SpecSchema) -> None:
    """A field is named as the user wrote it."""
    items = [
        ComparedField("team", 17, None, "different"),
        ComparedField("member", "", {"id": 3, "name": "Ann"}, "different"),
    ]
    assert [item[:3] for item in differences(items, schema, {"team": "team_id"})] == [
        ("team_id", None, {"id": 17, "name": None}),
        ("member", {"id": 3, "name": "Ann"}, None),
    ]


def test_a_closure_code_is_shown_by_its_reference(schema: SpecSchema) -> None:
    """As it is sent, though 4me may answer a record."""
    found = {"id": 5, "name": "Hardware", "reference": "hardware"}
    (item,) = differences([ComparedField("closure_code", "x", found, "different")], schema)
    assert item[:3] == ("closure_code", "hardware", "x")


def test_table() -> None:
    """The columns are aligned."""
    items = [Difference("status", "assigned", "completed"), Difference("member", None, 3)]
    assert table(items, ("field", "from", "to")) == (
        "\n  field   from      to\n  status  assigned  completed\n  member  (blank)   3"
    )
