"""`fourme.client`: what each call carries."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fourme.client import ApiClient, ErrorContext
from fourme.hosts import Connection as FourMeConnection
from fourme.hosts import parse_host
from process.errors import RedirectError
from process.settings import Settings
from tests.fake_clock import FakeClock
from tests.transport.loopback import serve
from transport.context import RunContext
from transport.http import Idempotency, RequestBody

if TYPE_CHECKING:
    from tests.transport.loopback import Connection, Server


CALL = ErrorContext("read")


def api_of(server: Server) -> ApiClient:
    """Return the API of a server on loopback."""
    connection = FourMeConnection(parse_host(server.url), "a-token", "wdc")
    return ApiClient(connection, RunContext(Settings(), FakeClock()))


def test_an_update_carries_credentials_and_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call has token and account; a body has its type; no proxy is asked for loopback."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with serve(lambda connection: connection.answer(b"{}")) as server:
        api = api_of(server)
        answer = api.send_once("PATCH", "/requests/5", CALL, body=RequestBody(b'{"a": 1}'))
        assert answer.response.status_code == 200
        received = server.connections[0].received
    assert received.startswith(b"PATCH /v1/requests/5 HTTP/1.1\r\n")
    for line in (
        b"Authorization: Bearer a-token",
        b"X-4me-Account: wdc",
        b"X-4me-Language: en-US",
        b"Cache-Control: no-cache",
    ):
        assert line + b"\r\n" in received
    assert b"Content-Type: application/json\r\n" in received
    assert received.endswith(b'\r\n\r\n{"a": 1}')
    assert api.call("", Idempotency.SAFE).service == f"4me ({server.url.removeprefix('http://')})"


def test_a_question_has_a_query_and_no_body() -> None:
    """What is read comes back as JSON, with the answer."""
    with serve(lambda connection: connection.answer(b'[{"id": 1}]')) as server:
        api = api_of(server)
        found = api.get("/requests", CALL, api.budget(), {"page": "2"})
        received = server.connections[0].received
    assert (found.value, found.response.status_code, found.requested_at) == ([{"id": 1}], 200, 0.0)
    assert b"X-4me-Language: en-US\r\n" in received
    assert received.startswith(b"GET /v1/requests?page=2 HTTP/1.1\r\n")
    assert b"Content-Type" not in received


def test_a_query_that_a_server_gave_is_sent_as_it_is() -> None:
    """The next page of a list is asked for to the letter."""
    with serve(lambda connection: connection.answer(b"[]")) as server:
        api = api_of(server)
        api.get("/requests", CALL, api.budget(), "search_after=YQ%3D%3D%2C1&per_page=100")
        received = server.connections[0].received
    assert received.startswith(b"GET /v1/requests?search_after=YQ%3D%3D%2C1&per_page=100 HTTP")


def test_a_new_connection_is_made_where_it_is_asked_for() -> None:
    """Otherwise the one that there is serves all calls."""

    def twice(connection: Connection) -> None:
        for _ in range(2):
            connection.received = b""
            connection.answer(b"{}")

    with serve(twice, lambda connection: connection.answer(b"{}")) as server:
        api = api_of(server)
        for _ in range(2):
            api.send_once("GET", "/requests/5", CALL)
        assert len(server.connections) == 1
        api.close_connections()
        api.send_once("GET", "/requests/5", CALL)
        assert len(server.connections) == 2


@pytest.mark.parametrize("location", ["http://[oops", "https://elsewhere.example/x", "\\"])
def test_a_redirect_is_not_even_looked_at(location: str) -> None:
    """Wherever it leads, even to no URL at all, it is an error that says so."""
    with serve(
        lambda connection: connection.answer(b"", f"Location: {location}", status="302 Found")
    ) as server:
        api = api_of(server)
        with pytest.raises(RedirectError):
            api.send_once("GET", "/requests/5", CALL)
