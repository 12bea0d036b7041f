"""`operations.verification`: whether fields are as sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from operations.verification import different_fields
from tests.update_specs import request_names

if TYPE_CHECKING:
    from spec.schema import SpecSchema


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
        ({"subject": " The  Printer"}, {"subject": "the printer"}),
        ({"sourceID": ""}, {"sourceID": None}),
        # What cannot be compared, or is stored in another form:
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
        (
            {"subject": "Printer"},
            {"subject": "Scanner"},
            "subject was sent as 'Printer', and is 'Scanner'",
        ),
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
    names = [name for name in request_names(schema) if schema.fields[name].kind == "integer"]

    for name in names:
        sent = schema.fields[name].api_name
        assert [*different_fields({sent: 5}, {sent: 5}, schema)] == []
        assert [*different_fields({sent: 5}, {sent: 6}, schema)] == [
            f"{sent} was sent as 5, and is 6"
        ]


def test_differences_are_reported_once(schema: SpecSchema) -> None:
    """Each difference is reported, none twice, though a field may have several names."""
    body = {"status": "completed", "team_id": 13, "workflow_id": 238}
    request = {"status": "assigned", "team": None, "workflow": None, "change": None}

    names = sorted(line.split()[0] for line in different_fields(body, request, schema))
    assert names == ["status", "team", "workflow"]
