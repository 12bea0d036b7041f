"""`operations.verification`: a lost update, where all notes of before are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from operations.payload import UpdatePayload
from operations.update import update_request
from process.errors import OutcomeUnknownError, OutputError
from tests.fourme.scripted_api import LOST, ScriptedApi, answer

if TYPE_CHECKING:
    from spec.schema import SpecSchema

REQUEST = {"id": 5, "subject": "Printer"}
LONG_AGO = "2020-01-01T00:00:00Z"
OLD = {"id": 8, "text": "Done", "internal": False, "created_at": LONG_AGO}
OURS = {"id": 9, "text": " Done\r\n", "internal": False, "created_at": LONG_AGO}
OTHER = {**OURS, "text": "Hello"}
NOTED = {"note": "Done"}
UPDATE = UpdatePayload(5, NOTED, ("note",), NOTED, was_read=True, known_notes=frozenset({8}))


def test_a_new_note_like_ours_is_ours_whatever_its_time(schema: SpecSchema) -> None:
    """A clock that is wrong by years does no harm: the note was not there before."""
    api = ScriptedApi(LOST, answer([OURS, OLD]), answer(REQUEST))

    assert update_request(UPDATE, schema, api) == REQUEST
    assert api.asked.count("PATCH /requests/5") == 1


@pytest.mark.parametrize("notes", [[OLD], [], [{**OURS, "internal": True}, OLD]])
def test_the_notes_of_before_are_not_ours(schema: SpecSchema, notes: list[Any]) -> None:
    """Where no other note has come, the update was not applied, and is sent again."""
    api = ScriptedApi(LOST, *[answer(notes)] * 2, answer(REQUEST))

    assert update_request(UPDATE, schema, api) == REQUEST
    assert api.asked.count("PATCH /requests/5") == 2


@pytest.mark.parametrize("note", [OTHER, {**OURS, "internal": None, "text": "x"}, {"text": "x"}])
def test_any_other_new_note_may_be_ours(schema: SpecSchema, note: dict[str, Any]) -> None:
    """4me may have changed the text: then it is unknown, and another run finds out."""
    api = ScriptedApi(LOST, *[answer([OLD, note])] * 2)

    with pytest.raises(OutcomeUnknownError) as caught:
        update_request(UPDATE, schema, api)
    assert "Running the step again does no harm" in caught.value.fix
    assert api.asked.count("PATCH /requests/5") == 1


def test_a_request_that_cannot_be_read_afterwards(schema: SpecSchema) -> None:
    """The update was applied; the advice is to run the step again, which adds nothing twice."""
    api = ScriptedApi(LOST, answer([OURS, OLD]), answer({}, 403))

    with pytest.raises(OutputError) as caught:
        update_request(UPDATE, schema, api)
    assert caught.value.fix == "Run the step again."
