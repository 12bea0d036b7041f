"""`transport.http`: a call whose response is lost, missing or endless, over real sockets."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

import transport.http
from process.errors import UnexpectedResponseError
from tests.transport.loopback import (
    REQUEST,
    SHORT_TIMEOUTS,
    Connection,
    call,
    closed_port,
    failure_of,
    head,
    serve,
)
from transport.failures import AttemptFailed, FailureKind
from transport.http import RequestBody

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests


def truncated(connection: Connection) -> None:
    """Send less than announced."""
    connection.read()
    connection.write(head("200 OK", f"Content-Length: {len(REQUEST) + 1}") + REQUEST)


def truncated_chunks(connection: Connection) -> None:
    """End amid the chunks."""
    connection.read()
    connection.write(head("200 OK", "Transfer-Encoding: chunked") + b'5\r\n{"id"\r\n')


def truncated_gzip(connection: Connection) -> None:
    """Send the beginning of a compressed answer as if it were all."""
    connection.answer(gzip.compress(REQUEST)[:-12], "Content-Encoding: gzip")


def no_gzip(connection: Connection) -> None:
    """Send something uncompressed as compressed."""
    connection.answer(REQUEST, "Content-Encoding: gzip")


def reset_after_reading(connection: Connection) -> None:
    """Break off once the request is here."""
    connection.read()
    connection.reset()


def close_after_reading(connection: Connection) -> None:
    """Close without an answer."""
    connection.read()


def reset_amid_the_answer(connection: Connection) -> None:
    """Break off amid the answer."""
    connection.read()
    connection.write(head("200 OK", "Content-Length: 1000") + REQUEST)
    connection.reset()


def no_http(connection: Connection) -> None:
    """Speak another protocol."""
    connection.read()
    connection.write(b"220 smtp.example.com ESMTP\r\n")


def bad_chunk(connection: Connection) -> None:
    """Send a chunk without a size."""
    connection.read()
    connection.write(head("200 OK", "Transfer-Encoding: chunked") + b"hello\r\n")


@pytest.mark.parametrize(
    ("turn", "kind"),
    [
        (truncated, FailureKind.SERVER_ERROR),
        (truncated_chunks, FailureKind.SERVER_ERROR),
        (truncated_gzip, FailureKind.INVALID_RESPONSE),
        (no_gzip, FailureKind.SERVER_ERROR),
        (reset_after_reading, FailureKind.SERVER_ERROR),
        (close_after_reading, FailureKind.SERVER_ERROR),
        (reset_amid_the_answer, FailureKind.SERVER_ERROR),
        (no_http, FailureKind.SERVER_ERROR),
        (bad_chunk, FailureKind.SERVER_ERROR),
    ],
)
def test_lost(
    session: requests.Session, turn: Callable[[Connection], None], kind: FailureKind
) -> None:
    """What is lost after the request was sent may have been applied."""
    assert failure_of(session, turn, RequestBody(b"{}")).kind is kind


def test_lost_before_all_was_sent(session: requests.Session) -> None:
    """What is lost before the whole body has left cannot have been applied."""

    def turn(connection: Connection) -> None:
        connection.read_some()
        connection.reset()

    body = RequestBody(bytes(64 * 1024 * 1024))
    found = failure_of(session, turn, body)

    assert found.kind is FailureKind.NOT_SENT
    assert not body.sent


def test_lost_without_a_body(session: requests.Session) -> None:
    """Without a body there is nothing that could not have left."""
    assert failure_of(session, reset_after_reading).kind is FailureKind.SERVER_ERROR


def test_refused_connection(session: requests.Session) -> None:
    """Where nobody listens, nothing was sent."""
    with closed_port() as url, pytest.raises(AttemptFailed) as caught:
        call(session, url, RequestBody(b"{}"))
    assert caught.value.kind is FailureKind.NOT_SENT
    assert "no connection (Connection refused)" in caught.value.reason


def test_answer_before_all_was_sent(session: requests.Session) -> None:
    """A server may refuse a body by its size before it has read it."""

    def turn(connection: Connection) -> None:
        connection.read_some()
        connection.write(head("413 Too Large", "Content-Length: 2", "Connection: close") + b"{}")
        connection.read()

    with serve(turn) as server:
        assert call(session, server.url, RequestBody(bytes(1024 * 1024))).status_code == 413


def test_no_response(session: requests.Session) -> None:
    """A server that takes the request and sends nothing may still be processing it."""

    def turn(connection: Connection) -> None:
        connection.read()
        connection.send_nothing()

    found = failure_of(session, turn, RequestBody(b"{}"), context=SHORT_TIMEOUTS)

    assert found.kind is FailureKind.TIMEOUT


def test_response_that_stops(session: requests.Session) -> None:
    """A response that stops in the middle is a timeout, too."""

    def turn(connection: Connection) -> None:
        connection.read()
        connection.write(head("200 OK", "Content-Length: 1000") + REQUEST)
        connection.send_nothing()

    assert failure_of(session, turn, context=SHORT_TIMEOUTS).kind is FailureKind.TIMEOUT


@pytest.mark.parametrize(
    "start", [b"", head("200 OK", "Content-Length: 1000")], ids=["head", "body"]
)
def test_trickle(session: requests.Session, start: bytes) -> None:
    """An answer that comes in byte by byte, never with a long pause, ends at the limit as well."""

    def turn(connection: Connection) -> None:
        connection.read()
        connection.write(start)
        connection.trickle(head("200 OK", "X-Padding: " + "x" * 1000), 0.01)

    found = failure_of(session, turn, RequestBody(b"{}"), context=SHORT_TIMEOUTS)

    assert found.kind is FailureKind.TIMEOUT


@pytest.mark.parametrize("packed", [False, True])
def test_endless(
    session: requests.Session,
    monkeypatch: pytest.MonkeyPatch,
    packed: bool,  # noqa: FBT001  a table's column
) -> None:
    """An answer beyond all measure is given up, also one that is small until it is unpacked."""
    monkeypatch.setattr(transport.http, "MAX_RESPONSE_BYTES", 100_000)
    body = b" " * 1_000_000
    headers = ("Content-Encoding: gzip",) if packed else ()

    def turn(connection: Connection) -> None:
        connection.answer(gzip.compress(body) if packed else body, *headers)

    with serve(turn) as server, pytest.raises(UnexpectedResponseError) as caught:
        call(session, server.url)
    assert caught.value.applied == "maybe"


def test_largest(session: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer of just the largest size is read."""
    monkeypatch.setattr(transport.http, "MAX_RESPONSE_BYTES", 100_000)
    body = b" " * 100_000

    with serve(lambda connection: connection.answer(body)) as server:
        assert call(session, server.url).content == body
