"""`fourme.mishaps`: what can become of an attempt."""

from __future__ import annotations

import socket
import ssl
from datetime import UTC, datetime
from email.utils import format_datetime
from http.client import RemoteDisconnected
from typing import TYPE_CHECKING, Any

import pytest
import requests
import urllib3
from hypothesis import given
from hypothesis import strategies as st
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError

from fourme.errors import CertificateError, ConfigError, RedirectError, StepError
from fourme.mishaps import Mishap, check_status, server_time, trace_of, understand
from fourme.retry import Happening
from tests.fake_clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
POOL = urllib3.HTTPConnectionPool("127.0.0.1")
CONNECTION = urllib3.connection.HTTPConnection("127.0.0.1")

#: What each exception class of requests and urllib3 means when it is all that is known.
#: A class that is missing here is a newcomer: decide what it means, then add it.
MEANINGS: dict[str, Happening | type[StepError]] = {
    "requests.ChunkedEncodingError": Happening.FAILED,
    "requests.ConnectTimeout": Happening.NOT_SENT,
    "requests.ConnectionError": Happening.FAILED,
    "requests.ContentDecodingError": Happening.FAILED,
    "requests.HTTPError": Happening.FAILED,
    "requests.InvalidHeader": ConfigError,
    "requests.InvalidJSONError": Happening.FAILED,
    "requests.InvalidProxyURL": ConfigError,
    "requests.InvalidSchema": ConfigError,
    "requests.InvalidURL": ConfigError,
    "requests.JSONDecodeError": Happening.FAILED,
    "requests.MissingSchema": ConfigError,
    "requests.ProxyError": Happening.NOT_SENT,
    "requests.ReadTimeout": Happening.SILENT,
    "requests.RequestException": Happening.FAILED,
    "requests.RetryError": Happening.FAILED,
    "requests.SSLError": Happening.FAILED,
    "requests.StreamConsumedError": Happening.FAILED,
    "requests.Timeout": Happening.SILENT,
    "requests.TooManyRedirects": Happening.FAILED,
    "requests.URLRequired": Happening.FAILED,
    "requests.UnrewindableBodyError": Happening.FAILED,
    "urllib3.BodyNotHttplibCompatible": Happening.FAILED,
    "urllib3.ClosedPoolError": Happening.FAILED,
    "urllib3.ConnectTimeoutError": Happening.NOT_SENT,
    "urllib3.DecodeError": Happening.FAILED,
    "urllib3.EmptyPoolError": Happening.FAILED,
    "urllib3.FullPoolError": Happening.FAILED,
    "urllib3.HTTPError": Happening.FAILED,
    "urllib3.HeaderParsingError": Happening.FAILED,
    "urllib3.HostChangedError": Happening.FAILED,
    "urllib3.IncompleteRead": Happening.FAILED,
    "urllib3.InvalidChunkLength": Happening.FAILED,
    "urllib3.InvalidHeader": Happening.FAILED,
    "urllib3.LocationParseError": ConfigError,
    "urllib3.LocationValueError": ConfigError,
    "urllib3.MaxRetryError": Happening.FAILED,
    "urllib3.NameResolutionError": Happening.NOT_SENT,
    "urllib3.NewConnectionError": Happening.NOT_SENT,
    "urllib3.PoolError": Happening.FAILED,
    "urllib3.ProtocolError": Happening.FAILED,
    "urllib3.ProxyError": Happening.NOT_SENT,
    "urllib3.ProxySchemeUnknown": ConfigError,
    "urllib3.ProxySchemeUnsupported": Happening.FAILED,
    "urllib3.ReadTimeoutError": Happening.SILENT,
    "urllib3.RequestError": Happening.FAILED,
    "urllib3.ResponseError": Happening.FAILED,
    "urllib3.ResponseNotChunked": Happening.FAILED,
    "urllib3.SSLError": Happening.FAILED,
    "urllib3.TimeoutError": Happening.SILENT,
    "urllib3.TimeoutStateError": Happening.FAILED,
    "urllib3.URLSchemeUnknown": ConfigError,
    "urllib3.UnrewindableBodyError": Happening.FAILED,
}

#: What those classes are made with that take more than any arguments.
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "requests.JSONDecodeError": ("no JSON", "text", 0),
    "urllib3.ClosedPoolError": (POOL, "closed"),
    "urllib3.EmptyPoolError": (POOL, "empty"),
    "urllib3.FullPoolError": (POOL, "full"),
    "urllib3.HeaderParsingError": ([], b""),
    "urllib3.HostChangedError": (POOL, "/"),
    "urllib3.IncompleteRead": (1, 2),
    "urllib3.InvalidChunkLength": (urllib3.HTTPResponse(), b"x"),
    "urllib3.LocationParseError": ("x",),
    "urllib3.MaxRetryError": (POOL, "/"),
    "urllib3.NameResolutionError": ("x", CONNECTION, socket.gaierror(-2, "Name not known")),
    "urllib3.NewConnectionError": (CONNECTION, "refused"),
    "urllib3.PoolError": (POOL, "pool"),
    "urllib3.ProxyError": ("proxy", OSError()),
    "urllib3.ProxySchemeUnknown": ("x",),
    "urllib3.ReadTimeoutError": (POOL, "/", "silent"),
    "urllib3.RequestError": (POOL, "/", "request"),
    "urllib3.URLSchemeUnknown": ("x",),
}


def classes(module: ModuleType, prefix: str) -> Iterator[tuple[str, type[Exception]]]:
    """Yield the exception classes that a module defines, but no warnings; aliases once."""
    for kind in {value for value in vars(module).values() if isinstance(value, type)}:
        own = kind.__module__ == module.__name__
        if own and issubclass(kind, Exception) and not issubclass(kind, Warning):
            yield f"{prefix}.{kind.__name__}", kind


CLASSES = dict(
    sorted(
        [
            *classes(requests.exceptions, "requests"),
            *classes(urllib3.exceptions, "urllib3"),
        ]
    )
)


def untrusted(reason: str) -> ssl.SSLCertVerificationError:
    """Return what OpenSSL raises about a certificate."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = reason
    return error


def meaning(error: Exception, *, unsent: bool = False) -> Happening | type[StepError]:
    """Return what an exception is understood as."""
    found = understand(error, unsent=unsent)
    return found.happening if isinstance(found, Mishap) else type(found)


def test_every_class_has_a_meaning() -> None:
    """No exception class of requests or urllib3 is without a meaning, none has vanished."""
    assert set(CLASSES) == set(MEANINGS)


@pytest.mark.parametrize("name", sorted(MEANINGS))
def test_meaning(name: str) -> None:
    """Each exception class of requests and urllib3 is understood as its documented meaning."""
    error = CLASSES[name](*ARGUMENTS.get(name, ("text",)))

    assert meaning(error) is MEANINGS[name]


@pytest.mark.parametrize("name", sorted(MEANINGS))
def test_meaning_when_unsent(name: str) -> None:
    """Whatever happens before a body has left, the server cannot have acted."""
    error = CLASSES[name](*ARGUMENTS.get(name, ("text",)))

    assert meaning(error, unsent=True) in (Happening.NOT_SENT, ConfigError)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            requests.ConnectionError(
                MaxRetryError(POOL, "/", NewConnectionError(CONNECTION, "refused"))
            ),
            Happening.NOT_SENT,
        ),
        (
            requests.ConnectionError(ProtocolError("aborted", RemoteDisconnected("closed"))),
            Happening.FAILED,
        ),
        (
            requests.ConnectionError(ProtocolError("aborted", ConnectionResetError(104, "reset"))),
            Happening.FAILED,
        ),
        (requests.ConnectionError(ReadTimeoutError(POOL, "/", "silent")), Happening.SILENT),
        (requests.exceptions.SSLError(ssl.SSLError(1, "bad record")), Happening.FAILED),
        (
            requests.exceptions.SSLError(MaxRetryError(POOL, "/", untrusted("self-signed"))),
            CertificateError,
        ),
        (
            requests.exceptions.ProxyError(
                MaxRetryError(
                    POOL,
                    "/",
                    urllib3.exceptions.ProxyError(
                        "no", OSError("Tunnel connection failed: 407 Proxy Authentication Required")
                    ),
                )
            ),
            ConfigError,
        ),
        (TimeoutError("it took too long"), Happening.SILENT),
        (ConnectionResetError(104, "reset"), Happening.FAILED),
        (BrokenPipeError(32, "broken"), Happening.FAILED),
    ],
    ids=lambda value: type(value).__name__,
)
def test_nested(error: Exception, expected: Happening | type[StepError]) -> None:
    """What lies inside an exception decides, however requests and urllib3 wrap it."""
    assert meaning(error) is expected


def test_words_of_the_system() -> None:
    """The words are those of the system's own error, or else the name of the innermost cause."""
    reset = requests.ConnectionError(
        ProtocolError("aborted", ConnectionResetError(104, "Reset it"))
    )
    closed = requests.ConnectionError(ProtocolError("aborted", RemoteDisconnected("closed")))

    found = [understand(error, unsent=False) for error in (reset, closed)]

    assert [item.what for item in found] == [
        "the connection was lost (Reset it)",
        "the connection was lost (RemoteDisconnected)",
    ]


def test_causes_in_a_circle() -> None:
    """Exceptions that are each other's cause are no endless loop."""
    first, second = requests.ConnectionError("a"), OSError("b")
    first.__cause__, second.__cause__ = second, first

    assert meaning(first) is Happening.FAILED


def test_untrusted_certificate() -> None:
    """An untrusted certificate names the host and the reason, and how to trust a private CA."""
    request = requests.Request("GET", "https://api.4me.com/v1").prepare()
    error = requests.exceptions.SSLError(
        MaxRetryError(POOL, "/", untrusted("self-signed certificate")), request=request
    )

    found = understand(error, unsent=False)

    assert isinstance(found, CertificateError)
    assert "api.4me.com" in found.what
    assert "self-signed certificate" in found.what
    assert "REQUESTS_CA_BUNDLE" in found.todo


def test_untrusted_certificate_of_someone() -> None:
    """An untrusted certificate without a known request is one all the same."""
    found = understand(urllib3.exceptions.SSLError(untrusted("expired")), unsent=True)

    assert isinstance(found, CertificateError)
    assert "the server" in found.what


def answer(status: int, **headers: str) -> requests.Response:
    """Return an answer; underscores in the names of headers stand for hyphens."""
    response = requests.Response()
    response.status_code = status
    response.reason = "Reason\x1b"
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    response.request = requests.Request("GET", "https://api.4me.com/v1/requests/5").prepare()
    return response


def mishap_of(response: requests.Response, busy: frozenset[int] = frozenset()) -> Mishap:
    """Return the mishap that an answer is."""
    with pytest.raises(Mishap) as caught:
        check_status(response, FakeClock(now=NOW.timestamp()), busy)
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 204, 299, 400, 401, 403, 404, 409, 422, 418, 499])
def test_passes(status: int) -> None:
    """Answers to work with pass."""
    check_status(answer(status), FakeClock(), frozenset())


@pytest.mark.parametrize(
    ("status", "happening"),
    [
        (429, Happening.THROTTLED),
        (500, Happening.FAILED),
        (501, Happening.FAILED),
        (502, Happening.FAILED),
        (503, Happening.FAILED),
        (504, Happening.SILENT),
        (599, Happening.FAILED),
    ],
)
def test_mishaps(status: int, happening: Happening) -> None:
    """429 and 5xx are mishaps, with their status and the service's own id."""
    found = mishap_of(answer(status, X_Request_Id="abc\x07"))

    assert (found.happening, found.status, found.trace) == (happening, status, "abc\\x07")
    assert str(status) in found.what
    assert "\x1b" not in found.what


def test_busy_status() -> None:
    """A status may mean "try again" in one place only."""
    assert mishap_of(answer(409), frozenset({409})).happening is Happening.FAILED


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Sat, 21 Nov 2026 12:01:40 GMT", 100.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("999999999", 999_999_999.0),
        ("9999999999", 1e9),
        ("9" * 500, 1e9),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 1e9),
        # What says nothing:
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("\xb2", None),
        ("Sat, 99 Nov 2026 12:00:00 GMT", None),
    ],
)
@pytest.mark.parametrize("skew", [0, 100_000])
def test_retry_after(status: int, text: str, seconds: float | None, skew: int) -> None:
    """Retry-After is seconds or a date by the server's own clock; anything else says nothing."""
    date = datetime.fromtimestamp(NOW.timestamp(), UTC)
    response = answer(status, Retry_After=text, Date=format_datetime(date, usegmt=True))

    with pytest.raises(Mishap) as caught:
        check_status(response, FakeClock(now=NOW.timestamp() + skew), frozenset())

    found = caught.value
    assert (found.happening, found.retry_after) == (Happening.THROTTLED, seconds)
    expected = None if seconds is None else NOW.timestamp() + seconds
    assert (found.until and found.until.timestamp()) == expected


def test_retry_after_without_date() -> None:
    """Without a date of the server's, this machine's clock serves."""
    found = mishap_of(answer(429, Retry_After="60"))

    assert found.until == datetime(2026, 11, 21, 12, 1, 0, tzinfo=UTC)
    assert "60 s" in found.what


def test_retry_after_at_the_end_of_time() -> None:
    """A server at the end of all calendars cannot say until when, but for how long."""
    found = mishap_of(answer(429, Retry_After="60", Date="Fri, 31 Dec 9999 23:59:59 GMT"))

    assert (found.retry_after, found.until) == (60.0, None)


@given(
    st.text() | st.from_regex(r"(Mon, )?[0-9]{1,3} (Jan|Feb) [0-9]{1,5} [0-9:]{0,9} ?[-+A-Z0-9]*")
)
def test_any_date(text: str) -> None:
    """No header, however odd, is more than no date."""
    found = server_time({"Date": text})
    assert found is None or isinstance(found, float)
    mishap = mishap_of(answer(429, Retry_After=text.replace("\n", " "), Date=text))
    assert mishap.retry_after is None or 0 <= mishap.retry_after <= 1e9


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("https://wdc.4me.com/login?token=geheim", "https://wdc.4me.com"),
        ("https://me:geheim@evil.example/", "https://evil.example"),
        ("//evil.example:8443/geheim", "evil.example:8443"),
        ("/login?geheim", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_redirect(status: int, location: str, place: str | None) -> None:
    """A redirect is an error that says where to, without path, query and user info."""
    with pytest.raises(RedirectError) as caught:
        check_status(answer(status, Location=location), FakeClock(), frozenset())

    assert caught.value.status == status
    assert "api.4me.com" in caught.value.what
    assert "geheim" not in str(caught.value)
    assert place is None or place in caught.value.what


@pytest.mark.parametrize("location", ["https://[oops", "http://[::1", "https://a\u2100b"])
def test_redirect_to_nowhere(location: str) -> None:
    """A redirect to something that is no URL is a redirect all the same."""
    with pytest.raises(RedirectError):
        check_status(answer(302, Location=location), FakeClock(), frozenset())


def test_no_trace() -> None:
    """An answer without an id has none."""
    assert trace_of(answer(200)) is None
    assert trace_of(answer(200, X_Request_Id="")) is None
