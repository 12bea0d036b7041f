"""`transport.http`: one call that is answered, over real sockets."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, NoReturn

import pytest

from process.errors import ConfigError, RedirectError, TerminatedError, UnexpectedResponseError
from process.settings import Settings
from tests.fake_clock import FakeClock
from tests.transport.loopback import REQUEST, Connection, call, failure_of, head, serve
from transport.context import RunContext
from transport.failures import AttemptFailed, FailureKind
from transport.http import RequestBody
from transport.json_body import ExcessiveDepthError, json_body

if TYPE_CHECKING:
    from pathlib import Path

    import requests

NUMBERS = b'{"a": 1.5, "b": -0.25, "c": 12345678901234567890, "d": 1e3}'


def test_complete(session: requests.Session) -> None:
    """A whole answer is returned, and the whole body was sent as it was, with its length."""
    body = RequestBody(b'{"a": 1}')

    with serve(lambda connection: connection.answer(REQUEST)) as server:
        response = call(session, server.url, body)

    assert json_body(response) == json.loads(REQUEST)
    assert body.sent
    received = server.connections[0].received
    assert received.endswith(b'\r\n\r\n{"a": 1}')
    assert b"Content-Length: 8\r\n" in received
    assert b"Transfer-Encoding" not in received


def test_numbers(session: requests.Session) -> None:
    """Numbers keep their types, and integers all their digits."""
    with serve(lambda connection: connection.answer(NUMBERS)) as server:
        value = json_body(call(session, server.url))

    assert repr(value) == "{'a': 1.5, 'b': -0.25, 'c': 12345678901234567890, 'd': 1000.0}"


def test_large_body(session: requests.Session) -> None:
    """A body of many blocks arrives as it was."""
    content = bytes(range(256)) * 4096

    with serve(lambda connection: connection.answer(REQUEST)) as server:
        call(session, server.url, RequestBody(content))

    assert server.connections[0].received.endswith(b"\r\n\r\n" + content)


@pytest.mark.parametrize("size", [1, 20, 100_000])
def test_gzip(session: requests.Session, size: int) -> None:
    """A compressed answer is unpacked."""
    value = {"id": 5, "text": "ab" * size}
    packed = gzip.compress(json.dumps(value).encode())

    with serve(lambda connection: connection.answer(packed, "Content-Encoding: gzip")) as server:
        assert json_body(call(session, server.url)) == value


def test_gzip_in_pieces(session: requests.Session) -> None:
    """A compressed answer that comes byte by byte is whole in the end."""
    packed = gzip.compress(REQUEST)

    def turn(connection: Connection) -> None:
        connection.read()
        length = f"Content-Length: {len(packed)}"
        connection.write(head("200 OK", length, "Content-Encoding: gzip"))
        connection.trickle(packed, 0.001)

    with serve(turn) as server:
        assert json_body(call(session, server.url)) == json.loads(REQUEST)


def test_chunked(session: requests.Session) -> None:
    """An answer in chunks is put together."""

    def turn(connection: Connection) -> None:
        connection.read()
        chunks = b"9\r\n" + REQUEST[:9] + b"\r\n16\r\n" + REQUEST[9:] + b"\r\n0\r\n\r\n"
        connection.write(head("200 OK", "Transfer-Encoding: chunked") + chunks)

    with serve(turn) as server:
        assert json_body(call(session, server.url)) == json.loads(REQUEST)


@pytest.mark.parametrize(
    ("status", "header", "expected"),
    [
        ("429 Too Many Requests", "Retry-After: 7", (FailureKind.RATE_LIMITED, 7.0)),
        ("429 Too Many Requests", "X-Other: 1", (FailureKind.RATE_LIMITED, None)),
        ("503 Busy", "Retry-After: 7", (FailureKind.RATE_LIMITED, 7.0)),
        ("503 Busy", "X-Other: 1", (FailureKind.SERVER_ERROR, None)),
        ("502 Bad Gateway", "Content-Type: text/html", (FailureKind.SERVER_ERROR, None)),
        ("504 Gateway Timeout", "X-Other: 1", (FailureKind.TIMEOUT, None)),
    ],
)
def test_statuses(
    session: requests.Session, status: str, header: str, expected: tuple[FailureKind, float | None]
) -> None:
    """Statuses that are no answers to work with are failures of their kind."""
    found = failure_of(session, lambda connection: connection.answer(b"{}", header, status=status))

    assert (found.kind, found.retry_after) == expected
    assert found.status == int(status[:3])


def test_busy_status(session: requests.Session) -> None:
    """A caller may name further statuses that mean "try again"."""
    with (
        serve(lambda connection: connection.answer(b"", status="409 Conflict")) as server,
        pytest.raises(AttemptFailed),
    ):
        call(session, server.url, busy=frozenset({409}))


def test_rejected(session: requests.Session) -> None:
    """A rejection is a usable response."""
    body = b'{"message": "Validation Failed"}'

    with serve(
        lambda connection: connection.answer(body, status="422 Unprocessable Entity")
    ) as server:
        assert json_body(call(session, server.url)) == {"message": "Validation Failed"}


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
        call(session, server.url, RequestBody(b"{}"))
    assert elsewhere.connections == []
    assert elsewhere.url in caught.value.what


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:80", "http://", "http://[oops"])
def test_no_url(session: requests.Session, url: str) -> None:
    """What cannot be called at all is a matter of configuration."""
    with pytest.raises(ConfigError):
        call(session, url, RequestBody(b"{}"))


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
    ],
    ids=lambda body: repr(body[:12]),
)
def test_no_json(session: requests.Session, body: bytes) -> None:
    """A whole answer that should be JSON but is not is an invalid response."""
    found = failure_of(session, lambda connection: connection.answer(body, "X-Request-Id: abc-1"))

    assert (found.kind, found.status, found.trace_id) == (
        FailureKind.INVALID_RESPONSE,
        200,
        "abc-1",
    )


@pytest.mark.parametrize(
    "body",
    [b"[" * 101 + b"1" + b"]" * 101, b'{"a":' * 900 + b"1" + b"}" * 900, b"[" * 200_000],
    ids=lambda body: f"{body[:5]!r} {len(body)}",
)
def test_too_deep(session: requests.Session, body: bytes) -> None:
    """An answer that is nested too deep is an error, and is not asked for again."""
    with (
        serve(lambda connection: connection.answer(body, "X-Request-Id: abc-1")) as server,
        pytest.raises(ExcessiveDepthError) as caught,
    ):
        json_body(call(session, server.url))
    assert (caught.value.exit_code, caught.value.trace_id) == (76, "abc-1")


def test_deep_enough(session: requests.Session) -> None:
    """A hundred levels are taken."""
    body = b"[" * 100 + b"1" + b"]" * 100
    with serve(lambda connection: connection.answer(body)) as server:
        assert json_body(call(session, server.url)) == json.loads(body)


@pytest.mark.parametrize(
    "kind",
    [
        *("text/html", "", "application/jsonp", "application/xjson", "application/+json"),
        *("text/plain; application/json", "image/json", "application/a/b+json", "json"),
    ],
)
def test_no_json_at_all(session: requests.Session, kind: str) -> None:
    """An answer that does not claim to be JSON is from another service, for all one can tell."""
    headers = (f"Content-Type: {kind}", "X-Request-Id: a")
    with (
        serve(lambda connection: connection.answer(REQUEST, *headers)) as server,
        pytest.raises(UnexpectedResponseError) as caught,
    ):
        json_body(call(session, server.url))
    assert (caught.value.status, caught.value.trace_id) == (200, "a")
    assert "127.0.0.1" in caught.value.what


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("", "no content type"),
        ("Text/HTML; a=b", "text/html"),
        ("a secret note", "an invalid content"),
    ],
)
def test_a_content_type_is_shown_where_it_is_one(
    session: requests.Session, kind: str, words: str
) -> None:
    """A service may put anything there, even a note."""
    with (
        serve(lambda connection: connection.answer(REQUEST, f"Content-Type: {kind}")) as server,
        pytest.raises(UnexpectedResponseError, match=f"answered with {words}"),
    ):
        json_body(call(session, server.url))


@pytest.mark.parametrize(
    "kind",
    [
        *("application/json; charset=utf-8", "Application/JSON", "application/json ;a=b"),
        *("text/json", "application/vnd.x+json", "application/problem+json; charset=idna"),
    ],
)
def test_content_type(session: requests.Session, kind: str) -> None:
    """JSON's content type may have parameters, in any case."""
    with serve(lambda connection: connection.answer(REQUEST, f"Content-Type: {kind}")) as server:
        assert json_body(call(session, server.url)) == json.loads(REQUEST)


def test_tls_where_there_is_none(session: requests.Session) -> None:
    """Https to a port that speaks plain http is named as what it is, and nothing was sent."""

    def turn(connection: Connection) -> None:
        connection.read_some()
        connection.write(head("400 Bad Request", "Content-Length: 0"))

    with serve(turn) as server, pytest.raises(AttemptFailed) as caught:
        call(session, server.url.replace("http:", "https:"), RequestBody(b"{}"))
    assert caught.value.kind is FailureKind.NOT_SENT
    assert "WRONG_VERSION_NUMBER" in caught.value.reason


def test_debug_line(session: requests.Session, caplog: pytest.LogCaptureFixture) -> None:
    """The debug line of a call has method, path and status, and no query."""
    with (
        caplog.at_level("DEBUG", "step.http"),
        serve(lambda connection: connection.answer(REQUEST)) as server,
    ):
        call(session, server.url)
    lines = [record.getMessage() for record in caplog.records if record.name == "step.http"]
    assert lines == ["PATCH /v1/requests/5: 200"]


def test_body() -> None:
    """A body has been sent when its last byte has been read."""
    body = RequestBody(b"abcde")

    assert len(body) == 5
    assert not body.sent
    assert (body.read(2), body.sent) == (b"ab", False)
    assert (body.read(3), body.sent) == (b"cde", True)
    assert body.read(1) == b""


def test_body_again() -> None:
    """For the next attempt a body starts again; it has not been sent then."""
    body = RequestBody(b"abc")

    body.read()
    body.rewind()
    assert not body.sent
    assert body.read() == b"abc"


def test_body_as_a_stream() -> None:
    """A body can be read in one go."""
    body = RequestBody(b"abc")

    assert list(body) == [b"abc"]
    assert body.sent


def test_timeout() -> None:
    """The limits are those of the settings."""
    context = RunContext(Settings(connect_timeout=1, read_timeout=2), FakeClock())

    assert context.timeout == (1, 2)
    assert context.max_attempt_time == 5


def test_certificates(tmp_path: Path) -> None:
    """Certificates are checked, against a bundle of one's own where the settings name one."""
    bundle = tmp_path / "ca.pem"
    bundle.touch()

    assert RunContext(Settings(), FakeClock()).verify is True
    assert RunContext(Settings(ca_bundle=str(bundle)), FakeClock()).verify == str(bundle)
    with pytest.raises(ConfigError) as caught:
        _ = RunContext(Settings(ca_bundle=str(tmp_path / "none.pem")), FakeClock()).verify
    assert "none.pem" in caught.value.what


def test_certificates_in_a_folder(tmp_path: Path) -> None:
    """A folder of certificates is taken as well."""
    assert RunContext(Settings(ca_bundle=str(tmp_path)), FakeClock()).verify == str(tmp_path)


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(5, "I/O")])
@pytest.mark.parametrize("function", ["builtins.open", "os.listdir"])
def test_unreadable_certificates(
    function: str, error: OSError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this user may not read is the configuration's fault, at once."""

    def fail(*_: object) -> NoReturn:
        raise error

    bundle = tmp_path / "ca.pem"
    bundle.touch()
    monkeypatch.setattr(function, fail)
    path = bundle if function == "builtins.open" else tmp_path
    with pytest.raises(ConfigError) as caught:
        _ = RunContext(Settings(ca_bundle=str(path)), FakeClock()).verify
    assert caught.value.what.endswith(f"which cannot be read: {error.strerror}.")


def test_terminated() -> None:
    """Once the engine has asked the step to end, no update is sent."""
    RunContext(Settings(), FakeClock()).raise_if_terminated()

    with pytest.raises(TerminatedError) as caught:
        RunContext(Settings(), FakeClock(terminate_at=0)).raise_if_terminated()
    assert (caught.value.exit_code, caught.value.applied) == (75, "no")
