"""`transport.session`: interim responses are skipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from process.settings import Settings
from tests.fake_clock import FakeClock
from tests.transport.loopback import REQUEST, Connection, call, head, serve
from transport.context import RunContext
from transport.failures import AttemptFailed, FailureKind
from transport.http import RequestBody
from transport.json_body import json_body
from transport.session import plain_session

if TYPE_CHECKING:
    import requests

EARLY = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.fixture
def own_session() -> requests.Session:
    """Return a session as the step makes it."""
    return plain_session(RunContext(Settings(), FakeClock()), "http://127.0.0.1")


@pytest.mark.parametrize(
    "interim", [EARLY, PROCESSING, CONTINUE, PROCESSING * 3 + CONTINUE + EARLY]
)
def test_an_interim_answer_is_skipped(interim: bytes, own_session: requests.Session) -> None:
    """The final answer is taken for this call, and nothing is left for the next one."""

    def turn(connection: Connection) -> None:
        for number in (5, 6):
            connection.received = b""
            connection.read()
            body = b'{"id": %d}' % number
            answer = head("200 OK", f"Content-Length: {len(body)}") + body
            connection.write(interim + answer)

    with serve(turn) as server:
        answers = [json_body(call(own_session, server.url, RequestBody(b"{}"))) for _ in range(2)]
        assert len(server.connections) == 1
    assert answers == [{"id": 5}, {"id": 6}]


def test_a_change_of_protocol_is_no_answer(own_session: requests.Session) -> None:
    """Nobody has asked for one; whether the call was processed is unknown."""

    def turn(connection: Connection) -> None:
        connection.read()
        connection.write(head("101 Switching Protocols", "Upgrade: h2c", "Connection: Upgrade"))

    with serve(turn) as server, pytest.raises(AttemptFailed) as caught:
        call(own_session, server.url, RequestBody(b"{}"))
    assert caught.value.kind is FailureKind.SERVER_ERROR


def test_through_a_proxy(own_session: requests.Session) -> None:
    """A proxy's interim answers are skipped, too."""

    def turn(connection: Connection) -> None:
        connection.read()
        connection.write(EARLY)
        connection.write(head("200 OK", f"Content-Length: {len(REQUEST)}") + REQUEST)

    with serve(turn) as server:
        own_session.proxies = {"http": server.url}
        response = call(own_session, "http://api.example", RequestBody(b"{}"))
        assert server.connections[0].received.startswith(b"PATCH http://api.example/")
    assert response.content == REQUEST


def test_two_lengths_are_an_answer_that_breaks_the_rules(own_session: requests.Session) -> None:
    """The body had left by then: it is a doubt, not a matter of configuration."""

    def turn(connection: Connection) -> None:
        connection.read()
        connection.write(head("200 OK", "Content-Length: 5", "Content-Length: 6") + b"{} {} ")

    with serve(turn) as server, pytest.raises(AttemptFailed) as caught:
        call(own_session, server.url, RequestBody(b"{}"))
    assert caught.value.kind is FailureKind.SERVER_ERROR
