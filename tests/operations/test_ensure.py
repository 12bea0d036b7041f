"""`operations.ensure`: what of an update has to be sent."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from operations.ensure import needed_changes
from operations.payload import build_payload
from process.errors import AccessError, TemporaryError, UnexpectedResponseError
from tests.fourme.scripted_api import ScriptedApi, answer
from tests.operations.update_runs import NOTE, REQUEST, spec_of

if TYPE_CHECKING:
    import requests

    from operations.changes import Difference
    from operations.payload import UpdatePayload
    from spec.schema import SpecSchema


def needed(
    schema: SpecSchema,
    request: dict[str, Any],
    *answers: requests.Response,
    now: dict[str, Any] | None = None,
) -> tuple[UpdatePayload, list[Difference]]:
    """Return what an update needs to send."""
    spec = spec_of(schema, request, mode="ensure")
    payload = build_payload(spec.values["request"], spec.cleared, schema)
    api = ScriptedApi(*answers)
    result = needed_changes(spec, payload, {**REQUEST, **(now or {})}, api)
    assert api.transport.turns == []
    return result


def test_only_what_differs(schema: SpecSchema) -> None:
    """What the request has already is not sent, nor is a custom field that it has."""
    custom = {"building": "C", "floor": 3}
    request = {"subject": "Printer", "impact": "low", "team_id": 17, "custom_fields": custom}

    payload, changes = needed(schema, request)

    assert payload.body == {"impact": "low", "custom_fields": [{"id": "floor", "value": 3}]}
    assert payload.request_id == 5
    assert [change[:3] for change in changes] == [
        ("impact", None, "low"),
        ("custom_fields.floor", None, 3),
    ]


def test_cleared_fields(schema: SpecSchema) -> None:
    """A field to clear is sent unless it is blank."""
    payload, changes = needed(schema, {"team": "", "member": "", "impact": ""})

    assert payload.body == {"team_id": ""}
    assert [change[:3] for change in changes] == [("team", {"id": 17, "name": "Support"}, None)]


COMPLETED = {"status": "completed", "team": 17, "member": "", "completion_reason": ""}
WAITING = {"status": "waiting_for", "team": 17, "waiting_until": "2026-11-21T12:00Z"}


@pytest.mark.parametrize(
    ("request_", "now", "names"),
    [
        (COMPLETED, {}, {"status", "team_id", "member_id", "completion_reason"}),
        (COMPLETED | {"subject": "Printer"}, {"status": "completed"}, set()),
        (
            COMPLETED | {"completion_reason": "solved"},
            {"status": "completed"},
            {"status", "team_id", "member_id", "completion_reason"},
        ),
        (COMPLETED | {"status": "waiting_for_customer"}, {}, {"status", "team_id"}),
        ({"status": "accepted", "team": 17}, {}, {"status"}),
        (WAITING, {"waiting_until": "2026-11-21T12:00:00Z"}, {"status", "waiting_until"}),
        (WAITING, {"status": "waiting_for"}, {"status", "waiting_until"}),
        (
            {"agile_board": 1, "agile_board_column": 3},
            {},
            {"agile_board_id", "agile_board_column_id"},
        ),
        ({"agile_board": 1, "agile_board_column": 2}, {}, set()),
        (
            {"agile_board": 1, "agile_board_column": 2, "agile_board_column_position": 1},
            {},
            {"agile_board_id", "agile_board_column_id", "agile_board_column_position"},
        ),
    ],
)
def test_what_belongs_together(
    schema: SpecSchema, request_: dict[str, Any], now: dict[str, Any], names: set[str]
) -> None:
    """What the schema sends together is sent whole, if any of it differs."""
    payload, _ = needed(schema, request_, now=now)

    assert names <= payload.body.keys()
    assert bool(names) is bool(payload.body)


def test_a_companion_that_is_equal_is_no_change(schema: SpecSchema) -> None:
    """It is sent, and not reported."""
    payload, changes = needed(schema, {"status": "completed", "team": 17})

    assert payload.body == {"status": "completed", "team_id": 17}
    assert [change.field for change in changes] == ["status"]


def test_the_former_name_of_a_reference(schema: SpecSchema) -> None:
    """It is compared under its new name, and reported as the user wrote it."""
    now = {"workflow": {"id": 238, "subject": "Rack"}}

    assert needed(schema, {"change": 238, "subject": "Printer"}, now=now)[0].body == {}
    payload, changes = needed(schema, {"change_id": 5}, now=now)

    assert payload.body == {"workflow_id": 5}
    assert changes[0][:2] == ("change_id", {"id": 238, "name": "Rack"})


NOTED = {"note": "Done", "time_spent": 5, "time_spent_effort_class": 3}
FILES = {"note_attachments": [{"key": "a"}], "note": "See [note_attachments: 0]"}
BOTH = {"note": "Done", "internal_note": "Secret", "time_spent": 5}
SECRET = {**NOTE, "text": "Secret", "internal": True}


@pytest.mark.parametrize(
    ("request_", "notes", "names"),
    [
        (NOTED, [], ["note", "time_spent", "time_spent_effort_class_id"]),
        (NOTED, [NOTE], []),
        (NOTED, [{**NOTE, "internal": True}], ["note", "time_spent", "time_spent_effort_class_id"]),
        (FILES, [], ["note_attachments", "note"]),
        (FILES, [{**NOTE, "text": "See ![a.png](https://x/y)"}], []),
        (FILES, [{**NOTE, "text": "See"}], ["note_attachments", "note"]),
        (BOTH, [], ["note", "internal_note", "time_spent"]),
        (BOTH, [NOTE], ["internal_note"]),
        (BOTH, [SECRET], ["note", "time_spent"]),
        (BOTH, [NOTE, SECRET], []),
        ({"internal_note": "Secret", "time_spent": 5}, [], ["internal_note", "time_spent"]),
        ({"internal_note": "Secret", "time_spent": 5}, [SECRET], []),
        ({"note": "Done", "time_spent": 0}, [NOTE], []),
        (
            {"note": "Done", "time_spent": 5, "time_spent_effort_class": ""},
            [],
            ["note", "time_spent", "time_spent_effort_class_id"],
        ),
        ({"note": "Done", "time_spent": 5, "time_spent_effort_class": ""}, [NOTE], []),
        ({"note": "Done", "note_attachments": []}, [], ["note"]),
    ],
)
def test_notes(
    schema: SpecSchema, request_: dict[str, Any], notes: list[Any], names: list[str]
) -> None:
    """A note that is there is not sent, nor what came with it; time belongs to `note`."""
    payload, changes = needed(schema, request_, answer(notes))

    assert [*payload.body] == names
    assert len(changes) == len(names)
    assert payload.known_notes == frozenset({9} & {note["id"] for note in notes})


def test_the_effort_class_is_a_record(schema: SpecSchema) -> None:
    """It is reported as one, under the user's name."""
    request = {"note": "Done", "time_spent": 5, "time_spent_effort_class_id": 3}

    _, changes = needed(schema, request, answer([]))

    assert changes[-1][:3] == ("time_spent_effort_class_id", None, {"id": 3, "name": None})


def test_sizes_of_what_is_added(schema: SpecSchema) -> None:
    """Notes and attachments are reported by their sizes, time in minutes."""
    files = [{"key": "a"}, {"key": "b"}]
    request = {"note": "Done", "note_attachments": files, "time_spent": "1:30"}

    _, changes = needed(schema, request, answer([]))

    assert {change.field: change.sent for change in changes} == {
        "note": "4 characters",
        "note_attachments": "2 files",
        "time_spent": 90,
    }


def test_the_log_says_who_added_the_note(
    schema: SpecSchema, caplog: pytest.LogCaptureFixture
) -> None:
    """Since when a note is there, and by whom, with control characters escaped."""
    caplog.set_level(logging.INFO)
    note = {**NOTE, "person": {"name": "Ni\x1b[1mna"}}

    needed(schema, {"note": "Done", "time_spent": 5}, answer([note]))
    needed(schema, {"note": "Done"}, answer([{**NOTE, "person": None}]))

    with_time, alone = (record.getMessage() for record in caplog.records)
    assert "since 2026-11-21T12:00:00Z, by Ni" in with_time
    assert "\x1b" not in with_time
    assert with_time.endswith("(ID 9). Not sent again: note, time_spent.")
    assert alone.endswith("by an unknown person (ID 9). Not sent again: note.")


def records(*ids: object) -> requests.Response:
    """Return an answer with linked records."""
    return answer([{"id": number, "label": f"PC-{number}"} for number in ids])


@pytest.mark.parametrize(
    ("sent", "linked", "found"),
    [
        (30, [30], None),
        (30, [30, 31], [{"id": 30, "name": "PC-30"}, {"id": 31, "name": "PC-31"}]),
        (30, [31], {"id": 31, "name": "PC-31"}),
        (30, [], None),
        ("", [30], {"id": 30, "name": "PC-30"}),
        ("", [], None),
        (30, ["30"], {"id": "30", "name": "PC-30"}),
        (30, [[1]], {"id": [1], "name": "PC-[1]"}),
    ],
)
def test_linked_records(schema: SpecSchema, sent: object, linked: list[Any], found: object) -> None:
    """All linked configuration items count, since the field replaces them all."""
    is_same = linked == ([sent] if sent else [])

    payload, changes = needed(schema, {"ci": sent}, records(*linked))

    assert payload.body == ({} if is_same else {"ci_id": sent})
    assert [change.found for change in changes] == ([] if is_same else [found])


@pytest.mark.parametrize("status", [403, 404, 400])
def test_linked_records_that_may_not_be_read(schema: SpecSchema, status: int) -> None:
    """Then the field is sent: setting it once more does no harm."""
    payload, _ = needed(schema, {"knowledge_article": 4}, answer({"message": "No"}, status))

    assert payload.body == {"knowledge_article_id": 4}


def test_a_token_that_is_revoked_meanwhile(schema: SpecSchema) -> None:
    """That is an error as ever."""
    with pytest.raises(AccessError):
        needed(schema, {"ci": 4}, answer({}, 401))


def test_linked_records_that_are_none(schema: SpecSchema) -> None:
    """Another answer ends the run; nothing was sent."""
    with pytest.raises(UnexpectedResponseError, match="not a list of records") as caught:
        needed(schema, {"ci": 4}, answer({"id": 4}))
    assert caught.value.applied == "no"


def test_linked_records_of_a_server_that_fails(schema: SpecSchema) -> None:
    """A failure that passes is no reason to send the field."""
    failures = [answer({}, 500)] * 20
    with pytest.raises(TemporaryError):
        needed(schema, {"ci": 4}, *failures)


def test_fields_that_the_answer_lacks(schema: SpecSchema) -> None:
    """What cannot be compared is sent."""
    payload, changes = needed(schema, {"support_domain": "wdc", "urgent": True})

    assert payload.body == {"support_domain": "wdc", "urgent": True}
    assert json.dumps([change.found for change in changes]) == "[null, null]"
