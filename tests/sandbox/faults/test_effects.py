"""Each fault of a call, as a client sees it, and whether the call was processed."""

from __future__ import annotations

import gzip
import json
import socket
import time
from email.utils import parsedate_to_datetime
from itertools import accumulate
from typing import TYPE_CHECKING

import pytest
import requests
from requests.exceptions import ChunkedEncodingError, InvalidHeader, ReadTimeout

from sandbox import FAULTS
from tests.sandbox.faults.fault_calls import patch, spec, times_applied, wait_until

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
    "two-lengths": (InvalidHeader, 1),
}

STATUSES = [name for name in FAULTS if name.isdigit() and name != "103"]
PAGES = {"502": "nginx", "522": "cloudflare", "524": "cloudflare", "598": "proxy", "599": "proxy"}

ANSWERED = {
    "html": (200, 1),
    "invalid-json": (200, 1),
    "not-a-request": (200, 1),
    "redirect": (307, 0),
    **{status: (int(status), 0) for status in STATUSES},
    **{f"{status}-after": (status, 1) for status in (408, 500, 502, 503, 504, 524)},
    "500-busy": (500, 0),
    "deep": (200, 1),
    "s3-timeout": (400, 0),
    "s3-slow-down": (503, 0),
}

ELSEWHERE = {
    "103",
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
    assert {"408", "522", "524", "598", "599"} < set(STATUSES)


def test_it_is_known_what_a_caller_cannot_tell() -> None:
    """What may stand for silence of the service behind is ambiguous, a plain refusal is not."""
    ambiguous = {name for name, fault in FAULTS.items() if fault.ambiguous}
    assert {"103", "408", "408-after", "522", "524", "524-after", "598", "599"} < ambiguous
    assert {"two-lengths", "deep"} < ambiguous
    assert not ambiguous & {"500-busy", "s3-timeout", "s3-slow-down", "429", "503"}


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


@pytest.mark.parametrize(("status", "server"), PAGES.items())
def test_a_gateway_answers_with_a_page(
    start: Callable[..., Sandbox], client: requests.Session, status: str, server: str
) -> None:
    """These do not come from 4me: they are HTML."""
    answer = patch(client, start(f"patch={status}"))
    assert answer.headers["Content-Type"].startswith("text/html")
    assert f"<center>{server}</center>" in answer.text
    assert answer.reason


def test_an_interim_answer_comes_before_the_final_one(start: Callable[..., Sandbox]) -> None:
    """103 and a link are on the wire first, then the whole answer, on the same connection."""
    sandbox = start("patch=103")
    answer = _raw_patch(sandbox)
    interim, _, final = answer.partition(b"\r\n\r\n")
    lines = interim.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 103 Early Hints"
    assert lines[1].startswith("Link: <")
    assert final.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(final.partition(b"\r\n\r\n")[2])["id"] == 80339
    assert (times_applied(sandbox), sandbox.calls[0].status) == (1, 200)


def test_two_lengths_differ(start: Callable[..., Sandbox]) -> None:
    """Both are on the wire, one of them is right, and the record is whole."""
    sandbox = start("patch=two-lengths")
    head, _, body = _raw_patch(sandbox).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    lengths = [line.partition(": ")[2] for line in lines if line.startswith("Content-Length")]
    assert lines[0] == "HTTP/1.1 200 OK"
    assert lengths == [str(len(body)), str(len(body) + 1)]
    assert json.loads(body)["id"] == 80339
    assert (times_applied(sandbox), sandbox.calls[0].status) == (1, 200)


def _raw_patch(sandbox: Sandbox) -> bytes:
    """Send an update by hand; return all that comes back."""
    body = b'{"note": "once"}'
    head = (
        "PATCH /v1/requests/80339 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer demo-token\r\n"
        f"X-4me-Account: wdc\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    port = int(sandbox.fourme_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(head.encode() + body)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def _depth(text: str) -> int:
    depths = accumulate({"[": 1, "{": 1, "]": -1, "}": -1}.get(letter, 0) for letter in text)
    return max(depths)


def test_a_deep_answer_is_right_otherwise(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """Records and lists hold something 900 levels deep; apart from that they are as ever."""
    sandbox = start("read=deep", "verification=deep*2", "spec=deep", "output=deep")
    url = f"{sandbox.fourme_url}/v1/requests/80339"
    record = client.get(url)
    plain = client.get(url).json()
    assert {name: value for name, value in record.json().items() if name != "deep"} == plain
    notes = client.get(f"{url}/notes")
    first, nested = notes.json()
    assert (first["id"], type(nested)) == (417, list)
    none = client.get(f"{url.replace('80339', '70470')}/notes")
    read = spec(client, sandbox)
    assert read.json()["value"]["request"] == {"request_id": 80339}
    for answer in (record, notes, none, read):
        assert 900 <= _depth(answer.text) <= 902
    headers = {"Authorization": f"Bearer {sandbox.metadata_token}"}
    address = sandbox.metadata_url.replace(f":{sandbox.metadata_token}@", "")
    empty = client.put(f"{address}/outputs/x", json={}, headers=headers)
    assert (empty.status_code, empty.text) == (201, "")


def test_a_500_may_mean_too_many_requests(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """Its message is that of a 429, and Retry-After is there when the rule says so."""
    sandbox = start("patch=500-busy", "patch=500-busy:3")
    first, second = patch(client, sandbox), patch(client, sandbox)
    assert first.json() == second.json() == {"message": "Too Many Requests"}
    assert (first.headers.get("Retry-After"), second.headers["Retry-After"]) == (None, "3")
    assert second.reason == "Internal Server Error"


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
