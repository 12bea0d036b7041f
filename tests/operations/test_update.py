"""`operations.update`: an update, and what is made of lost and odd answers."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from fourme.files import UploadedFile
from operations.payload import UpdatePayload
from operations.update import update_request
from process.errors import (
    AccessError,
    OutcomeUnknownError,
    OutputError,
    RejectedError,
    SpecError,
    UnexpectedResponseError,
)
from process.settings import MAX_NOTE_PAGES, MAX_NOTES, MAX_VERIFICATION_TIME
from tests.fourme.scripted_api import LOST, ScriptedApi, answer

if TYPE_CHECKING:
    import requests

    from spec.schema import SpecSchema

REQUEST = {"id": 5, "subject": "Printer"}
OURS = {"id": 9, "text": "Done", "internal": False, "created_at": "2026-11-21T12:00:00Z"}
LATELY = {**OURS, "created_at": "2026-11-21T11:59:00Z"}
LONG_AGO = {**OURS, "created_at": "2026-11-21T11:00:00Z"}
OLD = {**LONG_AGO, "text": "Something else"}
NEXT = {"Link": '<https://elsewhere.example/v9/x?search_after=YQ%3D%3D&per_page=100>; rel="next"'}
FIRST_QUERY = "sort=-id&per_page=100"
NON_IDEMPOTENT = UpdatePayload(5, {"note": "Done"}, ("note",))
ADDS_TWO = UpdatePayload(5, {"note": "Done", "internal_note": "Done"}, ("note", "internal_note"))


def client_of(
    schema: SpecSchema, *answers: requests.Response | Exception
) -> tuple[ScriptedApi, Client]:
    """Return an API that gives these answers, and a client of it."""
    api = ScriptedApi(*answers)
    return api, Client(api, schema)


class Client(NamedTuple):
    """Makes updates."""

    api: ScriptedApi
    schema: SpecSchema

    def update(self, payload: UpdatePayload) -> dict[str, Any]:
        """Make one."""
        return update_request(payload, self.schema, self.api)


@pytest.mark.parametrize("first", [[OLD], [LONG_AGO], [OLD, LONG_AGO], []])
def test_a_note_of_ours_on_any_page_is_found(
    schema: SpecSchema, first: list[dict[str, object]]
) -> None:
    """Whatever the server's order is, an older note ends nothing: every page is looked through."""
    api, client = client_of(
        schema, LOST, answer(first, given=NEXT), answer([OLD, OURS, OLD]), answer(REQUEST)
    )
    assert client.update(NON_IDEMPOTENT) == REQUEST
    next_query = "search_after=YQ%3D%3D&per_page=100"
    assert api.transport.queries == ["", FIRST_QUERY, next_query, ""]
    assert api.asked[1:3] == ["GET /requests/5/notes"] * 2


@pytest.mark.parametrize("notes", [[OLD, LONG_AGO], [LONG_AGO, OLD], [LONG_AGO], []])
def test_notes_from_long_before_are_not_ours(
    schema: SpecSchema, notes: list[dict[str, object]]
) -> None:
    """Only they are there, at two looks at all pages: the update is sent again."""
    pages = [answer(notes, given=NEXT), answer(notes)]
    api, client = client_of(schema, LOST, *pages, *pages, answer(REQUEST))
    assert client.update(NON_IDEMPOTENT) == REQUEST
    assert api.asked == [
        "PATCH /requests/5",
        *["GET /requests/5/notes"] * 4,
        "PATCH /requests/5",
    ]


def test_a_note_like_ours_from_a_minute_before_may_be_ours(schema: SpecSchema) -> None:
    """Clocks differ: nobody can tell, so nothing is sent again."""
    notes = answer([OLD, LATELY])
    api, client = client_of(schema, LOST, notes, notes)
    with pytest.raises(OutcomeUnknownError) as caught:
        client.update(NON_IDEMPOTENT)
    assert caught.value.details == (
        "note 9 may be the one sent: it was added at that time, or has the same text",
    )
    assert api.asked.count("PATCH /requests/5") == 1


@pytest.mark.parametrize("text", ["Something else", "Done.", "Don", "", None])
def test_a_new_note_with_another_text_may_be_ours(schema: SpecSchema, text: object) -> None:
    """Servers rewrite, cut and sign texts: a new note that is not recognised proves nothing."""
    notes = answer([{**OURS, "text": text}, OLD])
    api, client = client_of(schema, LOST, notes, notes)
    with pytest.raises(OutcomeUnknownError, match="not update request 5 for certain"):
        client.update(NON_IDEMPOTENT)
    assert api.asked.count("PATCH /requests/5") == 1


def test_a_new_note_for_other_readers_is_not_ours(schema: SpecSchema) -> None:
    """An internal note cannot be the one for everybody."""
    other = answer([{**OURS, "internal": True}])
    api, client = client_of(schema, LOST, other, other, answer(REQUEST))
    assert client.update(NON_IDEMPOTENT) == REQUEST
    assert api.asked.count("PATCH /requests/5") == 2


def test_our_note_beside_somebodys_is_found(schema: SpecSchema) -> None:
    """A note that somebody else adds at that time does not hide ours, which comes later."""
    other = {**OURS, "id": 8, "text": "Something else"}
    api, client = client_of(schema, LOST, answer([other]), answer([other, OURS]), answer(REQUEST))
    assert client.update(NON_IDEMPOTENT) == REQUEST
    assert api.asked.count("PATCH /requests/5") == 1


def test_a_note_from_a_wait_before_the_attempt_in_doubt_is_not_ours(schema: SpecSchema) -> None:
    """Somebody's equal note, added while a rate limit was waited for: ours is sent again."""
    rate_limit = answer({}, 429, Retry_After="3600")
    meanwhile = {**OURS, "created_at": "2026-11-21T11:30:00Z"}
    notes = answer([meanwhile])
    api, client = client_of(schema, rate_limit, LOST, notes, notes, answer(REQUEST))
    assert client.update(NON_IDEMPOTENT) == REQUEST
    assert api.asked.count("PATCH /requests/5") == 3


def test_the_window_begins_anew_once_a_doubt_is_settled(schema: SpecSchema) -> None:
    """After a lost attempt that was not applied, only what is newer than the next one is ours."""
    found = answer([{**OURS, "created_at": "2026-11-21T12:10:00Z"}], Date=NOON_AND_TEN)
    api, client = client_of(schema, LOST, *[answer([])] * 2, LOST, found, answer(REQUEST))
    assert client.update(NON_IDEMPOTENT) == REQUEST
    before = answer([{**OURS, "created_at": "2026-11-21T12:00:00Z"}], Date=NOON_AND_TEN)
    empty = answer([])
    api, client = client_of(schema, LOST, empty, empty, LOST, before, before, answer(REQUEST))
    assert client.update(NON_IDEMPOTENT) == REQUEST
    assert api.asked.count("PATCH /requests/5") == 3


NOON_AND_TEN = "Sat, 21 Nov 2026 12:10:00 GMT"


def test_every_update_is_sent_on_a_new_connection(
    schema: SpecSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an upload's connection nor an idle one is used, at any attempt."""
    api, client = client_of(schema, LOST, *[answer([])] * 2, answer(REQUEST))
    monkeypatch.setattr(api, "close_connections", lambda: api.asked.append("new connection"))
    assert client.update(NON_IDEMPOTENT) == REQUEST
    looks = ["GET /requests/5/notes"] * 2
    update = ["new connection", "PATCH /requests/5"]
    assert api.asked == [*update, *looks, *update]


def test_a_note_that_is_added_late_is_found(schema: SpecSchema) -> None:
    """A server that was still at work at the first look has done it at the second."""
    api, client = client_of(schema, LOST, answer([]), answer([OURS]), answer(REQUEST))
    assert client.update(NON_IDEMPOTENT) == REQUEST
    assert api.asked.count("PATCH /requests/5") == 1


def test_other_fields_not_as_sent_are_unknown(schema: SpecSchema) -> None:
    """A note like ours may be somebody else's: then our other fields tell, and it is 76."""
    fields = {"note": "Done", "status": "completed"}
    update = NON_IDEMPOTENT._replace(body=fields, fields=fields)
    found = answer({**REQUEST, "status": "assigned"})
    api, client = client_of(schema, LOST, answer([OURS]), found)
    with pytest.raises(OutcomeUnknownError, match="other fields are not as sent") as caught:
        client.update(update)
    assert caught.value.details == ("status was sent as completed, and is assigned",)
    assert (caught.value.exit_code, caught.value.applied) == (76, "maybe")
    assert api.asked.count("PATCH /requests/5") == 1


def test_other_fields_as_sent_are_fine(schema: SpecSchema) -> None:
    """The note is there, and so is the rest."""
    fields = {"note": "Done", "status": "completed"}
    update = NON_IDEMPOTENT._replace(body=fields, fields=fields)
    updated = {**REQUEST, "status": "completed"}
    _, client = client_of(schema, LOST, answer([OURS]), answer(updated))
    assert client.update(update) == updated


def page_after(number: int) -> dict[str, str]:
    """Return the header that leads to the next page."""
    return {"Link": f'<https://x/?search_after={number}>; rel="next"'}


@pytest.mark.parametrize("size", [100, 1])
def test_endless_pages_are_unknown(schema: SpecSchema, size: int) -> None:
    """A history that is too long to look through proves nothing."""
    pages = [answer([OLD] * size, given=page_after(number)) for number in range(MAX_NOTE_PAGES + 1)]
    api, client = client_of(schema, LOST, *pages)
    with pytest.raises(OutcomeUnknownError) as caught:
        client.update(NON_IDEMPOTENT)
    most = {100: MAX_NOTES // 100, 1: MAX_NOTE_PAGES}[size]
    assert caught.value.details == (f"the check failed: there are more than {most * size} notes",)
    assert api.asked.count("GET /requests/5/notes") == most


def test_pages_that_lead_to_themselves_are_unknown(schema: SpecSchema) -> None:
    """A server that answers the same next page again and again is not followed."""
    page = answer([OLD], given=page_after(1))
    api, client = client_of(schema, LOST, page, page)
    with pytest.raises(OutcomeUnknownError):
        client.update(NON_IDEMPOTENT)
    assert api.asked.count("GET /requests/5/notes") == 2


def test_the_last_page_may_be_the_last_allowed(schema: SpecSchema) -> None:
    """As many pages are looked at as are allowed."""
    pages = [answer([OLD], given=page_after(number)) for number in range(MAX_NOTE_PAGES - 1)]
    _, client = client_of(schema, LOST, *pages, answer([OURS]), answer(REQUEST))
    assert client.update(NON_IDEMPOTENT) == REQUEST


@pytest.mark.parametrize(
    ("notes", "headers"),
    [
        ([OLD] * 100, {}),
        ([OLD] * 100, {"x-pagination-total-entries": "many"}),
        ([OLD] * 20, {"x-pagination-total-entries": "21"}),
        ([OLD], {"Link": "<https://x/>; rel=next"}),
        ([OLD], {"Link": '<https://[x/?a=b>; rel="next"'}),
    ],
)
def test_pages_that_may_be_missing_are_unknown(
    schema: SpecSchema, notes: list[object], headers: dict[str, str]
) -> None:
    """A proxy may have removed the link to the next page: the number of notes tells."""
    api, client = client_of(schema, LOST, answer(notes, given=headers))
    with pytest.raises(OutcomeUnknownError, match="it is unknown whether"):
        client.update(NON_IDEMPOTENT)
    assert api.asked.count("PATCH /requests/5") == 1


@pytest.mark.parametrize(
    ("size", "headers"), [(99, {}), (100, {"x-pagination-total-entries": "100"})]
)
def test_a_full_page_may_be_the_last(
    schema: SpecSchema, size: int, headers: dict[str, str]
) -> None:
    """All notes were there, and ours was not: it is sent again."""
    page = answer([OLD] * size, given=headers)
    api, client = client_of(schema, LOST, page, page, answer(REQUEST))
    assert client.update(NON_IDEMPOTENT) == REQUEST
    assert api.asked.count("PATCH /requests/5") == 2


def test_a_note_that_is_added_between_two_pages_is_none_that_is_missing(
    schema: SpecSchema,
) -> None:
    """What the first page says of the number of notes counts, not what has come since."""
    first = answer([OLD] * 100, given={**NEXT, "x-pagination-total-entries": "150"})
    second = answer([OLD] * 50, given={"x-pagination-total-entries": "151"})
    api, client = client_of(schema, LOST, first, second, first, second, answer(REQUEST))
    assert client.update(NON_IDEMPOTENT) == REQUEST
    assert api.asked.count("PATCH /requests/5") == 2


def test_a_signal_between_two_pages_ends_the_look(schema: SpecSchema) -> None:
    """The outcome is unknown then, and no further page is asked for."""
    page = answer([OLD], given=NEXT)
    api, client = client_of(schema, LOST, page, answer([OURS]), answer(REQUEST))
    api.clock.terminate_at = 0.5 + 1e-9
    api.transport.seconds = 1.0
    with pytest.raises(OutcomeUnknownError) as caught:
        client.update(NON_IDEMPOTENT)
    assert (caught.value.exit_code, caught.value.applied) == (76, "maybe")
    assert "terminated before all notes were read" in caught.value.details[0]
    assert api.asked == ["PATCH /requests/5", "GET /requests/5/notes"]


@pytest.mark.parametrize("answers", [[answer(REQUEST)], [LOST, answer([OURS]), answer(REQUEST)]])
def test_an_applied_update_is_marked_at_once(
    schema: SpecSchema, answers: list[requests.Response | Exception]
) -> None:
    """From then on no end of the process may say that nothing was updated."""
    api, client = client_of(schema, *answers)
    client.update(NON_IDEMPOTENT)
    assert api.clock.applied


@pytest.mark.parametrize("header", ["Age", "Date"])
def test_every_page_has_to_be_fresh(schema: SpecSchema, header: str) -> None:
    """A page from a cache does not have what has come since."""
    stale = answer([OLD], given={header: "120"})
    api, client = client_of(schema, LOST, answer([OLD], given=NEXT), stale)
    with pytest.raises(OutcomeUnknownError, match="it is unknown whether"):
        client.update(NON_IDEMPOTENT)
    assert api.asked.count("PATCH /requests/5") == 1


def test_the_nearest_start_of_all_answers_counts(schema: SpecSchema) -> None:
    """A later look cannot make somebody's note from before the attempt ours."""
    somebodys = answer([{**OURS, "created_at": "2026-11-21T11:59:58Z"}])
    later = answer(
        [{**OURS, "created_at": "2026-11-21T11:59:58Z"}], Date="Sat, 21 Nov 2026 12:00:08 GMT"
    )
    api, client = client_of(schema, LOST, somebodys, later, answer(REQUEST))
    with pytest.raises(OutcomeUnknownError):
        client.update(NON_IDEMPOTENT)
    assert api.asked.count("PATCH /requests/5") == 1


def test_reading_the_notes_may_not_take_for_ever(schema: SpecSchema) -> None:
    """A server that always has another page, late, is given up."""
    pages = [answer([OLD], given=page_after(number)) for number in range(100)]
    api, client = client_of(schema, LOST, *pages)
    api.transport.seconds = 60.0
    with pytest.raises(OutcomeUnknownError) as caught:
        client.update(NON_IDEMPOTENT)
    assert caught.value.details == ("the check failed: reading the notes takes too long",)
    assert api.asked.count("GET /requests/5/notes") == MAX_VERIFICATION_TIME // 60 + 1


def test_a_rejected_update_is_not_marked_as_applied(schema: SpecSchema) -> None:
    """Nothing was applied."""
    api, client = client_of(schema, answer({}, 422))
    with pytest.raises(RejectedError):
        client.update(NON_IDEMPOTENT)
    assert not api.clock.applied


def test_an_update_grown_too_long_is_not_sent(schema: SpecSchema) -> None:
    """The limit of a note is checked as it is sent, with the keys of the files that it shows."""
    text = "[note_attachments: 0]" * 3000
    body = {"note": text, "note_attachments": [{"key": "k" * 200}]}
    api, client = client_of(schema)
    with pytest.raises(SpecError, match=r"request\.note has [0-9]+ bytes") as caught:
        client.update(UpdatePayload(5, body, non_idempotent_fields=("note", "note_attachments")))
    assert (caught.value.applied, api.asked) == ("no", [])


def test_files_are_uploaded_before_the_update(
    schema: SpecSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their keys are in what is sent."""
    stored = {("note_attachments", 0): UploadedFile("files/a.txt", 7)}
    monkeypatch.setattr("fourme.uploads.upload_all", lambda *_: stored)
    update = UpdatePayload(5, {"note_attachments": [{"name": "a.txt", "content": "content"}]})
    api, client = client_of(schema, answer(REQUEST))
    assert client.update(update) == REQUEST
    assert [json.loads(body) for body in api.sent] == [
        {"note_attachments": [{"key": "files/a.txt", "filesize": 7}]}
    ]


def test_a_rejected_update_names_the_roles_that_its_fields_require(schema: SpecSchema) -> None:
    """The roles of other fields are not named."""
    _, client = client_of(schema, answer({}, 403))
    with pytest.raises(AccessError) as caught:
        client.update(UpdatePayload(5, {"source": "x"}))
    assert "Specialist, Account Administrator (for source)" in caught.value.cause
    assert "sourceID" not in caught.value.cause


def test_what_an_error_quotes_of_a_note_is_left_out(schema: SpecSchema) -> None:
    """Neither the error of the update nor that of its verification has the note's text."""
    note = "The password is tr0ub4dor."
    update = UpdatePayload(5, {"note": note}, ("note",))
    rejected = answer({"errors": [["note", "Has &quot;tr0ub4dor&quot;"]]}, 422)
    _, client = client_of(schema, rejected)
    with pytest.raises(RejectedError) as caught:
        client.update(update)
    assert caught.value.details == ("note: Has &quot;***&quot;",)

    _, client = client_of(schema, LOST, rejected)
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
        answer([{**OURS, "created_at": "2026-11-21T12:00:00"}]),
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
        "no-zone",
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
    api, client = client_of(schema, LOST, notes, notes)
    with pytest.raises(OutcomeUnknownError) as caught:
        client.update(ADDS_TWO)
    assert caught.value.applied == "maybe"
    assert "look whether this is there: note, internal_note" in caught.value.fix
    assert api.asked.count("PATCH /requests/5") == 1


@pytest.mark.parametrize("read", [answer({"message": "x"}, 404), answer([5]), answer({"id": 6})])
def test_an_update_that_cannot_be_read_is_an_output_error(
    schema: SpecSchema, read: requests.Response
) -> None:
    """It was applied: running the step again would repeat the note."""
    _, client = client_of(schema, LOST, answer([OURS]), read)
    with pytest.raises(OutputError) as caught:
        client.update(NON_IDEMPOTENT)
    assert caught.value.applied == "yes"
    assert "would repeat note" in caught.value.fix


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"id": 6}, "with id 6"),
        ({}, "of another kind"),
        ({"id": "a note"}, "of another kind"),
        ([], "of another kind"),
        (5, "another kind"),
    ],
)
def test_an_answer_that_is_not_the_request_is_unexpected(
    schema: SpecSchema, value: object, says: str
) -> None:
    """A record with another id, or no record at all, is not published as the request."""
    _, client = client_of(schema, answer(value))
    with pytest.raises(UnexpectedResponseError, match=says):
        client.update(NON_IDEMPOTENT)


def test_what_only_sets_fields_needs_no_look(schema: SpecSchema) -> None:
    """An update that adds nothing is safe to repeat, and its message says so."""
    sets = UpdatePayload(5, {"impact": "low"})
    _, client = client_of(schema, LOST, answer({}, 422))
    with pytest.raises(OutcomeUnknownError) as caught:
        client.update(sets)
    assert "does no harm" in caught.value.fix
