"""`operations.only_if`: conditions on a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from operations.only_if import unmet_condition
from tests.operations.update_runs import REQUEST, spec_of

if TYPE_CHECKING:
    from spec.schema import SpecSchema

NOW = {**REQUEST, "urgent": False, "planned_effort": 90, "waiting_until": "2026-11-21T12:00:00Z"}


@pytest.mark.parametrize(
    "conditions",
    [
        {"status": ["assigned", "accepted"]},
        {"status": "assigned", "team": "17"},
        {"team_id": {"id": 17}},
        {"member": ""},
        {"impact": ["", "low"]},
        {"urgent": "no"},
        {"planned_effort": "1:30"},
        {"waiting_until": "2026-11-21T13:00+01:00"},
        {"subject": "Printer"},
        {"status": '["assigned"]'},
    ],
)
def test_met(schema: SpecSchema, conditions: dict[str, Any]) -> None:
    """Each field has one of its values."""
    spec = spec_of(schema, {"subject": "x"}, only_if=conditions)
    assert unmet_condition(spec.values["only_if"], NOW, spec) == ""


@pytest.mark.parametrize(
    ("conditions", "reason"),
    [
        (
            {"status": ["accepted", "completed"]},
            "`status` is assigned, not accepted or completed",
        ),
        ({"status": "assigned", "team": 18}, "`team` is Support (17), not 18"),
        ({"member_id": 5}, "`member_id` is (blank), not 5"),
        ({"team": ""}, "`team` is Support (17), not (blank)"),
        ({"subject": "printer"}, "`subject` is Printer, not printer"),
        ({"source": "Monitoring"}, "`source` is (blank), not Monitoring"),
        ({"urgent": True}, "`urgent` is false, not true"),
    ],
)
def test_unmet(schema: SpecSchema, conditions: dict[str, Any], reason: str) -> None:
    """The first field without one of its values is named, with both; letter case counts."""
    spec = spec_of(schema, {"subject": "x"}, only_if=conditions)
    assert unmet_condition(spec.values["only_if"], NOW, spec) == reason
