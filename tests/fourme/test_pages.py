"""`fourme.pages`: all pages of a list, or an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fourme.client import ErrorContext
from fourme.pages import Page, PagedList, TooManyRecordsError, named_errors
from process.errors import TemporaryError, UnexpectedResponseError
from tests.fourme.scripted_api import LOST, ScriptedApi, answer

if TYPE_CHECKING:
    import requests

LIST = PagedList("/things", "things", per_page=2, max_pages=3, max_records=5)
ONE = [{"id": 1}]
TWO = [{"id": 1}, {"id": 2}]


def link(query: str) -> dict[str, str]:
    """Return the header that leads to the next page."""
    return {"Link": f'<https://elsewhere.example/v9/x{query}>; rel="next"'}


def total(count: int) -> dict[str, str]:
    """Return the header with the number of all records."""
    return {"x-pagination-total-entries": str(count)}


def read(*answers: requests.Response | Exception) -> tuple[list[Page], ScriptedApi]:
    """Read all pages of an API that answers like this."""
    api = ScriptedApi(*answers)
    return [*LIST.pages(api, {"a": "b"}, ErrorContext("read the things"))], api


def test_all_pages() -> None:
    """Each next page is asked for to the letter, below the API's own address."""
    pages, api = read(
        answer(TWO, given=link("?a=b&search_after=%2F1")), answer(ONE, given={**total(1)})
    )

    assert [page.records for page in pages] == [TWO, ONE]
    assert api.asked == ["GET /things"] * 2
    assert api.transport.queries == ["a=b&per_page=2", "a=b&search_after=%2F1"]


def test_a_lost_page_is_asked_for_again() -> None:
    """Each page is read under the retry policy, with a time of its own."""
    pages, api = read(answer(TWO, given=link("?c=1")), LOST, answer([]))
    assert (len(pages), len(api.asked)) == (2, 3)

    with pytest.raises(TemporaryError):
        [*LIST.pages(ScriptedApi(LOST, retry_time=0), {}, ErrorContext("read the things"))]


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ([answer({"id": 1})], "the answer is not a list of things"),
        ([answer([1])], "the answer is not a list of things"),
        ([answer(TWO)], "the answer does not link to the next page"),
        ([answer(ONE, given=total(2))], "the answer does not link to the next page"),
        ([answer(TWO, given=link(""))], "the answer does not say where the next page is"),
        (
            [answer(TWO, given=link("?c=1")), answer(TWO, given=link("?c=1"))],
            "the answer links to the same page as the next one",
        ),
    ],
)
def test_pages_that_make_no_sense(answers: list[requests.Response], wrong: str) -> None:
    """What is missing is never taken for the end."""
    with pytest.raises(UnexpectedResponseError) as caught:
        read(*answers)
    assert (caught.value.what, type(caught.value)) == (wrong, UnexpectedResponseError)


@pytest.mark.parametrize(("records", "read_ones"), [(ONE, 3), (TWO, 6), ([*TWO, *TWO, *ONE], 5)])
def test_too_many_pages(records: list[dict[str, int]], read_ones: int) -> None:
    """Pages and records are limited; the error says how many there were."""
    pages = [answer(records, given=link(f"?c={number}")) for number in range(3)]

    with pytest.raises(TooManyRecordsError) as caught:
        read(*pages)
    assert caught.value.what == f"there are more than {read_ones} things"


def test_the_last_page_may_be_the_last_allowed() -> None:
    """As many pages are read as are allowed."""
    pages = [answer(ONE, given=link(f"?c={number}")) for number in range(2)]
    assert len(read(*pages, answer(ONE))[0]) == 3


def test_named_errors() -> None:
    """The error says what was being read, what to do, and that nothing was changed."""
    with pytest.raises(UnexpectedResponseError) as caught, named_errors("read it", "Look at it."):
        raise UnexpectedResponseError("there is none.")
    assert caught.value.what == "The step could not read it: there is none."
    assert (caught.value.fix, caught.value.applied) == ("Look at it.", "no")

    with pytest.raises(UnexpectedResponseError) as caught, named_errors("read it", "Look at it."):
        raise UnexpectedResponseError("there is none", fix="Do this.")
    assert caught.value.fix == "Do this."
