"""The CIs and knowledge articles that are linked to a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import FourMeOptions
from sandbox.fourme.data_files import sample

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from sandbox import Sandbox

CI = {"id": 1763, "label": "WDC-APP-0042"}
OTHER_CI = {"id": 1764, "label": "WDC-SW-0004"}
ARTICLE = {"id": 640, "subject": "How to reconnect a network drive"}


@pytest.fixture
def url(start: Callable[..., Sandbox]) -> str:
    """Return the address of a request with two CIs; another one has an article."""
    data = sample()
    data["links"] = {"80339": {"cis": [1764, 1763]}, "70384": {"knowledge_articles": [640]}}
    return f"{start(fourme=FourMeOptions(data=data)).fourme_url}/v1/requests/80339"


def _linked(client: requests.Session, url: str, name: str) -> object:
    response = client.get(f"{url}/{name}")
    assert response.status_code == 200
    return response.json()


def test_a_request_may_have_several(client: requests.Session, url: str) -> None:
    """The data may link several records; CIs come in the order of their labels."""
    assert _linked(client, url, "cis") == [CI, OTHER_CI]
    assert _linked(client, url.replace("80339", "70384"), "knowledge_articles") == [ARTICLE]


def test_what_the_data_does_not_link_follows_the_field(
    client: requests.Session, start: Callable[..., Sandbox], url: str
) -> None:
    """Without links in the data, what the field refers to is linked; nothing if it is blank."""
    plain = f"{start().fourme_url}/v1/requests/80339"
    assert _linked(client, plain, "cis") == [CI]
    assert _linked(client, plain, "knowledge_articles") == []
    client.patch(url, json={"knowledge_article_id": 640})
    assert _linked(client, url, "knowledge_articles") == [ARTICLE]


@pytest.mark.parametrize(("value", "linked"), [(1764, [OTHER_CI]), (1763, [CI]), ("", [])])
def test_a_patch_replaces_all(
    client: requests.Session, url: str, value: object, linked: object
) -> None:
    """As documented: what is sent replaces all that are linked, and an empty text removes them."""
    assert client.patch(url, json={"ci_id": value}).status_code == 200
    assert _linked(client, url, "cis") == linked


@pytest.mark.parametrize("body", [{"knowledge_article_id": 640}, {"impact": "low"}, {"ci": 1764}])
def test_other_fields_replace_nothing(
    client: requests.Session, url: str, body: dict[str, object]
) -> None:
    """Only a collection's own field replaces what is linked."""
    client.patch(url, json=body)
    assert _linked(client, url, "cis") == [CI, OTHER_CI]


def test_linked_records_are_listed_in_pages(client: requests.Session, url: str) -> None:
    """They have pages, an order and fields like every collection; filters are refused."""
    first = client.get(f"{url}/cis", params={"per_page": "1", "sort": "-id", "fields": "id"})
    assert first.json() == [{"id": 1764}]
    assert client.get(first.links["next"]["url"]).json() == [{"id": 1763}]
    refused = client.get(f"{url}/cis", params={"label": "x"})
    assert refused.json() == {"message": "Filtering not allowed on fields: label"}
    assert client.get(f"{url[:-5]}1/cis").status_code == 404
