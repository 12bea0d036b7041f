"""`operations.get`: a request is read, or reported as missing; its notes, if they are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from operations.get import OPERATION
from process.errors import (
    AccessError,
    RequestNotFoundError,
    SpecError,
    TemporaryError,
    TerminatedError,
    UnexpectedResponseError,
)
from spec.schema import load_spec_schema
from spec.validation import validate
from tests.fourme.scripted_api import LOST, ScriptedApi, answer
from tests.scenario_files import CONNECTION

if TYPE_CHECKING:
    import requests

    from process.output import Output

REQUEST = {"id": 5, "subject": "Printer", "status": "assigned", "team": {"id": 13}}
NOTES = [{"id": 9, "text": "Done"}, {"id": 8, "text": "Begun"}]
NEXT = {"Link": '<https://elsewhere.example/v9/x?page=2>; rel="next"'}


def get(*answers: requests.Response | Exception, **inputs: Any) -> tuple[Output, ScriptedApi]:  # noqa: ANN401  a spec's values
    """Run the operation on request 5 of an API that answers like this."""
    api = ScriptedApi(*answers)
    return run(api, **inputs), api


def run(api: ScriptedApi, **inputs: Any) -> Output:  # noqa: ANN401  likewise
    """Run the operation on request 5 of an API, or on the one to find."""
    named = {} if "find" in inputs else {"request_id": "5"}
    spec = {"connection": dict(CONNECTION), **named, **inputs}
    valid = validate(spec, load_spec_schema(OPERATION.schema_folder), OPERATION.problems)
    return OPERATION.run(valid, api)


def test_a_request_is_read() -> None:
    """One GET; the output is the full request, with its number, its results and a link."""
    output, api = get(answer(REQUEST))

    assert api.asked == ["GET /requests/5"]
    assert output.values == {"request": {**REQUEST, "request_id": 5}, "found": True, "notes": None}
    assert output.results["found"] == "true"
    assert (output.results["status"], output.results["team"]) == ("assigned", "13")
    assert output.link is not None
    assert output.link.url == output.results["url"] == "https://wdc.example.com/requests/5"
    assert output.applied == "no"


def test_a_lost_answer_is_asked_for_again() -> None:
    """Reading changes nothing, so it is repeated."""
    output, api = get(LOST, answer(REQUEST))

    assert output.values["found"] is True
    assert api.asked == ["GET /requests/5"] * 2


def test_a_missing_request_is_an_error() -> None:
    """Unless it is to be reported."""
    with pytest.raises(RequestNotFoundError) as caught:
        get(answer({"message": "Not Found"}, 404))
    assert (caught.value.exit_code, caught.value.applied) == (66, "no")


@pytest.mark.parametrize("inputs", [{}, {"notes": True}])
def test_a_missing_request_is_reported(
    inputs: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """`if_missing: report` makes it an output; the log says it, too."""
    output, api = get(answer({"message": "Not Found"}, 404), if_missing="report", **inputs)

    assert output.values == {"request": None, "found": False, "notes": None}
    assert output.results == {"found": "false"}
    assert output.link is None
    assert api.asked == ["GET /requests/5"]
    assert "knows no request 5" in caplog.text


@pytest.mark.parametrize("if_missing", ["error", "report"])
def test_no_permission_is_no_missing_request(if_missing: str) -> None:
    """Only 404 says that there is none."""
    with pytest.raises(AccessError, match="may not read request 5"):
        get(answer({"message": "Forbidden"}, 403), if_missing=if_missing)


def test_notes_are_read_from_all_pages() -> None:
    """They are published in 4me's order."""
    output, api = get(
        answer(REQUEST), answer(NOTES[:1], given=NEXT), answer(NOTES[1:]), notes="yes"
    )

    assert output.values["notes"] == NOTES
    assert api.asked == ["GET /requests/5", *["GET /requests/5/notes"] * 2]


def test_sigterm_between_two_pages_of_notes() -> None:
    """A read is never in doubt: no further page is asked for, and it may be run again."""
    api = ScriptedApi(answer(REQUEST), answer(NOTES[:1], given=NEXT))
    api.clock.terminate_at = 2.0
    api.transport.seconds = 1.0

    with pytest.raises(TerminatedError) as caught:
        run(api, notes=True)
    assert (caught.value.exit_code, caught.value.applied) == (75, "no")
    assert "update" not in caught.value.what
    assert api.asked == ["GET /requests/5", "GET /requests/5/notes"]


def test_sigterm_during_the_last_page_of_notes() -> None:
    """Everything has been read, so it is published."""
    api = ScriptedApi(answer(REQUEST), answer(NOTES))
    api.clock.terminate_at = 2.0
    api.transport.seconds = 1.0

    assert run(api, notes=True).values["notes"] == NOTES


def test_notes_that_are_no_notes() -> None:
    """The error says what was read; nothing was changed."""
    with pytest.raises(UnexpectedResponseError) as caught:
        get(answer(REQUEST), answer({}), notes=True)
    assert caught.value.what == (
        "The step could not read the notes of request 5: the answer is not a list of notes."
    )
    assert (caught.value.exit_code, caught.value.applied) == (76, "no")
    assert caught.value.fix


def test_another_record_is_an_error() -> None:
    """A service that answers with another record is not 4me; nothing was changed."""
    with pytest.raises(UnexpectedResponseError, match="with id 6 where request 5") as caught:
        get(answer({"id": 6}))
    assert caught.value.applied == "no"


def test_a_service_that_is_down() -> None:
    """It is tried again as long as the budget allows; then: try later."""
    api = ScriptedApi(LOST, retry_time=0)

    with pytest.raises(TemporaryError) as caught:
        run(api)
    assert caught.value.applied == "no"


def test_a_note_that_is_on_two_pages_is_published_once() -> None:
    """A note that is added meanwhile moves others to the next page."""
    first, second = answer(NOTES, given=NEXT), answer([NOTES[1], {"id": 7, "text": "Asked"}])
    output, _ = get(answer(REQUEST), first, second, notes=True)

    assert output.values["notes"] == [*NOTES, {"id": 7, "text": "Asked"}]


def test_each_page_has_a_retry_time_of_its_own() -> None:
    """Pages that take long do not use up what the next one may need."""
    output, api = get(
        answer(REQUEST), answer(NOTES[:1], given=NEXT), LOST, answer(NOTES[1:]), notes=True
    )

    assert output.values["notes"] == NOTES
    assert api.asked.count("GET /requests/5/notes") == 3


@pytest.mark.parametrize("odd", [{}, {"id": None}, {"id": [1]}])
def test_no_note_is_lost_whatever_its_id_is(odd: dict[str, Any]) -> None:
    """Only a number is an ID; notes without one are all published."""
    notes = [{"id": 1, "text": "a"}, {**odd, "text": "b"}, {**odd, "text": "c"}]
    output, _ = get(answer(REQUEST), answer(notes), notes=True)

    assert output.values["notes"] == notes


FIND = {"source": "Monitoring", "sourceID": "alert-1187"}
LISTED = {"id": 5, **FIND, "subject": "Printer", "status": "assigned"}


def test_a_request_is_found_and_read() -> None:
    """Two GETs: the list has not all fields."""
    output, api = get(answer([LISTED]), answer(REQUEST), find=FIND)

    assert api.asked == ["GET /requests", "GET /requests/5"]
    assert output.values == {"request": {**REQUEST, "request_id": 5}, "found": True, "notes": None}


def test_the_notes_of_a_found_request() -> None:
    """They are those of the request that was found."""
    output, api = get(answer([LISTED]), answer(REQUEST), answer(NOTES), find=FIND, notes=True)

    assert output.values["notes"] == NOTES
    assert api.asked[2:] == ["GET /requests/5/notes"]


@pytest.mark.parametrize(
    "answers", [[answer([])], [answer([LISTED]), answer({"message": "Not Found"}, 404)]]
)
def test_a_request_that_is_not_found(
    answers: list[requests.Response], caplog: pytest.LogCaptureFixture
) -> None:
    """Or that has gone before it is read: an error, or an output."""
    output, _ = get(*answers, find=FIND, if_missing="report")

    assert output.values == {"request": None, "found": False, "notes": None}
    assert output.results == {"found": "false"}
    assert "4me lists no request" in caplog.text or "4me knows no request 5" in caplog.text


def test_a_request_that_is_not_found_is_an_error() -> None:
    """Unless it is to be reported."""
    with pytest.raises(RequestNotFoundError) as caught:
        get(answer([]), find=FIND)
    assert (caught.value.exit_code, caught.value.applied) == (66, "no")


def test_several_requests_are_never_a_missing_one() -> None:
    """`if_missing` is for none alone."""
    with pytest.raises(SpecError, match="more than one"):
        get(answer([LISTED, {**LISTED, "id": 6}]), find=FIND, if_missing="report")
