"""The 4me API: authentication, headers, routes."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from sandbox import FourMeOptions
from sandbox.fourme.data_files import sample
from sandbox.fourme.fields import blank

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from sandbox import Sandbox


@pytest.fixture
def sandbox(start: Callable[..., Sandbox]) -> Sandbox:
    """Serve the packaged sample."""
    return start()


@pytest.fixture
def url(sandbox: Sandbox) -> str:
    """Return the address of request 80339."""
    return f"{sandbox.fourme_url}/v1/requests/80339"


def test_a_request_has_all_fields(client: requests.Session, url: str) -> None:
    """Every documented field is in the response, blank ones as null."""
    response = client.get(url)
    assert response.status_code == 200
    assert sorted(response.json()) == sorted(blank())
    assert response.json()["team"] == {"id": 17, "name": "Application Development"}
    assert response.json()["workflow"] is None


def test_every_response_has_4mes_headers(client: requests.Session, url: str) -> None:
    """Rate limit, request id, date, content type; and gzip, as requests asks for it.

    The names are lower case: as documented, it has been so since 2024.
    """
    first, second = client.get(url), client.get(url)
    for response in (first, second):
        names = {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-request-id"}
        assert names <= set(response.headers.keys())
        assert response.headers["x-ratelimit-limit"] == "3600"
        assert int(response.headers["x-ratelimit-reset"]) % 3600 == 0
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        assert response.headers["Content-Encoding"] == "gzip"
        assert parsedate_to_datetime(response.headers["Date"]).tzinfo is not None
    used = [int(response.headers["x-ratelimit-remaining"]) for response in (first, second)]
    assert used == [3599, 3598]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


def test_gzip_is_only_sent_when_accepted(client: requests.Session, url: str) -> None:
    """A caller that accepts no compression gets none."""
    response = client.get(url, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in response.headers
    assert response.json()["id"] == 80339


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": None},
        {"Authorization": "Bearer nope"},
        {"Authorization": "Basic demo-token"},
        {"X-4me-Account": None},
        {"X-4me-Account": "other"},
    ],
)
def test_bad_credentials_are_unauthorized(
    client: requests.Session, url: str, headers: dict[str, str]
) -> None:
    """A missing or unknown token or account gets 4me's 401, on every call, without a rate limit."""
    for response in (
        client.get(url, headers=headers),
        client.get(f"{url}/notes", headers=headers),
        client.patch(url, json={}, headers=headers),
        client.get(url.replace("requests/80339", "attachments/storage"), headers=headers),
    ):
        assert (response.status_code, response.json()) == (401, {"message": "Unauthorized"})
        assert not [name for name in response.headers if name.startswith("x-ratelimit")]
        assert response.headers["x-request-id"]


def test_the_rate_limit_is_per_person(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """Two tokens of one person share a count; another person has a count of their own."""
    data = sample()
    data["tokens"] = {
        "demo-token": {"account": "wdc", "person": 6},
        "second": {"account": "wdc", "person": 6},
        "other": {"account": "wdc", "person": 58},
    }
    url = f"{start(fourme=FourMeOptions(data=data)).fourme_url}/v1/requests/80339"
    left = [
        client.get(url, headers={"Authorization": f"Bearer {token}"}).headers[
            "x-ratelimit-remaining"
        ]
        for token in ("demo-token", "second", "other")
    ]
    assert left == ["3599", "3598", "3599"]


def test_the_newer_account_header_is_supported(client: requests.Session, url: str) -> None:
    """The account may be in X-Xurrent-Account."""
    headers = {"X-4me-Account": None, "X-Xurrent-Account": "wdc"}
    assert client.get(url, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("token", "body", "status"),
    [
        ("requester-token", {}, 403),
        ("specialist-token", {}, 200),
        ("specialist-token", {"source": "x"}, 403),
        ("specialist-token", {"sourceID": "x"}, 403),
        ("demo-token", {"source": "x", "sourceID": "y"}, 200),
    ],
)
def test_updates_need_roles(
    client: requests.Session, url: str, token: str, body: object, status: int
) -> None:
    """An update needs a Specialist; source and sourceID an Account Administrator, too."""
    response = client.patch(url, json=body, headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == status
    assert status == 200 or response.json() == {"message": "Forbidden"}


@pytest.mark.parametrize(
    "path",
    ["/v1/requests/1", "/v1/requests/x", f"/v1/requests/{'9' * 5000}", "/v1/people/6", "/v1/"],
)
def test_unknown_paths_are_not_found(client: requests.Session, sandbox: Sandbox, path: str) -> None:
    """An unknown request, and a resource that the step does not use, get 4me's 404."""
    for response in (
        client.get(sandbox.fourme_url + path),
        client.patch(sandbox.fourme_url + path, json={}),
    ):
        assert response.status_code in (404, 405)
        assert response.headers["x-request-id"]
    assert client.get(sandbox.fourme_url + path).json() == {"message": "Not Found"}


@pytest.mark.parametrize("body", ["{", "[]", '"text"', "", "[" * 100_000])
def test_a_body_must_be_an_object(client: requests.Session, url: str, body: str) -> None:
    """Invalid JSON, and JSON that is not an object, get 4me's 400."""
    response = client.patch(url, data=body)
    assert (response.status_code, response.json()) == (
        400,
        {"message": "Invalid JSON string posted"},
    )


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({"X-4me-Language": None}, "is niet in de lijst opgenomen"),
        ({"X-4me-Language": "nl"}, "is niet in de lijst opgenomen"),
        ({"X-4me-Language": "en-US"}, "is not included in the list"),
        ({"X-4me-Language": None, "X-Xurrent-Language": "en-US"}, "is not included in the list"),
    ],
)
def test_messages_come_in_the_users_language(
    client: requests.Session, url: str, headers: dict[str, str], text: str
) -> None:
    """A caller that does not ask for English gets the user's language, Dutch."""
    response = client.patch(url, json={"impact": "huge"}, headers=headers)
    assert (response.status_code, response.json()["errors"]) == (422, [["impact", text]])


def test_the_clock_can_be_skewed(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """With a skew, the Date header and the timestamps are skewed together."""
    true, skewed = start(), start(clock_skew=-86_400)
    dates, stamps = [], []
    for sandbox in (true, skewed):
        response = client.patch(f"{sandbox.fourme_url}/v1/requests/80339", json={"impact": "low"})
        dates.append(parsedate_to_datetime(response.headers["Date"]))
        stamps.append(response.json()["updated_at"])
    assert 86_398 <= (dates[0] - dates[1]).total_seconds() <= 86_401
    assert stamps[0][:10] > stamps[1][:10]
    assert stamps[0].endswith("-06:00")


def test_a_request_has_a_web_page(client: requests.Session, sandbox: Sandbox) -> None:
    """The page has the request and its notes, escaped."""
    client.patch(f"{sandbox.fourme_url}/v1/requests/80339", json={"note": "<b>&amp;"})
    page = client.get(f"{sandbox.fourme_url}/requests/80339", headers={"Authorization": None})
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Nightly deployment of Sales Tracking failed" in page.text
    assert "&lt;b&gt;&amp;amp;" in page.text
    assert client.get(f"{sandbox.fourme_url}/requests/1").status_code == 404


def test_connections_are_kept_open(client: requests.Session, url: str) -> None:
    """A connection can carry several calls."""
    assert "close" not in client.get(url).headers.get("Connection", "")


@pytest.mark.parametrize(
    ("view", "numbers"),
    [
        ("", [80339, 70470, 70384, 68673]),
        ("/open", [80339, 70470, 70384]),
        ("/completed", [68673]),
    ],
)
def test_requests_have_predefined_views(
    client: requests.Session, sandbox: Sandbox, view: str, numbers: list[int]
) -> None:
    """Open requests are all but the completed ones; both views take filters, too."""
    url = f"{sandbox.fourme_url}/v1/requests{view}"
    assert [item["id"] for item in client.get(url).json()] == numbers
    filtered = client.get(url, params={"status": "completed"}).json()
    assert [item["id"] for item in filtered] == ([] if view == "/open" else [68673])


@pytest.mark.parametrize("place", ["archived", "trashed"])
@pytest.mark.parametrize("value", [True, "true"])
def test_archive_and_trash_are_not_listed(
    client: requests.Session, start: Callable[..., Sandbox], place: str, value: object
) -> None:
    """A request that the data put there is in no list, but it can be read."""
    data = sample()
    assert isinstance(data["requests"], list)
    data["requests"] = [
        {**item, place: value} if item["id"] == 68673 else item for item in data["requests"]
    ]
    url = f"{start(fourme=FourMeOptions(data=data)).fourme_url}/v1/requests"
    assert len(client.get(url).json()) == 3
    assert client.get(f"{url}/completed").json() == []
    assert client.get(f"{url}/68673").json()[place] == value


def test_a_server_may_ignore_the_case_of_filters(
    client: requests.Session, start: Callable[..., Sandbox]
) -> None:
    """With the option, a text filter finds other cases."""
    query = {"sourceID": "Sales-Tracking-1187"}
    for ignore_case, count in ((False, 0), (True, 1)):
        sandbox = start(fourme=FourMeOptions(ignore_case=ignore_case))
        assert len(client.get(f"{sandbox.fourme_url}/v1/requests", params=query).json()) == count
