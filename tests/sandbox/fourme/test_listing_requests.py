"""Requests, as the API lists them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.sandbox.fourme.pages import all_ids, ids_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from sandbox import Sandbox

#: What a request of the list has by default.
DEFAULT_FIELDS = {
    *("id", "sourceID", "subject", "category", "impact", "status", "next_target_at"),
    *("completed_at", "team", "member", "grouped_into", "service_instance"),
    *("created_at", "updated_at"),
}


@pytest.fixture
def requests_url(start: Callable[..., Sandbox]) -> str:
    """Return the address of the list of the sample's four requests."""
    return f"{start().fourme_url}/v1/requests"


def test_the_newest_requests_come_first(client: requests.Session, requests_url: str) -> None:
    """As documented: descending by id, with the default fields, blank ones included."""
    response = client.get(requests_url)
    assert ids_of(response) == [80339, 70470, 70384, 68673]
    assert {frozenset(item) for item in response.json()} == {frozenset(DEFAULT_FIELDS)}
    assert response.headers["x-pagination-per-page"] == "20"


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ({"source": "Deployment pipeline", "sourceID": "sales-tracking-1187"}, [80339]),
        ({"source": "Deployment pipeline", "sourceID": "sales-tracking-1188"}, []),
        ({"source": "deployment pipeline"}, []),
        ({"sourceID": "!"}, [80339]),
        ({"sourceID": "", "status": "assigned,completed"}, [70470, 68673]),
        ({"subject": "Add new rack in data center"}, [68673]),
        ({"status!": "assigned,completed"}, [70384]),
        ({"team": "14,13"}, [70470, 68673]),
        ({"team_id": "!14"}, [80339, 70384, 68673]),
        ({"id": ">70384<=80339"}, [80339, 70470]),
        ({"organization": "43", "impact": "!"}, [80339, 70384]),
        ({"next_target_at": "no_target"}, [68673]),
        ({"completed_at": "<2015-01-01T00:00:00Z"}, [68673]),
        ({"supplier_requestID": "x"}, []),
    ],
)
def test_requests_are_filtered(
    client: requests.Session, requests_url: str, query: dict[str, str], ids: list[int]
) -> None:
    """By each kind of field; several filters are combined."""
    assert ids_of(client.get(requests_url, params=query)) == ids


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ("id", [68673, 70384, 70470, 80339]),
        ("subject", [70470, 68673, 70384, 80339]),
        ("-subject", [80339, 70384, 68673, 70470]),
        ("sourceID", [68673, 70384, 70470, 80339]),
        ("-impact", [80339, 70384, 70470, 68673]),
        ("team", [70384, 68673, 70470, 80339]),
        ("member", [80339, 70384, 68673, 70470]),
        ("created_at", [68673, 70470, 70384, 80339]),
        ("-completed_at", [68673, 80339, 70470, 70384]),
    ],
)
@pytest.mark.parametrize("size", ["1", "3"])
def test_requests_are_sorted(
    client: requests.Session, requests_url: str, sort: str, ids: list[int], size: str
) -> None:
    """By each kind of field, both ways, blank ones before all others; over all pages."""
    assert all_ids(client, requests_url, sort=sort, per_page=size) == ids


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"nope": "1", "source": "x", "other_id": "2"}, "Unknown fields: nope, other_id"),
        ({"ci": "1", "urgent": "true"}, "Filtering not allowed on fields: ci, urgent"),
        ({"source": "a,b"}, "Cannot apply the '=' operator to a set of values for field 'source'"),
        ({"sort": "source"}, "Sorting not allowed on fields: source"),
        ({"fields": "note"}, "Unknown fields: note"),
        ({"team": "Unix Servers"}, "Invalid value for field team"),
    ],
)
def test_a_wrong_filter_of_requests_is_rejected(
    client: requests.Session, requests_url: str, query: dict[str, str], message: str
) -> None:
    """A wrong filter is a 400 with the documented message."""
    response = client.get(requests_url, params=query)
    assert (response.status_code, response.json()) == (400, {"message": message})


def test_the_cursor_fits_the_order(client: requests.Session, requests_url: str) -> None:
    """A cursor of one order is refused with another kind of order."""
    first = client.get(requests_url, params={"per_page": "1", "sort": "subject"})
    url = first.links["next"]["url"].replace("sort=subject", "sort=id")
    assert client.get(url).json() == {"message": "Invalid value for search_after"}


def test_fields_of_requests_can_be_chosen(client: requests.Session, requests_url: str) -> None:
    """Fields that are not shown by default can be asked for."""
    query = {"fields": "source,sourceID", "sourceID": "!"}
    assert client.get(requests_url, params=query).json() == [
        {"id": 80339, "source": "Deployment pipeline", "sourceID": "sales-tracking-1187"}
    ]
