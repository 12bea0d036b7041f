"""Faults whose response is not what the caller expects."""

from __future__ import annotations

import json
import socket
from itertools import accumulate
from typing import TYPE_CHECKING

import pytest
import requests

from tests.sandbox.faults.fault_calls import patch, spec, times_applied

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox


def test_an_interim_response_is_sent_before_the_final_one(start: Callable[..., Sandbox]) -> None:
    """103 and a link are sent first, then the whole response, on the same connection."""
    sandbox = start("patch=103")
    response = _raw_patch(sandbox)
    interim, _, final = response.partition(b"\r\n\r\n")
    lines = interim.decode().split("\r\n")
    assert lines[0] == "HTTP/1.1 103 Early Hints"
    assert lines[1].startswith("Link: <")
    assert final.startswith(b"HTTP/1.1 200 OK\r\n")
    assert json.loads(final.partition(b"\r\n\r\n")[2])["id"] == 80339
    assert (times_applied(sandbox), sandbox.calls[0].status) == (1, 200)


def test_two_lengths_differ(start: Callable[..., Sandbox]) -> None:
    """Both are sent, one of them is right, and the body is complete."""
    sandbox = start("patch=two-lengths")
    head, _, body = _raw_patch(sandbox).partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    lengths = [line.partition(": ")[2] for line in lines if line.startswith("Content-Length")]
    assert lines[0] == "HTTP/1.1 200 OK"
    assert lengths == [str(len(body)), str(len(body) + 1)]
    assert json.loads(body)["id"] == 80339
    assert (times_applied(sandbox), sandbox.calls[0].status) == (1, 200)


def _raw_patch(sandbox: Sandbox) -> bytes:
    """Send an update by a raw socket; return all that is received."""
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


def test_a_deep_response_is_valid(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """Objects and lists have a value nested 900 levels deep; the rest is unchanged."""
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
    for response in (record, notes, none, read):
        assert 900 <= _depth(response.text) <= 902
    headers = {"Authorization": f"Bearer {sandbox.metadata_token}"}
    address = sandbox.metadata_url.replace(f":{sandbox.metadata_token}@", "")
    empty = client.put(f"{address}/outputs/x", json={}, headers=headers)
    assert (empty.status_code, empty.text) == (201, "")


def test_html_and_json_of_the_wrong_kind(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """Each of the three invalid responses is what its name says."""
    sandbox = start("patch=html", "patch=invalid-json", "patch=not-a-request")
    page, broken, listed = (patch(client, sandbox) for _ in range(3))
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert broken.headers["Content-Type"] == "application/json; charset=utf-8"
    with pytest.raises(requests.JSONDecodeError):
        broken.json()
    assert isinstance(listed.json(), list)
