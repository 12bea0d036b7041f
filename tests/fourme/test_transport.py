"""`fourme.transport`: one exchange, over real sockets."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
import requests

import fourme.transport
from fourme.clock import SystemClock
from fourme.errors import ConfigError, RedirectError, UnexpectedAnswerError
from fourme.mishaps import Mishap
from fourme.retry import Happening
from fourme.settings import Settings
from fourme.transport import Parcel, Transport, exchange, json_of
from tests.fake_clock import FakeClock
from tests.fourme.loopback import Connection, closed_port, head, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REQUEST = b'{"id": 5, "subject": "Printer"}'
TRANSPORT = Transport(Settings(connect_timeout=2, read_timeout=2), FakeClock())
HURRIED = Transport(Settings(connect_timeout=0.1, read_timeout=0.1), SystemClock())


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """Return a session that knows nothing of the environment."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


def call(
    session: requests.Session,
    url: str,
    parcel: Parcel | None = None,
    *,
    transport: Transport = TRANSPORT,
    busy: frozenset[int] = frozenset(),
) -> requests.Response:
    """Make one exchange."""

    def send() -> requests.Response:
        return session.request(
            "PATCH",
            url + "/v1/requests/5?a=geheim",
            data=parcel,
            timeout=transport.timeout,
            allow_redirects=False,
            stream=True,
        )

    return exchange(send, transport, parcel=parcel, busy_statuses=busy)


def mishap_of(
    session: requests.Session,
    turn: Callable[[Connection], None],
    parcel: Parcel | None = None,
    *,
    transport: Transport = TRANSPORT,
) -> Mishap:
    """Return the mishap that a server's behaviour is."""
    with serve(turn) as server, pytest.raises(Mishap) as caught:
        json_of(call(session, server.url, parcel, transport=transport))
    return caught.value


def test_complete(session: requests.Session) -> None:
    """A whole answer is returned, and the whole body has arrived as it was, with its length."""
    parcel = Parcel(b'{"a": 1}')

    with serve(lambda connection: connection.answer(REQUEST)) as server:
        response = call(session, server.url, parcel)

    assert json_of(response) == json.loads(REQUEST)
    assert parcel.sent
    received = server.connections[0].received
    assert received.endswith(b'\r\n\r\n{"a": 1}')
    assert b"Content-Length: 8\r\n" in received
    assert b"Transfer-Encoding" not in received


def test_large_body(session: requests.Session) -> None:
    """A body of many blocks arrives as it was."""
    content = bytes(range(256)) * 4096

    with serve(lambda connection: connection.answer(REQUEST)) as server:
        call(session, server.url, Parcel(content))

    assert server.connections[0].received.endswith(b"\r\n\r\n" + content)


@pytest.mark.parametrize("size", [1, 20, 100_000])
def test_gzip(session: requests.Session, size: int) -> None:
    """A compressed answer is unpacked."""
    value = {"id": 5, "text": "ab" * size}
    packed = gzip.compress(json.dumps(value).encode())

    with serve(lambda connection: connection.answer(packed, "Content-Encoding: gzip")) as server:
        assert json_of(call(session, server.url)) == value


def test_gzip_in_pieces(session: requests.Session) -> None:
    """A compressed answer that comes byte by byte is whole in the end."""
    packed = gzip.compress(REQUEST)

    def turn(connection: Connection) -> None:
        connection.read()
        length = f"Content-Length: {len(packed)}"
        connection.write(head("200 OK", length, "Content-Encoding: gzip"))
        connection.trickle(packed, 0.001)

    with serve(turn) as server:
        assert json_of(call(session, server.url)) == json.loads(REQUEST)


def test_chunked(session: requests.Session) -> None:
    """An answer in chunks is put together."""

    def turn(connection: Connection) -> None:
        connection.read()
        chunks = b"9\r\n" + REQUEST[:9] + b"\r\n16\r\n" + REQUEST[9:] + b"\r\n0\r\n\r\n"
        connection.write(head("200 OK", "Transfer-Encoding: chunked") + chunks)

    with serve(turn) as server:
        assert json_of(call(session, server.url)) == json.loads(REQUEST)


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
    ("turn", "happening"),
    [
        (truncated, Happening.FAILED),
        (truncated_chunks, Happening.FAILED),
        (truncated_gzip, Happening.GARBLED),
        (no_gzip, Happening.FAILED),
        (reset_after_reading, Happening.FAILED),
        (close_after_reading, Happening.FAILED),
        (reset_amid_the_answer, Happening.FAILED),
        (no_http, Happening.FAILED),
        (bad_chunk, Happening.FAILED),
    ],
)
def test_lost(
    session: requests.Session, turn: Callable[[Connection], None], happening: Happening
) -> None:
    """What is lost after the request was sent may have been applied."""
    assert mishap_of(session, turn, Parcel(b"{}")).happening is happening


def test_lost_before_all_was_sent(session: requests.Session) -> None:
    """What is lost before the whole body has left cannot have been applied."""

    def turn(connection: Connection) -> None:
        connection.read_some()
        connection.reset()

    parcel = Parcel(bytes(64 * 1024 * 1024))
    found = mishap_of(session, turn, parcel)

    assert found.happening is Happening.NOT_SENT
    assert not parcel.sent


def test_lost_without_a_parcel(session: requests.Session) -> None:
    """Without a body there is nothing that could not have left."""
    assert mishap_of(session, reset_after_reading).happening is Happening.FAILED


def test_refused_connection(session: requests.Session) -> None:
    """Where nobody listens, nothing was sent."""
    with closed_port() as url, pytest.raises(Mishap) as caught:
        call(session, url, Parcel(b"{}"))
    assert caught.value.happening is Happening.NOT_SENT
    assert "no connection (Connection refused)" in caught.value.what


def test_answer_before_all_was_sent(session: requests.Session) -> None:
    """A server may refuse a body by its size before it has read it."""

    def turn(connection: Connection) -> None:
        connection.read_some()
        connection.write(head("413 Too Large", "Content-Length: 2", "Connection: close") + b"{}")
        connection.read()

    with serve(turn) as server:
        assert call(session, server.url, Parcel(bytes(1024 * 1024))).status_code == 413


def test_silent(session: requests.Session) -> None:
    """A server that takes the request and says nothing may be at work still."""

    def turn(connection: Connection) -> None:
        connection.read()
        connection.stay_silent()

    found = mishap_of(session, turn, Parcel(b"{}"), transport=HURRIED)

    assert found.happening is Happening.SILENT


def test_silent_amid_the_answer(session: requests.Session) -> None:
    """A server that stops in the middle of its answer is silent, too."""

    def turn(connection: Connection) -> None:
        connection.read()
        connection.write(head("200 OK", "Content-Length: 1000") + REQUEST)
        connection.stay_silent()

    assert mishap_of(session, turn, transport=HURRIED).happening is Happening.SILENT


@pytest.mark.parametrize(
    "start", [b"", head("200 OK", "Content-Length: 1000")], ids=["head", "body"]
)
def test_trickle(session: requests.Session, start: bytes) -> None:
    """An answer that comes in byte by byte, never silent for long, ends at the limit as well."""

    def turn(connection: Connection) -> None:
        connection.read()
        connection.write(start)
        connection.trickle(head("200 OK", "X-Padding: " + "x" * 1000), 0.01)

    found = mishap_of(session, turn, Parcel(b"{}"), transport=HURRIED)

    assert found.happening is Happening.SILENT


@pytest.mark.parametrize("packed", [False, True])
def test_endless(
    session: requests.Session,
    monkeypatch: pytest.MonkeyPatch,
    packed: bool,  # noqa: FBT001  a table's column
) -> None:
    """An answer beyond all measure is given up, also one that is small until it is unpacked."""
    monkeypatch.setattr(fourme.transport, "MAX_ANSWER_BYTES", 100_000)
    body = b" " * 1_000_000
    headers = ("Content-Encoding: gzip",) if packed else ()

    def turn(connection: Connection) -> None:
        connection.answer(gzip.compress(body) if packed else body, *headers)

    with serve(turn) as server, pytest.raises(UnexpectedAnswerError) as caught:
        call(session, server.url)
    assert caught.value.applied == "maybe"


def test_largest(session: requests.Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """An answer of just the largest size is read."""
    monkeypatch.setattr(fourme.transport, "MAX_ANSWER_BYTES", 100_000)
    body = b" " * 100_000

    with serve(lambda connection: connection.answer(body)) as server:
        assert call(session, server.url).content == body


@pytest.mark.parametrize(
    ("status", "header", "expected"),
    [
        ("429 Too Many Requests", "Retry-After: 7", (Happening.THROTTLED, 7.0)),
        ("429 Too Many Requests", "X-Other: 1", (Happening.THROTTLED, None)),
        ("503 Busy", "Retry-After: 7", (Happening.THROTTLED, 7.0)),
        ("503 Busy", "X-Other: 1", (Happening.FAILED, None)),
        ("502 Bad Gateway", "Content-Type: text/html", (Happening.FAILED, None)),
        ("504 Gateway Timeout", "X-Other: 1", (Happening.SILENT, None)),
    ],
)
def test_statuses(
    session: requests.Session, status: str, header: str, expected: tuple[Happening, float | None]
) -> None:
    """Statuses that are no answers to work with are mishaps of their kind."""
    found = mishap_of(session, lambda connection: connection.answer(b"{}", header, status=status))

    assert (found.happening, found.retry_after) == expected
    assert found.status == int(status[:3])


def test_busy_status(session: requests.Session) -> None:
    """A caller may name further statuses that mean "try again"."""
    with (
        serve(lambda connection: connection.answer(b"", status="409 Conflict")) as server,
        pytest.raises(Mishap),
    ):
        call(session, server.url, busy=frozenset({409}))


def test_refusal(session: requests.Session) -> None:
    """A refusal is an answer to work with."""
    body = b'{"message": "Validation Failed"}'

    with serve(
        lambda connection: connection.answer(body, status="422 Unprocessable Entity")
    ) as server:
        assert json_of(call(session, server.url)) == {"message": "Validation Failed"}


def test_redirect(session: requests.Session) -> None:
    """A redirect is not followed."""
    with (
        serve(lambda connection: connection.answer(REQUEST)) as elsewhere,
        serve(
            lambda connection: connection.answer(
                b"", f"Location: {elsewhere.url}/x", status="307 Temporary Redirect"
            )
        ) as server,
        pytest.raises(RedirectError) as caught,
    ):
        call(session, server.url, Parcel(b"{}"))
    assert elsewhere.connections == []
    assert elsewhere.url in caught.value.what


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:80", "http://", "http://[oops"])
def test_no_url(session: requests.Session, url: str) -> None:
    """What cannot be called at all is a matter of configuration."""
    with pytest.raises(ConfigError):
        call(session, url, Parcel(b"{}"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"<html>",
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'"\xff"',
        b"[" * 200_000,
    ],
    ids=lambda body: repr(body[:12]),
)
def test_no_json(session: requests.Session, body: bytes) -> None:
    """A whole answer that should be JSON but is not is garbled."""
    found = mishap_of(session, lambda connection: connection.answer(body, "X-Request-Id: abc-1"))

    assert (found.happening, found.status, found.trace) == (Happening.GARBLED, 200, "abc-1")


@pytest.mark.parametrize(
    "header", ["Content-Type: text/html", "Content-Type: ", "Content-Type: application/jsonp"]
)
def test_no_json_at_all(session: requests.Session, header: str) -> None:
    """An answer that does not claim to be JSON is from another service, for all one can tell."""
    with (
        serve(lambda connection: connection.answer(REQUEST, header, "X-Request-Id: a")) as server,
        pytest.raises(UnexpectedAnswerError) as caught,
    ):
        json_of(call(session, server.url))
    assert (caught.value.status, caught.value.trace) == (200, "a")
    assert "127.0.0.1" in caught.value.what


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "Application/JSON", "application/json ;a=b"]
)
def test_content_type(session: requests.Session, kind: str) -> None:
    """JSON's content type may have parameters, in any case."""
    with serve(lambda connection: connection.answer(REQUEST, f"Content-Type: {kind}")) as server:
        assert json_of(call(session, server.url)) == json.loads(REQUEST)


def test_debug_line(session: requests.Session, caplog: pytest.LogCaptureFixture) -> None:
    """The debug line of an exchange has method, path and status, and no query."""
    with (
        caplog.at_level("DEBUG", "step.http"),
        serve(lambda connection: connection.answer(REQUEST)) as server,
    ):
        call(session, server.url)
    lines = [record.getMessage() for record in caplog.records if record.name == "step.http"]
    assert lines == ["PATCH /v1/requests/5: 200"]


def test_parcel() -> None:
    """A parcel has been sent when its last byte has been read."""
    parcel = Parcel(b"abcde")

    assert len(parcel) == 5
    assert not parcel.sent
    assert (parcel.read(2), parcel.sent) == (b"ab", False)
    assert (parcel.read(3), parcel.sent) == (b"cde", True)
    assert parcel.read(1) == b""


def test_parcel_as_a_stream() -> None:
    """A parcel can be read in one go."""
    parcel = Parcel(b"abc")

    assert list(parcel) == [b"abc"]
    assert parcel.sent


def test_timeout() -> None:
    """The limits are those of the settings."""
    transport = Transport(Settings(connect_timeout=1, read_timeout=2), FakeClock())

    assert transport.timeout == (1, 2)
    assert transport.longest == 5


def test_certificates(tmp_path: Path) -> None:
    """Certificates are checked, against a bundle of one's own where the settings name one."""
    bundle = tmp_path / "ca.pem"
    bundle.touch()

    assert Transport(Settings(), FakeClock()).verify is True
    assert Transport(Settings(ca_bundle=str(bundle)), FakeClock()).verify == str(bundle)
    with pytest.raises(ConfigError) as caught:
        _ = Transport(Settings(ca_bundle=str(tmp_path / "none.pem")), FakeClock()).verify
    assert "none.pem" in caught.value.what
