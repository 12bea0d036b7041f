"""Runs of the update operation against scripted responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from operations import load_operation
from tests.scenario_files import CONNECTION
from tests.update_specs import validate_update

if TYPE_CHECKING:
    from process.output import Output
    from spec.schema import SpecSchema
    from spec.validation import Spec
    from tests.fourme.scripted_api import ScriptedApi

REQUEST: dict[str, Any] = {
    "id": 5,
    "subject": "Printer",
    "status": "assigned",
    "impact": None,
    "team": {"id": 17, "name": "Support"},
    "member": None,
    "completion_reason": None,
    "waiting_until": None,
    "agile_board": {"id": 1, "name": "Board"},
    "agile_board_column": {"id": 2, "name": "Doing"},
    "custom_fields": [{"id": "building", "value": "C"}],
    "ci": {"id": 30, "label": "PC-30"},
}
NOTE = {
    "id": 9,
    "text": "Done",
    "internal": False,
    "created_at": "2026-11-21T12:00:00Z",
    "person": {"id": 7, "name": "Nina"},
}


def spec_of(schema: SpecSchema, request: dict[str, Any], **inputs: object) -> Spec:
    """Return the valid spec of an update of request 5."""
    document = {"connection": dict(CONNECTION), "request": {"request_id": 5, **request}, **inputs}
    return validate_update(document, schema)


def run_update(
    schema: SpecSchema, api: ScriptedApi, request: dict[str, Any], **inputs: object
) -> Output:
    """Run an update of request 5."""
    return load_operation("update").run(spec_of(schema, request, **inputs), api)
