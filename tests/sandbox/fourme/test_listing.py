"""The notes of a request, as the API lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest

from sandbox import FourMeOptions
from sandbox.fourme.collection import SortOrder
from tests.sandbox.fourme.pages import all_ids, ids_of, pages_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from sandbox import Sandbox


#: The ids of the notes of the fixture `data`, by what they are sorted by.
BY_ID = [1, 2, 3, 4]
BY_TIME = [2, 1, 3, 4]
BY_PERSON = [4, 1, 2, 3]


def test_the_oldest_notes_come_first(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """As documented: ascending by id, 20 on a page; a new note is on the last one."""
    sandbox = start(fourme=FourMeOptions(history=30))
    request = f"{sandbox.fourme_url}/v1/requests/80339"
    client.patch(request, json={"note": "new"})
    first, last = pages_of(client, f"{request}/notes")
    assert (len(first.json()), len(last.json())) == (20, 12)
    ids = ids_of(first) + ids_of(last)
    assert ids == sorted(ids)
    assert last.json()[-1]["text"] == "new"
    assert "next" not in last.links


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ("id", BY_ID),
        ("-id", BY_ID[::-1]),
        ("created_at", BY_TIME),
        ("-created_at", BY_TIME[::-1]),
        ("person_id", BY_PERSON),
        ("-person_id", BY_PERSON[::-1]),
    ],
)
@pytest.mark.parametrize("size", ["1", "2", "3", "4", "100", "500"])
def test_notes_are_sorted(
    client: requests.Session, url: str, sort: str, ids: list[int], size: str
) -> None:
    """By each sortable field, both ways, equal ones by id; over all pages, of any size."""
    assert all_ids(client, url, sort=sort, per_page=size) == ids


def test_pagination_headers(client: requests.Session, url: str) -> None:
    """The headers count pages and notes; their names are lower case."""
    first, last = pages_of(client, url, per_page="3")
    for response, page in ((first, "1"), (last, "2")):
        headers = {name: value for name, value in response.headers.items() if "pagination" in name}
        assert headers == {
            "x-pagination-per-page": "3",
            "x-pagination-current-page": page,
            "x-pagination-total-pages": "2",
            "x-pagination-total-entries": "4",
        }
    assert "link" in first.headers.keys()  # noqa: SIM118 - only keys() shows the case
    assert first.links["next"]["url"].startswith(f"{url}?")
    assert ids_of(client.get(url, params={"per_page": "3", "page": "2"})) == [4]


def test_a_page_has_at_most_100_notes(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """A larger page is reduced to the limit, and the next ones continue from there."""
    url = f"{start(fourme=FourMeOptions(history=250)).fourme_url}/v1/requests/70470/notes"
    pages = list(pages_of(client, url, per_page="1000", sort="-id"))
    assert [len(response.json()) for response in pages] == [100, 100, 50]
    assert pages[0].headers["x-pagination-per-page"] == "100"


def test_the_link_to_the_next_page_keeps_the_query(client: requests.Session, url: str) -> None:
    """The link keeps size, order and filters."""
    query = {
        "per_page": "1",
        "sort": "-id",
        "created_at": ">=2026-11-20T11:00:00Z",
        "person": "7,8",
    }
    first, second = pages_of(client, url, **query)
    assert (ids_of(first), ids_of(second)) == ([3], [1])
    assert second.headers["x-pagination-total-entries"] == "2"


@pytest.mark.parametrize("sort", ["id", "-id", "created_at", "-created_at"])
def test_notes_added_between_two_pages_do_not_shiftpages_of(
    client: requests.Session, url: str, sort: str
) -> None:
    """A cursor refers to a note, not to an offset: no note is skipped or repeated."""
    known = all_ids(client, url, sort=sort)
    first = client.get(url, params={"per_page": "2", "sort": sort})
    client.patch(url.removesuffix("/notes"), json={"note": "a", "internal_note": "b"})
    rest = [
        number for page in pages_of(client, first.links["next"]["url"]) for number in ids_of(page)
    ]
    new = [5, 6] if not sort.startswith("-") else []
    assert ids_of(first) + rest == known + new


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"created_at": "2026-11-20T12:00:00Z"}, [3, 4]),
        ({"created_at": "2026-11-20T13:00:00+01:00"}, [3, 4]),
        ({"created_at": "2026-11-20T06:00:00"}, [3, 4]),
        ({"created_at": "!2026-11-20T12:00:00Z"}, [1, 2]),
        ({"created_at": "<2026-11-20T11:00:00Z"}, [2]),
        ({"created_at": "<=2026-11-20T11:00:00Z"}, [1, 2]),
        ({"created_at": ">2026-11-20T11:00:00Z"}, [3, 4]),
        ({"created_at": ">=2026-11-20T11:00:00Z"}, [1, 3, 4]),
        ({"created_at": ">2026-11-20T10:59:59Z<2026-11-20T12:00:00Z"}, [1]),
        ({"created_at": ">=2026-11-20T10:59:59Z<=2026-11-20T11:00:00Z"}, [1, 2]),
        ({"created_at": ""}, []),
        ({"created_at": "!"}, [1, 2, 3, 4]),
        ({"medium": "email"}, [3]),
        ({"medium": "email,ai"}, [3, 4]),
        ({"medium": "!email,ai"}, [1, 2]),
        ({"person": "7"}, [1, 2]),
        ({"person": "!7"}, [3, 4]),
        ({"person": "7", "created_at": ">=2026-11-20T11:00:00Z"}, [1]),
    ],
)
def test_notes_are_filtered(
    client: requests.Session, url: str, query: dict[str, str], ids: list[int]
) -> None:
    """By each documented operator; several filters are combined."""
    response = client.get(url, params=query)
    assert ids_of(response) == ids
    assert response.headers["x-pagination-total-entries"] == str(len(ids))


def test_fields_can_be_chosen(client: requests.Session, url: str) -> None:
    """A list has the fields that are asked for, and always the id."""
    assert client.get(url, params={"fields": "text", "per_page": "1"}).json() == [
        {"id": 1, "text": "n1"}
    ]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"per_page": "0"}, "per_page must be a number greater than 0"),
        ({"per_page": "-1"}, "per_page must be a number greater than 0"),
        ({"per_page": "x"}, "per_page must be a number greater than 0"),
        ({"page": "0"}, "page must be a number greater than 0"),
        ({"sort": "text"}, "Sorting not allowed on fields: text"),
        ({"sort": "-nope"}, "Unknown fields: nope"),
        ({"sort": ""}, "Unknown fields: "),
        ({"nope": "1", "other": "2"}, "Unknown fields: nope, other"),
        ({"fields": "text,nope"}, "Unknown fields: nope"),
        ({"text": "x"}, "Filtering not allowed on fields: text"),
        ({"created_at": "2026-11-20,2026-11-21"},
         "Cannot apply the '=' operator to a set of values for field 'created_at'"),
        ({"created_at": "yesterday"}, "Invalid value for field created_at"),
        ({"created_at": ">yesterday"}, "Invalid value for field created_at"),
        ({"person": "x"}, "Invalid value for field person"),
        ({"search_after": "x"}, "Invalid value for search_after"),
        ({"search_after": "MQ"}, "Invalid value for search_after"),
    ],
)  # fmt: skip
def test_an_invalid_query_is_rejected(
    client: requests.Session, url: str, query: dict[str, str], message: str
) -> None:
    """An invalid query is a 400 with a message."""
    response = client.get(url, params=query)
    assert (response.status_code, response.json()) == (400, {"message": message})


def test_an_unknown_request_has_no_notes(client: requests.Session, url: str) -> None:
    """An unknown request gets a 404; one without notes an empty page."""
    assert client.get(url.replace("80339", "1")).status_code == 404
    empty = client.get(url.replace("80339", "70470"))
    assert (ids_of(empty), empty.headers["x-pagination-total-pages"]) == ([], "1")


@pytest.mark.parametrize("order", get_args(SortOrder))
def test_a_server_may_ignore_sort(
    start: Callable[..., Sandbox],
    client: requests.Session,
    data: dict[str, object],
    order: SortOrder,
) -> None:
    """A server with a fixed order ignores `sort`, over all pages."""
    options = FourMeOptions(data=data, notes_order=order)
    url = f"{start(fourme=options).fourme_url}/v1/requests/80339/notes"
    expected = {"asked": [BY_ID, BY_TIME[::-1]], "ascending": [BY_ID, BY_ID]}
    expected["descending"] = [BY_ID[::-1], BY_ID[::-1]]
    found = [all_ids(client, url, per_page="3", **query) for query in ({}, {"sort": "-created_at"})]
    assert found == expected[order]
