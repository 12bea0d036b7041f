"""`operations.update`: which updates change something."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from process.errors import SpecError
from tests.scenario_files import CONNECTION
from tests.update_specs import refuse_update, update_in, validate_update

if TYPE_CHECKING:
    from spec.schema import SpecSchema


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"subject": None, "note": None, "time_spent": None},
        {"id": 5, "grouping": "none", "feedback": None},
        {"additional_fields": {}},
        {"additional_fields": "{}"},
        {"custom_fields": {"cost_center": None}},
        {"custom_fields": []},
        {"note_attachments": [], "internal_note_attachments": "[]"},
    ],
)
def test_an_update_that_would_change_nothing(request_: dict[str, Any], schema: SpecSchema) -> None:
    """It is an error, which names the step that only reads a request."""
    spec = {"connection": dict(CONNECTION), "request": {"request_id": 1, **request_}}
    with pytest.raises(SpecError) as caught:
        refuse_update(spec, schema)
    (problem,) = caught.value.details

    assert problem.startswith("request would change nothing. ")
    assert "`get` step" in problem


@pytest.mark.parametrize(
    "request_",
    [
        {"team": ""},
        {"checked_items": []},
        {"urgent": False},
        {"planned_effort": 0},
        {"additional_fields": {"newer": None}},
        {"additional_fields": {"newer": []}},
        {"note_attachments": [{"key": "a"}]},
        {"custom_fields_attachments": [{"name": "a.txt", "content": ""}]},
        {"custom_fields": {"cost_center": ""}},
    ],
)
def test_the_least_change(request_: dict[str, Any], schema: SpecSchema) -> None:
    """Clearing a field, an empty list that replaces another, and attachments alone are changes."""
    spec = {"connection": dict(CONNECTION), "request": {"request_id": 1, **request_}}

    assert update_in(validate_update(spec, schema)).body
