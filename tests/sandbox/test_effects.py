"""Each fault of a call, as a client sees it, and whether the call was processed."""

from __future__ import annotations

import gzip
import socket
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest
import requests
from requests.exceptions import ChunkedEncodingError, ReadTimeout

from sandbox import FAULTS
from tests.sandbox.fault_calls import patch, spec, times_applied, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

LOST = {
    "reset-before": (requests.ConnectionError, 0),
    "reset-after": (requests.ConnectionError, 1),
    "stall-before": (ReadTimeout, 0),
    "stall-after": (ReadTimeout, 1),
    "truncated": (ChunkedEncodingError, 1),
    "truncated-gzip": (ChunkedEncodingError, 1),
}

STATUSES = ["400", "401", "403", "404", "409", "418", "422", "429", "500", "502", "503", "504"]

ANSWERED = {
    "html": (200, 1),
    "invalid-json": (200, 1),
    "not-a-request": (200, 1),
    "redirect": (307, 0),
    **{status: (int(status), 0) for status in STATUSES},
    **{f"{status}-after": (status, 1) for status in (500, 502, 503, 504)},
}

ELSEWHERE = {
    "refused",
    "late",
    "502-late",
    "none",
    "slow",
    "trickle",
    "tls",
}  # each has a test of its own


def test_every_fault_is_tested() -> None:
    """A fault that is added to the table needs a test here."""
    assert {*LOST, *ANSWERED, *ELSEWHERE} == set(FAULTS)


@pytest.mark.parametrize("fault", LOST)
def test_lost_answers(
    start: Callable[..., Sandbox],
    client: requests.Session,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    """The client gets no whole answer, and nobody complains; it is applied as the fault says."""
    error, applied = LOST[fault]
    sandbox = start(f"patch={fault}")
    with pytest.raises(error):
        patch(client, sandbox)
    assert times_applied(sandbox) == applied
    assert sandbox.calls[0].fault == fault
    assert patch(client, sandbox).status_code == 200
    assert caplog.records == []


def test_a_gateway_s_502_says_nothing_of_the_service_behind(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """502-late answers before the update is applied; it is applied all the same."""
    sandbox = start("patch=502-late:0.05")
    assert patch(client, sandbox).status_code == 502
    assert times_applied(sandbox) == 0
    wait_until(lambda: times_applied(sandbox) == 1)


@pytest.mark.parametrize("fault", ANSWERED)
def test_answers_of_faults(
    start: Callable[..., Sandbox], client: requests.Session, fault: str
) -> None:
    """The client gets the status; the update is applied or not, as the fault says."""
    status, applied = ANSWERED[fault]
    sandbox = start(f"patch={fault}")
    answer = patch(client, sandbox)
    assert (answer.status_code, times_applied(sandbox)) == (status, applied)
    assert (sandbox.calls[0].fault, sandbox.calls[0].status) == (fault, status)
    assert patch(client, sandbox).status_code == 200


@pytest.mark.parametrize("call", ["spec", "patch"])
@pytest.mark.parametrize("status", STATUSES)
def test_errors_echo_credentials(
    start: Callable[..., Sandbox], client: requests.Session, call: str, status: str
) -> None:
    """Error pages show the caller's token and hold control characters, on both services."""
    sandbox = start(f"{call}={status}")
    answer = (spec if call == "spec" else patch)(client, sandbox)
    token = sandbox.metadata_token if call == "spec" else "demo-token"
    text = answer.text
    if answer.headers["Content-Type"].startswith("application/json"):
        text = str(answer.json())
    assert token in text
    assert "\\x1b[31m" in text or "\x1b[31m" in text


def test_a_basic_password_is_echoed_in_clear(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """A page that echoes Basic credentials decodes them first; nonsense is left alone."""
    sandbox = start("spec=500*")
    url = sandbox.metadata_url.replace(f":{sandbox.metadata_token}@", "")
    client.headers.pop("Authorization")
    answer = client.get(f"{url}/spec", auth=("", sandbox.metadata_token))
    assert f":{sandbox.metadata_token}" in answer.text
    assert "bad base64" in client.get(f"{url}/spec", headers={"Authorization": "Basic !"}).text


def test_a_500_holds_a_very_long_line(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """The body of a 500 has a line that is longer than Relay's log reader takes."""
    answer = patch(client, start("patch=500"))
    assert max(map(len, answer.text.split("\n"))) > 70_000


def test_a_502_is_nginxs_page(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """A 502 does not come from 4me: it is HTML."""
    answer = patch(client, start("patch=502"))
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<center>nginx</center>" in answer.text


def test_a_redirect_leads_elsewhere(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """The location is the same path on another host."""
    answer = patch(client, start("patch=redirect"))
    assert answer.headers["Location"] == "https://elsewhere.example/v1/requests/80339"


@pytest.mark.parametrize(
    ("fault", "expected"), [("429", None), ("429:7", "7"), ("503", None), ("503:2.5", "2.5")]
)
def test_retry_after_is_told(
    start: Callable[..., Sandbox], client: requests.Session, fault: str, expected: str | None
) -> None:
    """Retry-After is there when the rule says so, in seconds."""
    answer = patch(client, start(f"patch={fault}"))
    assert answer.headers.get("Retry-After") == expected


def test_retry_after_is_told_as_a_date(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """As a date, it is on the server's clock, even when that is off."""
    answer = patch(client, start("patch=429:date:60", clock_skew=7200))
    dates = [parsedate_to_datetime(answer.headers[name]) for name in ("Retry-After", "Date")]
    assert 59 <= (dates[0] - dates[1]).total_seconds() <= 61


def test_html_and_json_of_the_wrong_kind(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """The three kinds of strange answers are what they say."""
    sandbox = start("patch=html", "patch=invalid-json", "patch=not-a-request")
    page, broken, listed = (patch(client, sandbox) for _ in range(3))
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert broken.headers["Content-Type"] == "application/json; charset=utf-8"
    with pytest.raises(requests.JSONDecodeError):
        broken.json()
    assert isinstance(listed.json(), list)


def test_late_is_processed_after_the_client_has_gone(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """Nothing has happened when the client gives up; then it does."""
    sandbox = start("patch=late")
    with pytest.raises(ReadTimeout):
        patch(client, sandbox)
    wait_until(lambda: times_applied(sandbox) == 1)


def test_a_late_processing_has_not_happened_yet(start: Callable[..., Sandbox]) -> None:
    """While the client waits, the update is not applied."""
    sandbox = start("patch=late")
    body = b'{"note": "once"}'
    head = (
        "PATCH /v1/requests/80339 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer demo-token\r\n"
        f"X-4me-Account: wdc\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    port = int(sandbox.fourme_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(head.encode() + body)
        wait_until(lambda: len(sandbox.calls) == 1)
        assert times_applied(sandbox) == 0
    wait_until(lambda: times_applied(sandbox) == 1)


def test_a_trickle_is_slow_but_whole(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """The bytes come one by one: the first is there long before the last."""
    sandbox = start("patch=trickle")
    url = f"{sandbox.fourme_url}/v1/requests/80339"
    with client.patch(url, json={"note": "once"}, stream=True, timeout=5) as answer:
        began = time.monotonic()
        received = [answer.raw.read(1) for _ in range(2)]
        assert received == [b"{", b'"']
        assert time.monotonic() - began > 0.1
    assert times_applied(sandbox) == 1


def test_a_slow_answer_is_whole(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """The answer comes after the given time, not before."""
    sandbox = start("patch=slow:0.1")
    began = time.monotonic()
    assert patch(client, sandbox).json()["id"] == 80339
    assert time.monotonic() - began >= 0.1


def test_calls_can_be_let_through(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """`none` lets calls pass before the next rule applies."""
    sandbox = start("patch=none*2", "patch=503")
    statuses = [patch(client, sandbox).status_code for _ in range(4)]
    assert statuses == [200, 200, 503, 200]


def test_a_truncated_answer_is_half_of_it(start: Callable[..., Sandbox]) -> None:
    """The connection ends before what Content-Length announced, compressed or not."""
    for fault, encoding in (("truncated", ""), ("truncated-gzip", "gzip")):
        sandbox = start(f"read={fault}")
        port = int(sandbox.fourme_url.rpartition(":")[2])
        head = (
            "GET /v1/requests/80339 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer demo-token\r\n"
            "X-4me-Account: wdc\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(head.encode())
            answer = b"".join(iter(lambda: connection.recv(65_536), b""))
        head_text, _, body = answer.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head_text.decode().split("\r\n")[1:])
        assert len(body) == int(headers["Content-Length"]) // 2
        assert headers.get("Content-Encoding", "") == encoding
        if encoding:
            with pytest.raises(EOFError):
                gzip.decompress(body)


@pytest.mark.parametrize("call", ["spec", "output", "link"])
def test_answers_without_a_body_can_be_truncated_too(
    start: Callable[..., Sandbox], client: requests.Session, call: str
) -> None:
    """Relay's 201 has no body; truncated, it announces one that never comes."""
    sandbox = start(f"{call}=truncated")
    url = sandbox.metadata_url.replace(f":{sandbox.metadata_token}@", "")
    client.headers["Authorization"] = f"Bearer {sandbox.metadata_token}"
    link = {"type": "link", "description": "d", "uri": "u"}
    calls = {
        "spec": lambda: client.get(f"{url}/spec"),
        "output": lambda: client.put(f"{url}/outputs/x", json={}),
        "link": lambda: client.post(f"{url}/decorators/x", json=link),
    }
    with pytest.raises(ChunkedEncodingError):
        calls[call]()
