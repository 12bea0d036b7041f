"""The pages of a collection, as a client reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests


def ids_of(response: requests.Response) -> list[int]:
    """Return the ids of a page."""
    assert response.status_code == 200, response.text
    return [item["id"] for item in response.json()]


def pages_of(client: requests.Session, address: str, **query: str) -> Iterator[requests.Response]:
    """Yield every page of a list."""
    response = client.get(address, params=query)
    yield response
    while "next" in response.links:
        response = client.get(response.links["next"]["url"])
        yield response


def all_ids(client: requests.Session, address: str, **query: str) -> list[int]:
    """Return the ids of all pages of a list."""
    return [
        number for response in pages_of(client, address, **query) for number in ids_of(response)
    ]
