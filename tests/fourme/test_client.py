"""`fourme.client`: an update, and what is made of lost and odd answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from fourme.client import FourMeClient
from fourme.errors import OutcomeUnknownError, OutputError, UnexpectedAnswerError
from fourme.translation import ExpectedNote, Update
from tests.fourme.scripted_api import LOST, ScriptedApi, answer

if TYPE_CHECKING:
    import requests

    from fourme.mishaps import Mishap
    from fourme.schema import SpecSchema

REQUEST = {"id": 5, "subject": "Printer"}
OURS = {"id": 9, "text": "Done", "internal": False, "created_at": "2026-11-21T12:00:00Z"}
OLDER = {**OURS, "created_at": "2026-11-21T11:59:00Z"}
ADDS = Update(5, {"note": "Done"}, (ExpectedNote("Done", internal=False),), ("note",))
ADDS_TWO = Update(
    5,
    {"note": "Done", "internal_note": "Done"},
    (ExpectedNote("Done", internal=False), ExpectedNote("Done", internal=True)),
    ("note", "internal_note"),
)


def client_of(schema: SpecSchema, *answers: requests.Response | Mishap) -> Scene:
    """Return a client of an API that gives these answers."""
    api = ScriptedApi(*answers)
    return Scene(api, FourMeClient(api, schema))


class Scene(NamedTuple):
    """A client, and the API that it asks."""

    api: ScriptedApi
    client: FourMeClient


def test_a_note_of_ours_beyond_the_first_page_is_found(schema: SpecSchema) -> None:
    """Pages of newer notes are turned as long as there is a next one."""
    other = {**OURS, "text": "Something else"}
    api, client = client_of(
        schema,
        LOST,
        answer([other], Link='<https://x/>; rel="next"'),
        answer([other, OURS]),
        answer(REQUEST),
    )
    assert client.update(ADDS) == REQUEST
    assert [query and query["page"] for query in api.asked_for] == [None, "1", "2", None]


def test_notes_older_than_the_attempt_are_not_looked_at(schema: SpecSchema) -> None:
    """An older note of the same text ends the search: the update is sent again."""
    api, client = client_of(schema, LOST, answer([OLDER, OURS]), answer(REQUEST))
    assert client.update(ADDS) == REQUEST
    assert api.asked == ["PATCH /requests/5", "GET /requests/5/notes", "PATCH /requests/5"]


@pytest.mark.parametrize(
    "notes",
    [
        answer([OURS]),
        answer({"id": 5}),
        answer(["text"]),
        answer([{**OURS, "created_at": "yesterday"}]),
        answer([{"text": "Done"}]),
        answer([OURS], Date="soon"),
        answer({"message": "Forbidden"}, 403),
        answer(b"<p>Sign in</p>", Content_Type="text/html"),
    ],
    ids=["one-of-two", "object", "texts", "odd-time", "no-time", "no-date", "403", "page"],
)
def test_whatever_the_check_cannot_tell_is_unknown(
    schema: SpecSchema, notes: requests.Response
) -> None:
    """Where the notes do not tell, nothing is sent again: 76, and what to look at."""
    api, client = client_of(schema, LOST, notes, answer(REQUEST))
    with pytest.raises(OutcomeUnknownError) as caught:
        client.update(ADDS_TWO)
    assert caught.value.applied == "maybe"
    assert "look whether this is there: note, internal_note" in caught.value.todo
    assert api.asked.count("PATCH /requests/5") == 1


def test_a_time_without_zone_is_taken_for_utc(schema: SpecSchema) -> None:
    """Whatever the container's time zone is."""
    note = {**OURS, "created_at": "2026-11-21T12:00:00"}
    _, client = client_of(schema, LOST, answer([note]), answer(REQUEST))
    assert client.update(ADDS) == REQUEST


@pytest.mark.parametrize("read", [answer({"message": "x"}, 404), answer([5]), answer({"id": 6})])
def test_an_update_that_cannot_be_read_is_an_output_error(
    schema: SpecSchema, read: requests.Response
) -> None:
    """It was applied: running the step again would repeat the note."""
    _, client = client_of(schema, LOST, answer([OURS]), read)
    with pytest.raises(OutputError) as caught:
        client.update(ADDS)
    assert caught.value.applied == "yes"
    assert "would repeat note" in caught.value.todo


@pytest.mark.parametrize(
    ("value", "says"),
    [({"id": 6}, "with id 6"), ({}, "with id None"), ([], "of another kind"), (5, "another kind")],
)
def test_an_answer_that_is_not_the_request_is_unexpected(
    schema: SpecSchema, value: object, says: str
) -> None:
    """A record with another id, or no record at all, is not published as the request."""
    _, client = client_of(schema, answer(value))
    with pytest.raises(UnexpectedAnswerError, match=says):
        client.update(ADDS)


def test_what_only_sets_fields_needs_no_look(schema: SpecSchema) -> None:
    """An update that adds nothing is harmless to repeat, and its message says so."""
    sets = Update(5, {"impact": "low"})
    _, client = client_of(schema, LOST, answer({}, 422))
    with pytest.raises(OutcomeUnknownError) as caught:
        client.update(sets)
    assert "does no harm" in caught.value.todo
