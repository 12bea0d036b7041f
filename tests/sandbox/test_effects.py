"""Each fault, as a client sees it, and whether the call was processed."""

from __future__ import annotations

import gzip
import socket
import time
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest
import requests
from requests.exceptions import ChunkedEncodingError, ReadTimeout, SSLError

from sandbox import FAULTS, FOURME_HOST, FourMeOptions, document_for
from sandbox.faults import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox

UPLOADING = document_for(
    {
        "connection": {"host": FOURME_HOST},
        "request": {"request_id": 80339, "note_attachments": [{"name": "a", "content": "b"}]},
    }
)
TIMEOUT = 0.25


def _patch(client: requests.Session, sandbox: Sandbox) -> requests.Response:
    url = f"{sandbox.fourme_url}/v1/requests/80339"
    return client.patch(url, json={"note": "once"}, timeout=TIMEOUT, allow_redirects=False)


def _spec(client: requests.Session, sandbox: Sandbox) -> requests.Response:
    url = sandbox.metadata_url.replace(f":{sandbox.metadata_token}@", "")
    headers = {"Authorization": f"Bearer {sandbox.metadata_token}"}
    return client.get(f"{url}/spec", headers=headers, timeout=TIMEOUT, allow_redirects=False)


def _times_applied(sandbox: Sandbox) -> int:
    return [note["text"] for note in sandbox.store.notes(80339)].count("once")


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "nothing happened within 5 s"
        time.sleep(0.005)


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
        _patch(client, sandbox)
    assert _times_applied(sandbox) == applied
    assert sandbox.calls[0].fault == fault
    assert _patch(client, sandbox).status_code == 200
    assert caplog.records == []


def test_a_gateway_s_502_says_nothing_of_the_service_behind(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """502-late answers before the update is applied; it is applied all the same."""
    sandbox = start("patch=502-late:0.05")
    assert _patch(client, sandbox).status_code == 502
    assert _times_applied(sandbox) == 0
    until = time.monotonic() + 5
    while not _times_applied(sandbox) and time.monotonic() < until:
        time.sleep(0.005)
    assert _times_applied(sandbox) == 1


@pytest.mark.parametrize("fault", ANSWERED)
def test_answers_of_faults(
    start: Callable[..., Sandbox], client: requests.Session, fault: str
) -> None:
    """The client gets the status; the update is applied or not, as the fault says."""
    status, applied = ANSWERED[fault]
    sandbox = start(f"patch={fault}")
    answer = _patch(client, sandbox)
    assert (answer.status_code, _times_applied(sandbox)) == (status, applied)
    assert (sandbox.calls[0].fault, sandbox.calls[0].status) == (fault, status)
    assert _patch(client, sandbox).status_code == 200


@pytest.mark.parametrize("call", ["spec", "patch"])
@pytest.mark.parametrize("status", STATUSES)
def test_errors_echo_credentials(
    start: Callable[..., Sandbox], client: requests.Session, call: str, status: str
) -> None:
    """Error pages show the caller's token and hold control characters, on both services."""
    sandbox = start(f"{call}={status}")
    answer = (_spec if call == "spec" else _patch)(client, sandbox)
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
    answer = _patch(client, start("patch=500"))
    assert max(map(len, answer.text.split("\n"))) > 70_000


def test_a_502_is_nginxs_page(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """A 502 does not come from 4me: it is HTML."""
    answer = _patch(client, start("patch=502"))
    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<center>nginx</center>" in answer.text


def test_a_redirect_leads_elsewhere(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """The location is the same path on another host."""
    answer = _patch(client, start("patch=redirect"))
    assert answer.headers["Location"] == "https://elsewhere.example/v1/requests/80339"


@pytest.mark.parametrize(
    ("fault", "expected"), [("429", None), ("429:7", "7"), ("503", None), ("503:2.5", "2.5")]
)
def test_retry_after_is_told(
    start: Callable[..., Sandbox], client: requests.Session, fault: str, expected: str | None
) -> None:
    """Retry-After is there when the rule says so, in seconds."""
    answer = _patch(client, start(f"patch={fault}"))
    assert answer.headers.get("Retry-After") == expected


def test_retry_after_is_told_as_a_date(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """As a date, it is on the server's clock, even when that is off."""
    answer = _patch(client, start("patch=429:date:60", clock_skew=7200))
    dates = [parsedate_to_datetime(answer.headers[name]) for name in ("Retry-After", "Date")]
    assert 59 <= (dates[0] - dates[1]).total_seconds() <= 61


def test_html_and_json_of_the_wrong_kind(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """The three kinds of strange answers are what they say."""
    sandbox = start("patch=html", "patch=invalid-json", "patch=not-a-request")
    page, broken, listed = (_patch(client, sandbox) for _ in range(3))
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
        _patch(client, sandbox)
    _wait_until(lambda: _times_applied(sandbox) == 1)


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
        _wait_until(lambda: len(sandbox.calls) == 1)
        assert _times_applied(sandbox) == 0
    _wait_until(lambda: _times_applied(sandbox) == 1)


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
    assert _times_applied(sandbox) == 1


def test_a_slow_answer_is_whole(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """The answer comes after the given time, not before."""
    sandbox = start("patch=slow:0.1")
    began = time.monotonic()
    assert _patch(client, sandbox).json()["id"] == 80339
    assert time.monotonic() - began >= 0.1


def test_calls_can_be_let_through(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """`none` lets calls pass before the next rule applies."""
    sandbox = start("patch=none*2", "patch=503")
    statuses = [_patch(client, sandbox).status_code for _ in range(4)]
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


@pytest.mark.parametrize("call", ["spec", "patch"])
def test_a_first_call_is_refused_from_the_start(
    start: Callable[..., Sandbox], client: requests.Session, call: str
) -> None:
    """The port is closed; the other service is not affected."""
    sandbox = start(f"{call}=refused")
    refused, other = (_spec, _patch) if call == "spec" else (_patch, _spec)
    with pytest.raises(requests.ConnectionError, match="Connection refused"):
        refused(client, sandbox)
    assert other(client, sandbox).status_code == 200
    assert [item.name for item in sandbox.calls] == ["patch" if call == "spec" else "spec"]


def test_a_port_opens_again(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """After the given time the same port answers."""
    sandbox = start("patch=refused:0.1")
    with pytest.raises(requests.ConnectionError):
        _patch(client, sandbox)
    statuses: list[int] = []

    def answers() -> bool:
        try:
            statuses.append(_patch(client, sandbox).status_code)
        except requests.ConnectionError:
            return False
        return True

    _wait_until(answers)
    assert statuses == [200]


def test_a_later_call_is_refused_after_the_one_before(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """The verification of a lost update finds the port closed, an open connection included."""
    sandbox = start("patch=500-after", "verification=refused")
    assert _patch(client, sandbox).status_code == 500
    with pytest.raises(requests.ConnectionError, match="Connection refused"):
        client.get(f"{sandbox.fourme_url}/v1/requests/80339/notes")


def test_idle_connections_are_closed_with_the_port(start: Callable[..., Sandbox]) -> None:
    """Whoever kept a connection open can't get around a closed port."""
    sandbox = start("patch=500", "patch=refused")
    port = int(sandbox.fourme_url.rpartition(":")[2])
    request = b"PATCH /v1/requests/80339 HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as idle,
        socket.create_connection(("127.0.0.1", port), timeout=5) as active,
    ):
        idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(65_536).startswith(b"HTTP/1.1 404")
        active.sendall(request)
        assert active.recv(65_536).startswith(b"HTTP/1.1 500")
        assert idle.recv(65_536) == b""


@pytest.mark.parametrize("provider", ["s3", "local"])
def test_uploads_are_refused(
    start: Callable[..., Sandbox], client: requests.Session, provider: str
) -> None:
    """Once the storage is known, the port for uploads is closed, whichever it is."""
    options = FourMeOptions(storage="s3" if provider == "s3" else "local")
    sandbox = start("upload=refused", document=UPLOADING, fourme=options)
    storage = client.get(f"{sandbox.fourme_url}/v1/attachments/storage").json()
    with pytest.raises(requests.ConnectionError, match="Connection refused"):
        client.post(storage["upload_uri"], files={"file": b"x"})


@pytest.mark.parametrize("fault", ["503", "reset-after", "stall-after", "late", "truncated"])
def test_uploads_meet_faults(
    start: Callable[..., Sandbox], client: requests.Session, fault: str
) -> None:
    """An upload can fail like any other call; processed or not, as the fault says."""
    sandbox = start(f"upload={fault}", document=UPLOADING)
    storage = client.get(f"{sandbox.fourme_url}/v1/attachments/storage").json()
    form: list[tuple[str, tuple[str | None, str]]] = [("Content-Type", (None, "text/plain"))]
    form += [(name, (None, str(value))) for name, value in storage["s3"].items()]
    files = [*form, ("file", ("a.txt", "x" * 100_000))]
    with requests.Session() as bare:
        bare.trust_env = False
        if fault == "503":
            answer = bare.post(storage["upload_uri"], files=files, timeout=TIMEOUT)
            assert "<Code>SlowDown</Code>" in answer.text
        else:
            with pytest.raises((requests.ConnectionError, ReadTimeout, ChunkedEncodingError)):
                bare.post(storage["upload_uri"], files=files, timeout=TIMEOUT)
    assert len(sandbox.store.uploads) == (0 if fault == "503" else 1)


@pytest.mark.parametrize(("call", "scheme"), [("patch", "https"), ("spec", "http")])
def test_tls_is_not_to_be_trusted(
    start: Callable[..., Sandbox], client: requests.Session, call: str, scheme: str
) -> None:
    """The whole service speaks TLS, and a client that checks certificates refuses it."""
    sandbox = start(f"{call}=tls")
    assert sandbox.fourme_url.startswith(f"{scheme}://")
    with pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        (_spec if call == "spec" else _patch)(client, sandbox)
    assert sandbox.calls == []


def test_a_rule_can_be_given_parsed(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """Rules are taken as text or as objects."""
    assert _patch(client, start(parse("patch=418"))).status_code == 418
