"""Faults of the connection: delays and incomplete responses."""

from __future__ import annotations

import gzip
import socket
import time
from typing import TYPE_CHECKING

import pytest
from requests.exceptions import ChunkedEncodingError, ReadTimeout

from tests.sandbox.faults.fault_calls import patch, times_applied, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from sandbox import Sandbox


def test_late_is_processed_after_the_client_disconnects(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """The update is applied after the client's timeout."""
    sandbox = start("patch=late")
    with pytest.raises(ReadTimeout):
        patch(client, sandbox)
    wait_until(lambda: times_applied(sandbox) == 1)


def test_late_is_not_processed_while_the_client_waits(start: Callable[..., Sandbox]) -> None:
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


def test_a_trickling_response_is_slow_but_complete(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """The bytes are sent one by one: the first is received long before the last."""
    sandbox = start("patch=trickle")
    url = f"{sandbox.fourme_url}/v1/requests/80339"
    with client.patch(url, json={"note": "once"}, stream=True, timeout=5) as response:
        began = time.monotonic()
        received = [response.raw.read(1) for _ in range(2)]
        assert received == [b"{", b'"']
        assert time.monotonic() - began > 0.1
    assert times_applied(sandbox) == 1


def test_a_slow_response_is_complete(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """The response is sent after the given time, not before."""
    sandbox = start("patch=slow:0.1")
    began = time.monotonic()
    assert patch(client, sandbox).json()["id"] == 80339
    assert time.monotonic() - began >= 0.1


def test_none_has_no_effect(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """`none` lets calls pass before the next rule applies."""
    sandbox = start("patch=none*2", "patch=503")
    statuses = [patch(client, sandbox).status_code for _ in range(4)]
    assert statuses == [200, 200, 503, 200]


def test_a_truncated_response_is_cut_in_half(start: Callable[..., Sandbox]) -> None:
    """The connection is closed before the end of the body, compressed or not."""
    for fault, encoding in (("truncated", ""), ("truncated-gzip", "gzip")):
        sandbox = start(f"read={fault}")
        port = int(sandbox.fourme_url.rpartition(":")[2])
        head = (
            "GET /v1/requests/80339 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer demo-token\r\n"
            "X-4me-Account: wdc\r\n\r\n"
        )
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            connection.sendall(head.encode())
            response = b"".join(iter(lambda: connection.recv(65_536), b""))
        head_text, _, body = response.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head_text.decode().split("\r\n")[1:])
        assert len(body) == int(headers["Content-Length"]) // 2
        assert headers.get("Content-Encoding", "") == encoding
        if encoding:
            with pytest.raises(EOFError):
                gzip.decompress(body)


@pytest.mark.parametrize("call", ["spec", "output", "link"])
def test_responses_without_a_body_can_be_truncated(
    start: Callable[..., Sandbox], client: requests.Session, call: str
) -> None:
    """Relay's 201 has no body; truncated, its Content-Length is that of one that is never sent."""
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
