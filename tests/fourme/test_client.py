"""`fourme.client`: an update, and what is made of lost and odd answers."""

from __future__ import annotations

import dataclasses
import json
import traceback
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from fourme.attachments import File, Stored
from fourme.client import FourMeClient
from fourme.errors import (
    AccessError,
    OutcomeUnknownError,
    OutputError,
    RefusedError,
    SpecError,
    UnexpectedAnswerError,
)
from fourme.settings import MOST_NOTE_PAGES
from fourme.translation import ExpectedNote, Update
from tests.fake_clock import FakeClock
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
    """An older note of the same text ends the search: after two looks the update is sent again."""
    older = answer([OLDER, OURS])
    api, client = client_of(schema, LOST, older, older, answer(REQUEST))
    assert client.update(ADDS) == REQUEST
    looks = ["GET /requests/5/notes"] * 2
    assert api.asked == ["PATCH /requests/5", *looks, "PATCH /requests/5"]


@pytest.mark.parametrize(
    ("text", "internal"), [("Something else", False), ("Done", True), ("Don", False)]
)
def test_other_notes_are_not_ours(schema: SpecSchema, text: str, internal: bool) -> None:  # noqa: FBT001  a table's column
    """Another text, or the same for other readers, is somebody else's."""
    other = answer([{**OURS, "text": text, "internal": internal}])
    api, client = client_of(schema, LOST, other, other, answer(REQUEST))
    assert client.update(ADDS) == REQUEST
    assert api.asked.count("PATCH /requests/5") == 2


def test_a_note_that_arrives_late_is_found(schema: SpecSchema) -> None:
    """A server that was still at work at the first look has done it at the second."""
    api, client = client_of(schema, LOST, answer([]), answer([OURS]), answer(REQUEST))
    assert client.update(ADDS) == REQUEST
    assert api.asked.count("PATCH /requests/5") == 1


def test_other_fields_not_as_sent_are_unknown(schema: SpecSchema) -> None:
    """A note like ours may be somebody else's: then our other fields tell, and it is 76."""
    update = dataclasses.replace(ADDS, body={"note": "Done", "status": "completed"})
    found = answer({**REQUEST, "status": "assigned"})
    api, client = client_of(schema, LOST, answer([OURS]), found)
    with pytest.raises(OutcomeUnknownError, match="other fields are not as sent") as caught:
        client.update(update)
    assert caught.value.details == ("status was sent as 'completed', and is 'assigned'",)
    assert (caught.value.exit_code, caught.value.applied) == (76, "maybe")
    assert api.asked.count("PATCH /requests/5") == 1


def test_other_fields_as_sent_are_fine(schema: SpecSchema) -> None:
    """The note is there, and so is the rest."""
    update = dataclasses.replace(ADDS, body={"note": "Done", "status": "completed"})
    updated = {**REQUEST, "status": "completed"}
    _, client = client_of(schema, LOST, answer([OURS]), answer(updated))
    assert client.update(update) == updated


def test_endless_pages_are_unknown(schema: SpecSchema) -> None:
    """A server that always has a next page is not followed for ever."""
    page = answer([{**OURS, "text": "Other"}], Link='<https://x/>; rel="next"')
    api, client = client_of(schema, LOST, *[page] * (MOST_NOTE_PAGES + 1))
    with pytest.raises(OutcomeUnknownError) as caught:
        client.update(ADDS)
    assert caught.value.details == ("the check: there is no end of notes",)
    assert api.asked.count("GET /requests/5/notes") == MOST_NOTE_PAGES


def test_the_last_page_may_be_the_twentieth(schema: SpecSchema) -> None:
    """As many pages are looked at as are allowed."""
    page = answer([{**OURS, "text": "Other"}], Link='<https://x/>; rel="next"')
    pages = [*[page] * (MOST_NOTE_PAGES - 1), answer([OURS])]
    _, client = client_of(schema, LOST, *pages, answer(REQUEST))
    assert client.update(ADDS) == REQUEST


def test_a_signal_between_two_pages_ends_the_look(schema: SpecSchema) -> None:
    """The outcome is unknown then, and no further page is asked for."""
    page = answer([{**OURS, "text": "Other"}], Link='<https://x/>; rel="next"')
    api, client = client_of(schema, LOST, page, answer([OURS]), answer(REQUEST))
    clock = api.transport.clock
    assert isinstance(clock, FakeClock)
    clock.terminate_at = 0.5 + 1e-9
    turn_pages(api, clock)
    with pytest.raises(OutcomeUnknownError) as caught:
        client.update(ADDS)
    assert (caught.value.exit_code, caught.value.applied) == (76, "maybe")
    assert api.asked == ["PATCH /requests/5", "GET /requests/5/notes"]


def turn_pages(api: ScriptedApi, clock: FakeClock) -> None:
    """Make each answered call take a second."""
    exchange = api.exchange

    def slow(method: str, path: str, **given: Any) -> requests.Response:  # noqa: ANN401  passed on
        response = exchange(method, path, **given)
        clock.advance(1.0)
        return response

    api.exchange = slow  # type: ignore[method-assign]  # a double of a double


def test_an_update_grown_too_long_is_not_sent(schema: SpecSchema) -> None:
    """The limit of a note is judged as it is sent, with the keys of the files that it shows."""
    text = "[note_attachments: 0]" * 3000
    body = {"note": text, "note_attachments": [{"key": "k" * 200}]}
    api, client = client_of(schema)
    with pytest.raises(SpecError, match=r"request\.note has [0-9]+ bytes") as caught:
        client.update(Update(5, body, adds=("note", "note_attachments")))
    assert (caught.value.applied, api.asked) == ("no", [])


def test_files_are_uploaded_before_the_update(
    schema: SpecSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their keys are in what is sent."""
    stored = {("note_attachments", 0): Stored("files/a.txt", 7)}
    monkeypatch.setattr("fourme.storage.upload_all", lambda *_: stored)
    file = File("note_attachments", 0, "a.txt", "text/plain", b"content")
    update = Update(
        5, {"note_attachments": [{"name": "a.txt", "content": "content"}]}, (), (), (file,)
    )
    api, client = client_of(schema, answer(REQUEST))
    assert client.update(update) == REQUEST
    assert [json.loads(body) for body in api.sent] == [
        {"note_attachments": [{"key": "files/a.txt", "filesize": 7}]}
    ]


def test_a_refused_update_names_the_roles_that_its_fields_take(schema: SpecSchema) -> None:
    """The roles of other fields are not named."""
    _, client = client_of(schema, answer({}, 403))
    with pytest.raises(AccessError) as caught:
        client.update(Update(5, {"source": "x"}))
    assert "Specialist, Account Administrator (for source)" in caught.value.usually
    assert "sourceID" not in caught.value.usually


def test_what_a_refusal_quotes_of_a_note_is_left_out(schema: SpecSchema) -> None:
    """Neither the refusal of the update nor that of a look for it says what was noted."""
    note = "The password is tr0ub4dor."
    update = Update(5, {"note": note}, (ExpectedNote(note, internal=False),), ("note",))
    refused = answer({"errors": [["note", "Has &quot;tr0ub4dor&quot;"]]}, 422)
    _, client = client_of(schema, refused)
    with pytest.raises(RefusedError) as caught:
        client.update(update)
    assert caught.value.details == ("note: Has &quot;***&quot;",)

    _, client = client_of(schema, LOST, refused)
    with pytest.raises(OutcomeUnknownError) as doubt:
        client.update(update)
    assert "tr0ub4dor" not in "".join(traceback.format_exception(doubt.value))


@pytest.mark.parametrize(
    "notes",
    [
        answer([OURS]),
        answer({"id": 5}),
        answer(["text"]),
        answer([{**OURS, "created_at": "yesterday"}]),
        answer([{"text": "Done"}]),
        answer([OURS], Date="soon"),
        answer([OURS], Age="1"),
        answer([{**OURS, "text": None}]),
        answer({"message": "Forbidden"}, 403),
        answer(b"<p>Sign in</p>", Content_Type="text/html"),
    ],
    ids=[
        "one-of-two",
        "object",
        "texts",
        "odd-time",
        "no-time",
        "no-date",
        "cached",
        "no-text",
        "403",
        "page",
    ],
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
