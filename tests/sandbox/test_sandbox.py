"""The sandbox as a whole."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest
import requests
from relay_sdk import Interface

from sandbox import (
    FOURME_HOST,
    DocumentError,
    ExpressionError,
    FaultError,
    FourMeOptions,
    Sandbox,
    document_for,
    parse,
)

if TYPE_CHECKING:
    from collections.abc import Callable

EMPTY = document_for({})


def test_several_run_at_once(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """Each has ports, data and outputs of its own."""
    first, second = start(), start()
    client.patch(f"{first.fourme_url}/v1/requests/80339", json={"note": "only here"})
    Interface(second.metadata_url).outputs.set("only", "there")
    assert first.store.notes(80339)[0]["text"] == "only here"
    assert second.store.notes(80339)[0]["text"] != "only here"
    assert (first.outputs, second.outputs) == ({}, {"only": "there"})


def test_starting_is_fast() -> None:
    """Tests start hundreds: the fastest of a few starts and stops takes less than 50 ms."""
    durations = []
    for _ in range(5):
        began = time.perf_counter()
        with Sandbox(EMPTY, fourme=FourMeOptions()):
            pass
        durations.append(time.perf_counter() - began)
    assert min(durations) < 0.05


def test_ports_are_released() -> None:
    """After the end, the port is free again."""
    with Sandbox(EMPTY) as sandbox:
        port = int(sandbox.metadata_url.rpartition(":")[2])
    with Sandbox(EMPTY, port=port) as sandbox:
        assert sandbox.metadata_url.endswith(f":{port}")


def test_a_port_in_use_is_an_error() -> None:
    """Entering fails, and nothing keeps running."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        sandbox = Sandbox(EMPTY, port=other.getsockname()[1])
        with pytest.raises(OSError, match="in use"), sandbox:
            pass  # pragma: no cover - never entered


def test_only_loopback_is_bound(start: Callable[..., Sandbox]) -> None:
    """Both addresses are 127.0.0.1."""
    sandbox = start()
    assert sandbox.fourme_url.startswith("http://127.0.0.1:")
    assert "@127.0.0.1:" in sandbox.metadata_url


def test_the_environment_is_relays(start: Callable[..., Sandbox]) -> None:
    """A step gets the three variables that Relay sets; the token is in the URL."""
    sandbox = start()
    assert sandbox.environment() == {
        "METADATA_API_URL": sandbox.metadata_url,
        "RELAY": "true",
        "CI": "true",
    }
    assert f"//:{sandbox.metadata_token}@" in sandbox.metadata_url


def test_calls_are_recorded(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """Calls are recorded in order, with request and status."""
    sandbox = start()
    Interface(sandbox.metadata_url).get()
    client.patch(f"{sandbox.fourme_url}/v1/requests/80339?a=b", data=b'{"impact": "low"}')
    client.get(f"{sandbox.fourme_url}/v1/people")
    spec, patch, other = sandbox.calls
    assert (spec.name, spec.service, spec.status, spec.fault) == ("spec", "metadata", 200, None)
    assert (patch.name, patch.service, patch.method) == ("patch", "4me", "PATCH")
    assert (patch.path, patch.query) == ("/v1/requests/80339", "a=b")
    assert patch.headers["authorization"] == "Bearer demo-token"
    assert patch.body == b'{"impact": "low"}'
    assert (other.name, other.status) == ("other", 404)


def test_the_placeholder_is_replaced_by_the_url(start: Callable[..., Sandbox]) -> None:
    """In a literal spec, the placeholder is replaced everywhere."""
    spec = {"connection": {"host": f"{FOURME_HOST}/v1"}, "list": [FOURME_HOST, 1]}
    sandbox = start(document=document_for(spec))
    served = Interface(sandbox.metadata_url).get()
    assert served == {
        "connection": {"host": f"{sandbox.fourme_url}/v1"},
        "list": [sandbox.fourme_url, 1],
    }


def test_without_fourme_connections_are_unchanged() -> None:
    """The same file works with the real 4me; the sandbox has no URL of its own."""
    connections = "connections: {4me/a: {host: h}}"
    text = (
        f"{connections}\nruns: {{1: {{steps: {{default: {{spec: {{c: !Connection [4me, a]}}}}}}}}}}"
    )
    with Sandbox(parse(text)) as sandbox:
        assert Interface(sandbox.metadata_url).get() == {"c": {"host": "h"}}
        with pytest.raises(LookupError):
            _ = sandbox.fourme_url


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"run": "2"}, DocumentError),
        ({"step": "nope"}, DocumentError),
        ({"faults": ["spec=nope"]}, FaultError),
        ({"faults": ["patch=503"]}, FaultError),
    ],
)
def test_wrong_arguments_are_errors(arguments: dict[str, str], error: type[Exception]) -> None:
    """Wrong arguments are errors before anything is started."""
    with pytest.raises(error):
        Sandbox(EMPTY, **arguments)  # type: ignore[arg-type]  # each is right for its own parameter


def test_an_unknown_expression_is_an_error() -> None:
    """A spec that can't be evaluated is an error."""
    text = "runs: {1: {steps: {default: {spec: {a: '${now()}'}}}}}"
    with pytest.raises(ExpressionError, match="now"):
        Sandbox(parse(text))


def test_stalled_calls_do_not_delay_the_end(client: requests.Session) -> None:
    """A stalled call is closed at once when the sandbox stops."""
    with Sandbox(EMPTY, fourme=FourMeOptions(), faults=["read=stall-before*"]) as sandbox:
        with pytest.raises(requests.ReadTimeout):
            client.get(f"{sandbox.fourme_url}/v1/requests/80339", timeout=0.05)
        port = int(sandbox.fourme_url.rpartition(":")[2])
        stalled = socket.create_connection(("127.0.0.1", port), timeout=5)
        stalled.sendall(b"GET /v1/requests/80339 HTTP/1.1\r\nHost: x\r\n\r\n")
        while len(sandbox.calls) < 2:
            time.sleep(0.005)
        began = time.monotonic()
    with stalled:
        assert time.monotonic() - began < 1


def test_a_call_is_in_progress_until_nothing_is_done_for_it(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """Even if it was answered before, or its client has gone."""
    sandbox = start("patch=502-late:0.2", "patch=late")
    url = f"{sandbox.fourme_url}/v1/requests/80339"
    assert client.patch(url, json={"note": "first"}).status_code == 502
    assert [call.name for call in sandbox.calls_in_progress()] == ["patch"]
    with pytest.raises(requests.ReadTimeout):
        client.patch(url, json={"note": "second"}, timeout=0.3)
    while sandbox.calls_in_progress():
        time.sleep(0.01)
    texts = [note["text"] for note in sandbox.store.notes(80339)]
    assert texts[:2] == ["second", "first"]
    assert [call.status for call in sandbox.calls] == [502, None]


def test_a_call_that_was_sent_but_not_received_is_in_progress(
    start: Callable[..., Sandbox],
) -> None:
    """What a process sends before its end is processed: it can be waited for."""
    sandbox = start("patch=stall-before")
    host, _, port = sandbox.fourme_url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as connection:
        head = f"PATCH /v1/requests/80339 HTTP/1.1\r\nHost: {host}\r\nContent-Length: 2\r\n\r\n"
        connection.sendall(head.encode() + b"{}")
        assert [call.body for call in sandbox.calls_in_progress()] == [b"{}"]


def test_faults_can_be_ended(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """Rules that are left are removed, and ports that are closed are opened."""
    sandbox = start("patch=refused", "patch=500*")
    url = f"{sandbox.fourme_url}/v1/requests/80339"
    with pytest.raises(requests.ConnectionError):
        client.patch(url, json={"impact": "low"})
    sandbox.end_faults()
    assert client.patch(url, json={"impact": "low"}).status_code == 200
