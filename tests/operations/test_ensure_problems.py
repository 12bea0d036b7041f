"""`operations.ensure_problems`: what cannot be ensured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from process.errors import SpecError
from tests.operations.update_runs import spec_of

if TYPE_CHECKING:
    from spec.schema import SpecSchema

FILE = {"name": "a.txt", "content": "x"}
REFUSED = [
    ({"additional_fields": {"newer": 1}}, "request.additional_fields cannot be ensured."),
    (
        {"custom_fields_attachments": [FILE]},
        "request.custom_fields_attachments cannot be ensured.",
    ),
    ({"time_spent": 5}, "request.time_spent cannot be ensured without a note."),
    (
        {"note_attachments": [FILE]},
        "request.note_attachments cannot be ensured without `note`.",
    ),
    (
        {"note": "x", "internal_note_attachments": [FILE]},
        "request.internal_note_attachments cannot be ensured without `internal_note`.",
    ),
    (
        {"note": "x", "note_attachments": [FILE, {"key": "a", "_destroy": True}]},
        "request.note_attachments[1]._destroy cannot be ensured.",
    ),
    (
        {"waiting_until": "2026-11-21T12:00"},
        "request.waiting_until has no time zone, so it cannot be compared.",
    ),
    ({"note": " ![](a)\n![b](c)"}, "request.note has nothing but images."),
    (
        {"internal_note": "[internal_note_attachments: 0]", "internal_note_attachments": [FILE]},
        "request.internal_note has nothing but images.",
    ),
    ({"custom_fields_attachments": ""}, "request.custom_fields_attachments cannot be ensured."),
    ({"note": "x", "note_attachments": ""}, "request.note_attachments cannot be ensured."),
    (
        {"note": "x", "note_attachments": [{**FILE, "name": "a(b.txt"}]},
        "request.note_attachments[0] has the name 'a(b.txt', with which an image",
    ),
    (
        {"note": "x", "note_attachments": [{"key": "a((1)).png"}]},
        "request.note_attachments[0] has the name 'a((1)).png', with which an image",
    ),
    (
        {"time_spent_effort_class": "", "note": "x"},
        "request.time_spent_effort_class goes with `time_spent`.",
    ),
    (
        {"time_spent_effort_class": 3, "note": "x"},
        "request.time_spent_effort_class goes with `time_spent`.",
    ),
]


@pytest.mark.parametrize("mode", ["ensure", "preview"])
@pytest.mark.parametrize(("request_", "problem"), REFUSED)
def test_refused(schema: SpecSchema, request_: dict[str, Any], problem: str, mode: str) -> None:
    """What cannot be compared, and so could be added twice, is an error that says what to do."""
    with pytest.raises(SpecError) as caught:
        spec_of(schema, request_, mode=mode)
    (detail,) = caught.value.details
    assert detail.startswith(problem)


@pytest.mark.parametrize(("request_", "_"), REFUSED)
def test_accepted_in_mode_update(schema: SpecSchema, request_: dict[str, Any], _: str) -> None:
    """An update sends all of it."""
    assert spec_of(schema, request_)


@pytest.mark.parametrize(
    "request_",
    [
        {"additional_fields": {}, "subject": "x"},
        {"custom_fields_attachments": [], "subject": "x"},
        {"note": "x", "time_spent": 5, "note_attachments": [FILE]},
        {"internal_note": "x", "time_spent": 5, "time_spent_effort_class": 3},
        {"time_spent": 0, "subject": "x"},
        {"waiting_until": "2026-11-21T12:00Z"},
        {"waiting_until": "2026-11-21T12:00-0600"},
        {"waiting_until": ""},
        {"note": "[note_attachments: 0]"},
        {"note": "x", "note_attachments": [{**FILE, "name": "a (1).png"}]},
    ],
)
def test_accepted(schema: SpecSchema, request_: dict[str, Any]) -> None:
    """What can be compared can be ensured."""
    assert spec_of(schema, request_, mode="ensure")


def test_all_problems_at_once(schema: SpecSchema) -> None:
    """They are reported beside the schema's own."""
    request = {"time_spent": 5, "status": "open", "waiting_until": 5, "note_attachments": [5]}
    with pytest.raises(SpecError) as caught:
        spec_of(schema, request, mode="ensure")
    assert len(caught.value.details) == 5
