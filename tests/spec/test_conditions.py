"""`spec.conditions`: the input `only_if`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from process.errors import SpecError
from tests.scenario_files import CONNECTION
from tests.update_specs import validate_update

if TYPE_CHECKING:
    from spec.schema import SpecSchema


def conditions_in(schema: SpecSchema, conditions: object) -> Any:  # noqa: ANN401  any JSON value
    """Return the conditions of a valid spec."""
    spec = {
        "connection": dict(CONNECTION),
        "request": {"request_id": 5, "subject": "x"},
        "only_if": conditions,
    }
    return validate_update(spec, schema).values["only_if"]


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"status": "assigned"}, {"status": ["assigned"]}),
        ({"status": ["assigned", "accepted"]}, {"status": ["assigned", "accepted"]}),
        ({"team_id": "17", "member": " "}, {"team_id": [17], "member": [""]}),
        ({"team": 17, "team_id": [18]}, {"team": [17], "team_id": [18]}),
        ({"team": '{"id": 17}'}, {"team": [17]}),
        ({"urgent": ["yes", "OFF"]}, {"urgent": [True, False]}),
        ('{"planned_effort": "1:30"}', {"planned_effort": [90]}),
        ({"sourceID": 4711}, {"sourceID": ["4711"]}),
    ],
)
def test_coerced(schema: SpecSchema, conditions: object, expected: object) -> None:
    """Each value is coerced as its field is; a single value is a list of one."""
    assert conditions_in(schema, conditions) == expected


@pytest.mark.parametrize(
    ("conditions", "problem"),
    [
        ({}, "only_if names no field."),
        ("assigned", "only_if is a text of length 8, which is not an object."),
        (["status"], "only_if is a list, which is not an object."),
        ({"state": "x"}, "only_if.state is not a known field."),
        ({"statuss": "x"}, "only_if.statuss is not a known field. Did you mean `status`?"),
        ({"support_domain": "x"}, "only_if.support_domain is not a field that can be compared."),
        ({"product_backlog_position": 1}, "only_if.product_backlog_position is not a field that"),
        ({"status": ""}, "only_if.status is '', which is not allowed."),
        ({"urgent": ["yes", " "]}, "only_if.urgent is empty."),
        ({"team_id": "x"}, "only_if.team_id is 'x', which is not an integer."),
        ({"note": "x"}, "only_if.note is not a field that can be compared."),
        ({"time_spent": 5}, "only_if.time_spent is not a field that can be compared."),
        ({"custom_fields": []}, "only_if.custom_fields is not a field that can be compared."),
        ({"id": 5}, "only_if.id is not a field that can be compared."),
        ({"status": []}, "only_if.status has no value."),
        ({"status": None}, "only_if.status is null."),
        ({"status": ["assigned", None]}, "only_if.status is null."),
        ({"status": "open"}, "only_if.status is 'open', which is not allowed."),
        ({"team": "Support"}, "only_if.team is 'Support', which is not an integer."),
        ({"waiting_until": "2026-11-21T12:00"}, "only_if.waiting_until has no time zone."),
    ],
)
def test_refused(schema: SpecSchema, conditions: object, problem: str) -> None:
    """Conditions that could never hold, or have lost their values, are errors."""
    with pytest.raises(SpecError) as caught:
        conditions_in(schema, conditions)
    (detail,) = caught.value.details
    assert detail.startswith(problem)
