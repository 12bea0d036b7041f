"""`operations.planning`: updates that read the request first."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from process.errors import (
    AccessError,
    NotAppliedError,
    OutcomeUnknownError,
    RequestNotFoundError,
)
from tests.fourme.scripted_api import LOST, ScriptedApi, answer
from tests.operations.update_runs import NOTE, REQUEST, run_update

if TYPE_CHECKING:
    from spec.schema import SpecSchema

GET, PATCH, NOTES = "GET /requests/5", "PATCH /requests/5", "GET /requests/5/notes"
COMPLETED = {**REQUEST, "status": "completed", "member": {"id": 3, "name": "Ann"}}


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings that were logged."""
    records = caplog.records
    return [record.getMessage() for record in records if record.levelno >= logging.WARNING]


def test_nothing_to_do(schema: SpecSchema) -> None:
    """Nothing is sent; the request is published as it is, and `changed` is false."""
    api = ScriptedApi(answer(REQUEST))

    output = run_update(schema, api, {"subject": "Printer"}, mode="ensure")

    assert api.asked == [GET]
    assert output.values == {
        "request": {**REQUEST, "request_id": 5},
        "changed": False,
        "changes": [],
        "not_applied": None,
    }
    assert (output.results["changed"], output.applied) == ("false", "no")
    assert output.summary is not None
    assert output.summary.title == "4me request 5: nothing to change"


def test_a_change(schema: SpecSchema, caplog: pytest.LogCaptureFixture) -> None:
    """The answer is published, with what was changed; records have the answer's names."""
    caplog.set_level(logging.INFO)
    api = ScriptedApi(answer(REQUEST), answer(COMPLETED))

    output = run_update(schema, api, {"status": "completed", "member_id": 3}, mode="ensure")

    assert api.asked == [GET, PATCH]
    assert output.values["changed"] is True
    assert output.values["changes"] == [
        {"field": "status", "from": "assigned", "to": "completed"},
        {"field": "member_id", "from": None, "to": {"id": 3, "name": "Ann"}},
    ]
    assert (output.results["changed"], output.applied, output.repeatable) == ("true", "yes", True)
    assert output.summary is not None
    assert output.summary.title == "4me request 5: 2 changes sent"
    assert output.summary.columns == ("field", "from", "to")
    assert output.summary.rows[1] == ("member_id", "(blank)", "Ann (3)")
    assert "\n  status     assigned  completed" in caplog.text


def test_a_preview(schema: SpecSchema) -> None:
    """Nothing is sent; `changed` says whether anything would be."""
    api = ScriptedApi(answer(REQUEST), answer([]))

    request = {"note": "Done", "ci": "", "note_attachments": [{"name": "a", "content": "x"}]}
    api.transport.turns.insert(1, answer([]))
    output = run_update(schema, api, request, mode="preview")

    assert api.asked == [GET, "GET /requests/5/cis", NOTES]
    assert output.values["changed"] is True
    assert [change["field"] for change in output.values["changes"]] == ["note", "note_attachments"]
    assert output.values["request"]["subject"] == "Printer"
    assert output.applied == "no"
    assert output.summary is not None
    assert output.summary.title == "4me request 5: 2 changes would be sent"


def test_an_update_has_no_changes(schema: SpecSchema) -> None:
    """In mode `update` nothing is read, and it is not known what has changed."""
    api = ScriptedApi(answer(COMPLETED))

    output = run_update(schema, api, {"status": "completed"})

    assert api.asked == [PATCH]
    assert output.values == {
        "request": {**COMPLETED, "request_id": 5},
        "changed": None,
        "changes": None,
        "not_applied": None,
    }
    assert output.results.get("changed", "") == ""


@pytest.mark.parametrize("mode", ["update", "ensure", "preview"])
def test_an_unmet_condition(
    schema: SpecSchema, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing else is read or sent; the log says why."""
    caplog.set_level(logging.INFO)
    api = ScriptedApi(answer(REQUEST))
    conditions = {"status": ["accepted", "in_progress"]}

    output = run_update(schema, api, {"note": "Done"}, mode=mode, only_if=conditions)

    assert api.asked == [GET]
    assert output.values["changed"] is False
    assert output.values["changes"] == (None if mode == "update" else [])
    assert output.values["request"]["id"] == 5
    assert "`status` is assigned, not accepted or in_progress" in caplog.text
    assert output.summary is not None
    assert output.summary.title.startswith("4me request 5: nothing sent (`status` is assigned")


def test_a_condition_that_is_met(schema: SpecSchema) -> None:
    """In mode `update` one call more is made, and everything is sent."""
    api = ScriptedApi(answer(REQUEST), answer(REQUEST))

    output = run_update(schema, api, {"subject": "Printer"}, only_if={"status": "assigned"})

    assert api.asked == [GET, PATCH]
    assert output.values["changed"] is None


def test_conditions_share_the_call_of_ensure(schema: SpecSchema) -> None:
    """The request is read once."""
    api = ScriptedApi(answer(REQUEST))

    run_update(schema, api, {"subject": "Printer"}, mode="ensure", only_if={"team": 17})

    assert api.asked == [GET]


@pytest.mark.parametrize("inputs", [{"mode": "ensure"}, {"mode": "preview"}, {}])
def test_a_missing_request(schema: SpecSchema, inputs: dict[str, Any]) -> None:
    """It is an error, or is reported where that is wanted."""
    with pytest.raises(RequestNotFoundError):
        run_update(schema, ScriptedApi(answer({}, 404)), {"subject": "x"}, **inputs)

    api = ScriptedApi(answer({}, 404))
    output = run_update(schema, api, {"subject": "x"}, if_missing="report", **inputs)

    assert output.values == {
        "request": None,
        "changed": False,
        "changes": None,
        "not_applied": None,
    }
    assert output.results == {"changed": "false"}


def test_notes_that_are_not_there_are_no_missing_request(schema: SpecSchema) -> None:
    """A 404 may mean a missing right: the request is there, since it has been read."""
    answers = [answer(REQUEST), answer({}, 404)]
    with pytest.raises(AccessError, match="may not read the notes of request 5"):
        run_update(schema, ScriptedApi(*answers), {"note": "x"}, mode="ensure", if_missing="report")
    for inputs in ({"mode": "ensure"}, {"only_if": {"team": 17}}):
        api = ScriptedApi(answer(REQUEST), answer({}, 404))
        with pytest.raises(AccessError, match="may not update request 5"):
            run_update(schema, api, {"impact": "low"}, if_missing="report", **inputs)


def test_a_lost_answer_with_a_field_that_is_not_applied(schema: SpecSchema) -> None:
    """The new note is known to be ours, so the field is reported, and the run succeeds."""
    answers: list[Any] = [answer(REQUEST), answer([]), LOST, answer([NOTE]), answer(REQUEST)]

    output = run_update(
        schema, ScriptedApi(*answers), {"note": "Done", "impact": "low"}, mode="ensure"
    )

    assert output.values["not_applied"] == [{"field": "impact", "sent": "low", "found": None}]


def test_a_request_that_is_gone_after_a_lost_answer(schema: SpecSchema) -> None:
    """It may have been updated, so it is not reported as missing."""
    api = ScriptedApi(LOST, answer({}, 404))
    with pytest.raises(OutcomeUnknownError) as caught:
        run_update(schema, api, {"subject": "x"}, if_missing="report")
    assert (caught.value.applied, caught.value.run_again) == ("maybe", "yes")


@pytest.mark.parametrize(("mode", "expected"), [("ensure", True), ("update", False)])
def test_whether_a_run_can_be_repeated(schema: SpecSchema, mode: str, *, expected: bool) -> None:
    """After any error of `ensure`, another run adds nothing twice."""
    answers = [answer(REQUEST), answer([])] if mode == "ensure" else []
    unclear = [answer([{**NOTE, "text": "x"}]) for _ in range(9)]
    with pytest.raises(OutcomeUnknownError) as caught:
        run_update(
            schema, ScriptedApi(*answers, LOST, *unclear, retry_time=1), {"note": "Done"}, mode=mode
        )
    assert caught.value.repeatable is expected


MOVED = {**COMPLETED, "team": {"id": 18, "name": "Desk"}}


@pytest.mark.parametrize("status", ["completed", "waiting_for_customer"])
def test_a_move_to_another_team(
    schema: SpecSchema, status: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A run without team and member is warned before it is sent, and when it has happened."""
    api = ScriptedApi(answer(REQUEST), answer({**MOVED, "status": status}))

    run_update(schema, api, {"status": status}, mode="ensure")

    before, after = warnings_in(caplog)
    unassigned = ScriptedApi(answer({**REQUEST, "team": None}), answer({**MOVED, "status": status}))
    caplog.clear()
    run_update(schema, unassigned, {"status": status}, mode="ensure")
    assert len(warnings_in(caplog)) == 1, "a first team is no move"
    same = {**MOVED, "status": status, "team": {"id": 17, "name": "Renamed"}}
    caplog.clear()
    run_update(
        schema, ScriptedApi(answer(REQUEST), answer(same)), {"status": status}, mode="ensure"
    )
    assert len(warnings_in(caplog)) == 1, "a record of another name is no other record"
    assert "from team Support (17) to a team of the token's user" in before
    assert after == "4me has moved the request from team Support (17) to Desk (18)."


@pytest.mark.parametrize(
    "request_", [{"status": "completed", "team": 17, "member": 3}, {"status": "accepted"}]
)
def test_no_move_is_expected(
    schema: SpecSchema, request_: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """With team and member, and for other statuses, there is no warning."""
    run_update(schema, ScriptedApi(answer(REQUEST)), request_, mode="preview")
    assert warnings_in(caplog) == []


def test_not_applied(schema: SpecSchema, caplog: pytest.LogCaptureFixture) -> None:
    """What the answer shows otherwise is a warning and an output, in every mode."""
    request = {"subject": "Scanner", "impact": "low", "custom_fields": {"building": 7, "x": "y"}}
    returned = {**REQUEST, "impact": "low", "custom_fields": [{"id": "building", "value": 8}]}

    for mode, answers in (("update", [returned]), ("ensure", [REQUEST, returned])):
        caplog.clear()
        output = run_update(schema, ScriptedApi(*map(answer, answers)), request, mode=mode)

        assert output.values["not_applied"] == [
            {"field": "subject", "sent": "Scanner", "found": "Printer"},
            {"field": "custom_fields.building", "sent": 7, "found": 8},
            {"field": "custom_fields.x", "sent": "y", "found": None},
        ]
        assert output.failure is None
        (warning,) = warnings_in(caplog)
        assert "subject                 Printer      Scanner" in warning
        assert "custom_fields.building  1 character  1 character" in warning


def test_strict(schema: SpecSchema) -> None:
    """The output is published, and then the run fails."""
    output = run_update(schema, ScriptedApi(answer(REQUEST)), {"impact": "low"}, strict=True)

    assert isinstance(output.failure, NotAppliedError)
    assert (output.failure.exit_code, output.failure.applied) == (76, "yes")
    assert output.failure.run_again == "after a look at the request"
    assert output.failure.details == ("impact was sent as low, and is (blank)",)
    assert output.values["not_applied"]


@pytest.mark.parametrize(
    "request_",
    [
        {"subject": " printer"},
        {"urgent": True},
        {"agile_board_column_position": 3},
        {"note": "Done", "time_spent": 5},
    ],
)
def test_no_false_alarms(
    schema: SpecSchema, request_: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """What the answer lacks, or shows in another form, or as another position, does not count."""
    returned = {**REQUEST, "agile_board_column_position": 1}

    output = run_update(schema, ScriptedApi(answer(returned)), request_, strict=True)

    assert (output.failure, output.values["not_applied"]) == (None, None)
    assert warnings_in(caplog) == []
