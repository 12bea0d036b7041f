"""`operations.finding`: exactly one request, whatever the server makes of a filter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from fourme.client import ApiClient
from operations.finding import find_request, is_safe
from process.clock import Clock
from process.errors import (
    AccessError,
    RejectedError,
    RequestNotFoundError,
    SpecError,
    TemporaryError,
    TerminatedError,
    UnexpectedResponseError,
)
from process.settings import Settings
from sandbox import FourMeOptions, Sandbox, document_for
from sandbox.fourme.data_files import sample
from sandbox.fourme.filters import QueryError, condition
from tests.fourme.scripted_api import LOST, ScriptedApi, answer
from tests.step_process import ACCESS_TOKEN, ACCOUNT
from transport.context import RunContext

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from sandbox.fourme.filters import Kind

PAIR = {"source": "Monitoring", "sourceID": "alert-1187"}
FOUND = {"id": 5, **PAIR, "subject": "Disk full", "status": "assigned"}
OTHER = {**FOUND, "id": 6, "sourceID": "ALERT-1187"}


def link(number: int) -> dict[str, str]:
    """Return the header that leads to the next page."""
    return {"Link": f'<https://x/?search_after={number}>; rel="next"'}


def find(
    *answers: requests.Response | Exception, **values: str
) -> tuple[int, list[dict[str, list[str]]]]:
    """Return the ID of the request with these values, and the queries."""
    api = ScriptedApi(*answers)
    request_id = find_request(values or PAIR, api)
    assert {*api.asked} == {"GET /requests"}
    return request_id, [parse_qs(query) for query in api.transport.queries]


def test_the_usual_case() -> None:
    """One GET, filtered by both values, for the fields that are compared and shown."""
    request_id, (query,) = find(answer([FOUND]))

    assert request_id == 5
    assert query == {
        "source": ["Monitoring"],
        "sourceID": ["alert-1187"],
        "fields": ["source,sourceID,subject,status"],
        "sort": ["id"],
        "per_page": ["100"],
    }


def test_several_among_too_many() -> None:
    """Several are several, however many pages there are besides."""
    pages = [answer([OTHER], given=link(number)) for number in range(48)]
    matches = [answer([{**FOUND, "id": number}], given=link(number)) for number in (50, 51)]
    with pytest.raises(SpecError, match="more than one") as caught:
        find(*pages, *matches)
    assert [line.split(":")[0] for line in caught.value.details] == ["50", "51"]


def test_numbers_and_line_breaks() -> None:
    """A number in the answer is its text; blanks around a value, as of a file, do not count."""
    record = answer([{**FOUND, "sourceID": 1187}])
    assert find(record, source=" Monitoring", sourceID="1187\n")[0] == 5


def test_by_the_supplier() -> None:
    """The identifier at the supplier stands alone."""
    record = {"id": 7, "supplier_requestID": "INC 1", "subject": None, "status": "completed"}
    request_id, (query,) = find(answer([record]), supplier_requestID="INC 1")

    assert request_id == 7
    assert query["supplier_requestID"] == ["INC 1"]
    assert query["fields"] == ["supplier_requestID,subject,status"]


@pytest.mark.parametrize(
    ("source", "source_id", "filters"),
    [
        ("Monitoring", "!1187", {"source"}),
        ("<b>", "1187", {"sourceID"}),
        ("a, b", "(1187)", set()),
    ],
)
def test_values_that_are_not_safe(source: str, source_id: str, filters: set[str]) -> None:
    """The server filters by what it cannot misread; the rest is compared, over all pages."""
    record = {**FOUND, "source": source, "sourceID": source_id}
    pages = [answer([OTHER], given=link(1)), answer([record])]
    request_id, queries = find(*pages, source=source, sourceID=source_id)

    assert request_id == 5
    assert queries[0].keys() - {"fields", "sort", "per_page"} == filters


@pytest.mark.parametrize(
    "others",
    [
        [OTHER],
        [{**FOUND, "id": 6, "source": "monitoring"}],
        [{**FOUND, "id": 6, "source": None}, {**FOUND, "id": 7, "sourceID": "alert-1187 "}],
        [FOUND, FOUND],
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_the_server_may_answer_more(others: list[dict[str, object]], *, first: bool) -> None:
    """It may ignore a filter or the case of letters, and list one request twice, in any order."""
    records = [FOUND, *others] if first else [*others, FOUND]
    assert find(answer(records))[0] == 5
    assert find(answer(records[:1], given=link(1)), answer(records[1:]))[0] == 5


@pytest.mark.parametrize(
    ("state", "status", "is_found"),
    [
        ("any", "completed", True),
        ("any", "assigned", True),
        ("open", "assigned", True),
        ("open", "waiting_for_customer", True),
        ("open", "completed", False),
        ("completed", "completed", True),
        ("completed", "assigned", False),
    ],
)
def test_the_state(state: str, status: str, *, is_found: bool) -> None:
    """It is compared in the step."""
    record = answer([{**FOUND, "status": status}])
    if is_found:
        assert find(record, **PAIR, state=state)[0] == 5
        return
    with pytest.raises(RequestNotFoundError) as caught:
        find(record, **PAIR, state=state)
    assert caught.value.what == (
        f"4me lists no {state} request with source 'Monitoring' and sourceID 'alert-1187' "
        "in account wdc."
    )
    assert caught.value.cause.startswith("it is ")


@pytest.mark.parametrize("records", [[], [OTHER], [OTHER] * 3])
def test_none(records: list[object]) -> None:
    """All was looked at and none matches: nothing is guessed."""
    with pytest.raises(RequestNotFoundError) as caught:
        find(answer(records))
    assert (caught.value.exit_code, caught.value.applied) == (66, "no")
    assert "`find`" in caught.value.fix


def test_several() -> None:
    """The error names them all, with subjects and states, quoted."""
    other = {**FOUND, "id": 9, "subject": "a\x1b[31m\n  b", "status": "completed"}
    with pytest.raises(SpecError) as caught:
        find(answer([FOUND, OTHER, other, FOUND]))

    assert (caught.value.exit_code, caught.value.applied) == (65, "no")
    assert caught.value.what.startswith("4me has more than one request with source 'Monitoring'")
    assert caught.value.details == ("5: Disk full (assigned)", "9: a\\x1b[31m b (completed)")
    assert "request_id" in caught.value.fix


def test_several_by_state() -> None:
    """A state may tell them apart."""
    records = [FOUND, {**FOUND, "id": 9, "status": "completed"}]
    assert find(answer(records), **PAIR, state="open")[0] == 5
    assert find(answer(records), **PAIR, state="completed")[0] == 9


def test_many() -> None:
    """Ten of them are shown; no further page is asked for."""
    records = [{**FOUND, "id": number} for number in range(1, 12)]
    api = ScriptedApi(answer(records, given=link(1)))
    with pytest.raises(SpecError) as caught:
        find_request(PAIR, api)
    assert len(caught.value.details) == 11
    assert caught.value.details[10] == "... and more"
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    ("values", "cause"),
    [
        ({"source": "!a", "sourceID": ",b"}, "4me's filters could misread source and sourceID"),
        ({"source": "a", "sourceID": ">b"}, "4me's filters could misread sourceID"),
        ({"supplier_requestID": "<b"}, "4me's filters could misread supplier_requestID"),
        ({"source": "a", "sourceID": "b"}, "4me has not filtered them"),
    ],
)
@pytest.mark.parametrize("matches", [0, 1])
def test_too_many_pages(values: dict[str, str], cause: str, matches: int) -> None:
    """More than 50 pages prove nothing: neither that there is none, nor that there is one only."""
    no_match = {**dict.fromkeys(values, "x"), "id": 1, "subject": "", "status": "assigned"}
    first = answer([{**no_match, **values}] * matches + [no_match], given=link(0))
    others = [answer([no_match], given=link(number)) for number in range(1, 51)]
    api = ScriptedApi(first, *others)
    with pytest.raises(SpecError, match=r"^4me cannot be searched for the request") as caught:
        find_request(values, api)
    assert caught.value.cause.startswith(cause)
    assert len(api.asked) == 50


def test_as_many_pages_as_are_allowed() -> None:
    """The fiftieth may be the last."""
    pages = [answer([OTHER], given=link(number)) for number in range(49)]
    assert find(*pages, answer([FOUND]))[0] == 5


@pytest.mark.parametrize(
    ("records", "wrong"),
    [
        ([{**FOUND, "id": None}], "has no ID"),
        ([{**FOUND, "id": "5"}], "has no ID"),
        ([{**FOUND, "id": True}], "has no ID"),
        ([{**FOUND, "id": 0}], "has no ID"),
        ([{name: FOUND[name] for name in ("id", "sourceID", "status")}], "has no `source`"),
        ([{**FOUND, "source": [5]}], "has no `source`"),
        ([{name: FOUND[name] for name in ("id", "source", "status")}], "has no `sourceID`"),
        ([{name: FOUND[name] for name in ("id", "source", "sourceID")}], "has no `status`"),
        ({"message": "Hello"}, "is not a list of requests"),
        ([FOUND] * 100, "does not link to the next page"),
    ],
)
def test_answers_that_make_no_sense(records: object, wrong: str) -> None:
    """They are neither a request nor none; nothing was changed."""
    with pytest.raises(UnexpectedResponseError) as caught:
        find(answer(records), **PAIR, state="open")
    assert caught.value.what.startswith("The step could not look for the open request with source")
    assert caught.value.what.endswith(f"{wrong}.")
    assert (caught.value.exit_code, caught.value.applied) == (76, "no")


def test_a_lost_answer_is_asked_for_again() -> None:
    """Each page is read under the retry policy."""
    assert find(LOST, answer([OTHER], given=link(1)), LOST, answer([FOUND]))[0] == 5
    with pytest.raises(TemporaryError):
        find_request(PAIR, ScriptedApi(LOST, retry_time=0))


@pytest.mark.parametrize(
    ("status", "error"), [(400, RejectedError), (403, AccessError), (404, RejectedError)]
)
def test_a_refused_search_is_no_missing_request(status: int, error: type[Exception]) -> None:
    """A 404 for the list does not say that there is no such request."""
    with pytest.raises(error, match="look for the request with source 'Monitoring'"):
        find(answer({"message": "Unknown fields: source"}, status))


@pytest.mark.parametrize("given_link", [link(1), {}])
def test_sigterm_ends_the_search(given_link: Mapping[str, str]) -> None:
    """Between two pages, and before what follows; a read is never in doubt."""
    api = ScriptedApi(answer([FOUND], given=given_link))
    api.clock.terminate_at = 1.0
    api.transport.seconds = 2.0
    with pytest.raises(TerminatedError) as caught:
        find_request(PAIR, api)
    assert (caught.value.exit_code, caught.value.applied) == (75, "no")


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        ("alert-1187", True),
        ("a", True),
        ("0", True),
        ("Deployment pipeline", True),
        ("https://ci.example/jobs/5#log", True),
        ("a" * 255, True),
        ("a" * 256, False),
        ("", False),
        ("!", False),
        ("!a", False),
        ("<a", False),
        (">=5", False),
        ("=a", False),
        ("-5", False),
        ("a,b", False),
        (" a", False),
        ("a ", False),
        ("a  b", False),
        ("a\n", False),
        ("a\tb", False),
        ("a<b", False),
        ("a%2C", False),
        ("a*", False),
        ("\u00fc", False),
        ("a\u00a0b", False),
    ],
)
def test_what_is_safe(value: str, *, safe: bool) -> None:
    """An allow-list of characters, of how it begins and how it ends."""
    assert is_safe(value) is safe


@given(
    st.text(st.sampled_from("aZ0!<>=,-._:/@# \n\u00e4%"), max_size=8) | st.text(max_size=8),
    st.text(max_size=3),
)
@example("a", "A")
@example("5", "5,6")
def test_a_safe_value_is_read_as_itself(value: str, other: str) -> None:
    """By the server's grammar of filters, it is no operator and no set: only itself matches."""
    if not is_safe(value):
        return
    kinds: tuple[Kind, ...] = ("text", "enumeration")
    for kind in kinds:
        matches = condition("sourceID", kind, value)
        assert matches(value)
        assert matches(other) is (other == value)
        assert not matches(None)


@given(st.sampled_from("!<>") | st.just(""), st.sampled_from(["", "a", "a,b", "5"]))
def test_a_value_that_is_misread_is_not_safe(sign: str, rest: str) -> None:
    """Whatever the grammar refuses, or reads as something else, is not safe."""
    value = sign + rest
    try:
        is_itself = condition("sourceID", "text", value)(value)
    except QueryError:
        is_itself = False
    assert is_itself or not is_safe(value)


@st.composite
def lists_of_requests(draw: st.DrawFn) -> list[list[dict[str, object]]]:
    """Return pages of requests that are like the one to find, or are it."""
    record: st.SearchStrategy[dict[str, object]] = st.fixed_dictionaries(
        {
            "id": st.integers(1, 5),
            "source": st.sampled_from(["Monitoring", "monitoring", None]),
            "sourceID": st.sampled_from(["alert-1187", "alert-1187", "", "alert-1187\n"]),
            "subject": st.sampled_from(["a", None]),
            "status": st.sampled_from(["assigned", "completed"]),
        }
    )
    pages: list[list[dict[str, object]]] = draw(
        st.lists(st.lists(record, max_size=4), min_size=1, max_size=4)
    )
    # A request is the same on every page.
    by_id = {item["id"]: item for page in pages for item in page}
    return [[by_id[item["id"]] for item in page] for page in pages]


@given(lists_of_requests(), st.sampled_from(["any", "open", "completed"]))
def test_any_list(pages: list[list[dict[str, object]]], state: str) -> None:
    """One request is found where one matches; no list makes it another one, or one of several."""
    matching = {
        record["id"]
        for page in pages
        for record in page
        if all(record[name] == value for name, value in PAIR.items())
        and (state == "any" or (record["status"] == "completed") is (state == "completed"))
    }
    last = len(pages) - 1
    answers = [
        answer(page, given=link(number) if number < last else {})
        for number, page in enumerate(pages)
    ]
    if len(matching) == 1:
        assert {find(*answers, **PAIR, state=state)[0]} == matching
        return
    with pytest.raises(SpecError if matching else RequestNotFoundError):
        find(*answers, **PAIR, state=state)


def sandbox_with(*records: Mapping[str, object], **options: Any) -> Sandbox:  # noqa: ANN401  of `FourMeOptions`
    """Return a sandbox that has these requests, and those of the sample."""
    data = sample()
    requests_ = data["requests"]
    assert isinstance(requests_, list)
    blank = {"subject": "Disk full", "category": "incident", "status": "assigned"}
    for number, record in enumerate(records):
        requests_.append({"id": 90_000 + number, **blank, **record})
    return Sandbox(document_for({}), fourme=FourMeOptions(data=data, **options))


def find_in(sandbox: Sandbox, **values: str) -> int:
    """Return the ID of the request with these values."""
    connection = {"host": sandbox.fourme_url, "accessToken": ACCESS_TOKEN, "account": ACCOUNT}
    return find_request(values, ApiClient.connect(connection, RunContext(Settings(), Clock())))


@pytest.mark.parametrize("ignore_case", [True, False])
def test_letter_case_in_the_sandbox(*, ignore_case: bool) -> None:
    """Whether or not a server heeds it, only the very same values match."""
    others = [{**PAIR, "sourceID": "Alert-1187"}, PAIR, {**PAIR, "source": "MONITORING"}]
    with sandbox_with(*others, ignore_case=ignore_case) as sandbox:
        assert find_in(sandbox, **PAIR) == 90_001
        assert len(sandbox.calls) == 1
        with pytest.raises(RequestNotFoundError):
            find_in(sandbox, source="monitoring", sourceID="alert-1187")


@pytest.mark.parametrize("source_id", ["!1187", ">1187", "11,87", "<a>", "!"])
def test_a_safe_value_beside_an_unsafe_one_in_the_sandbox(source_id: str) -> None:
    """Beside a source that can be filtered by, the other value may be anything."""
    others = [{**PAIR, "sourceID": str(number)} for number in range(120)]
    with sandbox_with(*others, {**PAIR, "sourceID": source_id}) as sandbox:
        assert find_in(sandbox, source="Monitoring", sourceID=source_id) == 90_120
        assert len(sandbox.calls) == 2


def test_no_safe_value_in_the_sandbox() -> None:
    """All pages are read, as long as they are few."""
    odd = {"source": "Monitoring, EU", "sourceID": "!1"}
    with sandbox_with(*[PAIR] * 150, odd) as sandbox:
        assert find_in(sandbox, **odd) == 90_150
        assert len(sandbox.calls) == 2
        with pytest.raises(RequestNotFoundError):
            find_in(sandbox, **{**odd, "sourceID": "!2"})


def test_too_many_pages_in_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a safe value, more than 50 pages cannot be searched; with one, it is one call."""
    monkeypatch.setattr("fourme.requests_api.REQUESTS_PER_PAGE", 2)
    with sandbox_with(*[{"sourceID": "x"}] * 100, {**PAIR, "supplier_requestID": "!"}) as sandbox:
        with pytest.raises(SpecError, match="cannot be searched"):
            find_in(sandbox, supplier_requestID="!2")
        assert len(sandbox.calls) == 50
        assert find_in(sandbox, **PAIR) == 90_100
        assert len(sandbox.calls) == 51


def test_several_in_the_sandbox() -> None:
    """The numbers of all are named; a state that only one of them has is enough."""
    with sandbox_with(PAIR, {**PAIR, "status": "completed", "subject": "Old"}) as sandbox:
        with pytest.raises(SpecError) as caught:
            find_in(sandbox, **PAIR)
        assert sorted(caught.value.details) == [
            "90000: Disk full (assigned)",
            "90001: Old (completed)",
        ]
        assert find_in(sandbox, **PAIR, state="open") == 90_000
        assert find_in(sandbox, **PAIR, state="completed") == 90_001
