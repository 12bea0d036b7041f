"""Faults that respond with an error status."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from sandbox import FAULTS
from tests.sandbox.faults.fault_calls import patch, spec, times_applied, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from sandbox import Sandbox


STATUSES = [name for name in FAULTS if name.isdigit() and name != "103"]


PAGES = {"502": "nginx", "522": "cloudflare", "524": "cloudflare", "598": "proxy", "599": "proxy"}


def test_502_late_is_processed_after_the_response(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """502-late responds before the update is applied; it is applied all the same."""
    sandbox = start("patch=502-late:0.05")
    assert patch(client, sandbox).status_code == 502
    assert times_applied(sandbox) == 0
    wait_until(lambda: times_applied(sandbox) == 1)


@pytest.mark.parametrize("call", ["spec", "patch"])
@pytest.mark.parametrize("status", STATUSES)
def test_errors_echo_credentials(
    start: Callable[..., Sandbox], client: requests.Session, call: str, status: str
) -> None:
    """Error pages have the caller's token and control characters, on both services."""
    sandbox = start(f"{call}={status}")
    response = (spec if call == "spec" else patch)(client, sandbox)
    token = sandbox.metadata_token if call == "spec" else "demo-token"
    text = response.text
    if response.headers["Content-Type"].startswith("application/json"):
        text = str(response.json())
    assert token in text
    assert "\\x1b[31m" in text or "\x1b[31m" in text


def test_a_basic_password_is_echoed_decoded(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """A page that echoes Basic credentials decodes them first; invalid base64 is marked."""
    sandbox = start("spec=500*")
    url = sandbox.metadata_url.replace(f":{sandbox.metadata_token}@", "")
    client.headers.pop("Authorization")
    response = client.get(f"{url}/spec", auth=("", sandbox.metadata_token))
    assert f":{sandbox.metadata_token}" in response.text
    assert "bad base64" in client.get(f"{url}/spec", headers={"Authorization": "Basic !"}).text


def test_a_500_has_a_very_long_line(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """The body of a 500 has a line that is longer than Relay's log reader supports."""
    response = patch(client, start("patch=500"))
    assert max(map(len, response.text.split("\n"))) > 70_000


@pytest.mark.parametrize(("status", "server"), PAGES.items())
def test_a_gateway_sends_an_html_page(
    start: Callable[..., Sandbox], client: requests.Session, status: str, server: str
) -> None:
    """These do not come from 4me: they are HTML."""
    response = patch(client, start(f"patch={status}"))
    assert response.headers["Content-Type"].startswith("text/html")
    assert f"<center>{server}</center>" in response.text
    assert response.reason


def test_a_500_may_mean_too_many_requests(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """Its message is that of a 429, and it has Retry-After if the rule has SECONDS."""
    sandbox = start("patch=500-busy", "patch=500-busy:3")
    first, second = patch(client, sandbox), patch(client, sandbox)
    assert first.json() == second.json() == {"message": "Too Many Requests"}
    assert (first.headers.get("Retry-After"), second.headers["Retry-After"]) == (None, "3")
    assert second.reason == "Internal Server Error"


def test_a_redirect_is_to_another_host(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """The location is the same path on another host."""
    response = patch(client, start("patch=redirect"))
    assert response.headers["Location"] == "https://elsewhere.example/v1/requests/80339"


@pytest.mark.parametrize(
    ("fault", "expected"), [("429", None), ("429:7", "7"), ("503", None), ("503:2.5", "2.5")]
)
def test_retry_after_in_seconds(
    start: Callable[..., Sandbox], client: requests.Session, fault: str, expected: str | None
) -> None:
    """The response has Retry-After in seconds if the rule has SECONDS."""
    response = patch(client, start(f"patch={fault}"))
    assert response.headers.get("Retry-After") == expected


def test_retry_after_may_be_a_date(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """As a date, it is in the server's time, even if its clock is skewed."""
    response = patch(client, start("patch=429:date:60", clock_skew=7200))
    dates = [parsedate_to_datetime(response.headers[name]) for name in ("Retry-After", "Date")]
    assert 59 <= (dates[0] - dates[1]).total_seconds() <= 61
