"""Faults of a whole service, and of uploads: closed ports, untrusted TLS."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import requests
from requests.exceptions import ChunkedEncodingError, ReadTimeout, SSLError

from sandbox import FourMeOptions, document_for
from sandbox.faults import parse
from tests.sandbox.faults.fault_calls import TIMEOUT, UPLOADING, patch, spec, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox


@pytest.mark.parametrize("call", ["spec", "patch"])
def test_a_first_call_is_refused_from_the_start(
    start: Callable[..., Sandbox], client: requests.Session, call: str
) -> None:
    """The port is closed; the other service is not affected."""
    sandbox = start(f"{call}=refused")
    refused, other = (spec, patch) if call == "spec" else (patch, spec)
    with pytest.raises(requests.ConnectionError, match="Connection refused"):
        refused(client, sandbox)
    assert other(client, sandbox).status_code == 200
    assert [item.name for item in sandbox.calls] == ["patch" if call == "spec" else "spec"]


def test_a_port_opens_again(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """After the given time the same port is open again."""
    sandbox = start("patch=refused:0.1")
    with pytest.raises(requests.ConnectionError):
        patch(client, sandbox)
    statuses: list[int] = []

    def is_open() -> bool:
        try:
            statuses.append(patch(client, sandbox).status_code)
        except requests.ConnectionError:
            return False
        return True

    wait_until(is_open)
    assert statuses == [200]


def test_a_later_call_is_refused_after_the_previous_one(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """The verification of a lost update finds the port closed, an open connection included."""
    sandbox = start("patch=500-after", "verification=refused")
    assert patch(client, sandbox).status_code == 500
    with pytest.raises(requests.ConnectionError, match="Connection refused"):
        client.get(f"{sandbox.fourme_url}/v1/requests/80339/notes")


@pytest.mark.parametrize("provider", ["s3", "local"])
def test_what_is_read_first_is_refused_from_the_start(
    start: Callable[..., Sandbox], client: requests.Session, provider: str
) -> None:
    """A step with `find` searches first; then the port opens again, for the reads that follow."""
    options = FourMeOptions(storage="s3" if provider == "s3" else "local")
    spec = {"request": {"ci_id": 1763}, "find": {"source": "s", "sourceID": "i"}, "mode": "ensure"}
    rules = ("search=refused:0.1", "linked=503", "patch=refused")
    sandbox = start(*rules, document=document_for(spec), fourme=options)
    url = f"{sandbox.fourme_url}/v1/requests"
    with pytest.raises(requests.ConnectionError, match="Connection refused"):
        client.get(url)
    wait_until(lambda: _is_open(client, url))
    paths = ("/80339", "/80339/cis", "/80339/knowledge_articles")
    assert [client.get(url + path).status_code for path in paths] == [200, 503, 200]
    with pytest.raises(requests.ConnectionError, match="Connection refused"):
        patch(client, sandbox)
    names = [call.name for call in sandbox.calls]
    assert names == ["search", "read", "linked", "linked"]


def _is_open(client: requests.Session, url: str) -> bool:
    try:
        return client.get(url).status_code == 200
    except requests.ConnectionError:
        return False


def test_idle_connections_are_closed_with_the_port(start: Callable[..., Sandbox]) -> None:
    """A client with an open connection can't use a closed port either."""
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
    """After the call for the storage, the port for uploads is closed, for either provider."""
    options = FourMeOptions(storage="s3" if provider == "s3" else "local")
    sandbox = start("upload=refused", document=UPLOADING, fourme=options)
    storage = client.get(f"{sandbox.fourme_url}/v1/attachments/storage").json()
    with pytest.raises(requests.ConnectionError, match="Connection refused"):
        client.post(storage["upload_uri"], files={"file": b"x"})


@pytest.mark.parametrize("fault", ["503", "reset-after", "stall-after", "late", "truncated"])
def test_faults_apply_to_uploads(
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
            response = bare.post(storage["upload_uri"], files=files, timeout=TIMEOUT)
            assert "<Code>SlowDown</Code>" in response.text
        else:
            with pytest.raises((requests.ConnectionError, ReadTimeout, ChunkedEncodingError)):
                bare.post(storage["upload_uri"], files=files, timeout=TIMEOUT)
    assert len(sandbox.store.uploads) == (0 if fault == "503" else 1)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [("s3-timeout", 400, "RequestTimeout"), ("s3-slow-down", 503, "SlowDown")],
)
@pytest.mark.parametrize("size", [1, 10_000_000])
def test_s3_has_transient_errors(
    start: Callable[..., Sandbox],
    client: requests.Session,
    fault: str,
    status: int,
    code: str,
    size: int,
) -> None:
    """S3's transient errors are XML with S3's code; nothing is stored, and the next upload is."""
    sandbox = start(f"upload={fault}", document=UPLOADING)
    storage = client.get(f"{sandbox.fourme_url}/v1/attachments/storage").json()
    form = [("Content-Type", (None, "text/plain"))]
    form += [(name, (None, str(value))) for name, value in storage["s3"].items()]
    files = [*form, ("file", ("a.txt", "x" * size))]
    with requests.Session() as bare:
        bare.trust_env = False
        refused = bare.post(storage["upload_uri"], files=files)
        assert sandbox.store.uploads == ()
        taken = bare.post(storage["upload_uri"], files=files)
    assert (refused.status_code, refused.headers["Content-Type"][:15]) == (
        status,
        "application/xml",
    )
    assert ET.fromstring(refused.content).findtext("Code") == code  # noqa: S314 - the sandbox's own XML
    assert (taken.status_code, len(sandbox.store.uploads)) == (201, 1)


@pytest.mark.parametrize(("call", "scheme"), [("patch", "https"), ("spec", "http")])
def test_the_tls_certificate_is_untrusted(
    start: Callable[..., Sandbox], client: requests.Session, call: str, scheme: str
) -> None:
    """The whole service uses TLS, and a client that verifies certificates rejects it."""
    sandbox = start(f"{call}=tls")
    assert sandbox.fourme_url.startswith(f"{scheme}://")
    with pytest.raises(SSLError, match="CERTIFICATE_VERIFY_FAILED"):
        (spec if call == "spec" else patch)(client, sandbox)
    assert sandbox.calls == []


def test_a_rule_may_be_an_object(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """Rules may be text or objects."""
    assert patch(client, start(parse("patch=418"))).status_code == 418
