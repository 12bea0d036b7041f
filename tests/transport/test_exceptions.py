"""`transport.exceptions`: what the exceptions of requests and urllib3 mean."""

from __future__ import annotations

import socket
import ssl
from http.client import BadStatusLine, RemoteDisconnected
from typing import TYPE_CHECKING, Any

import pytest
import requests
import urllib3
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError

from process.errors import CertificateError, ConfigError, StepError
from transport.exceptions import classify_exception
from transport.failures import AttemptFailed, FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

POOL = urllib3.HTTPConnectionPool("127.0.0.1")
CONNECTION = urllib3.connection.HTTPConnection("127.0.0.1")
PEM = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"

#: What each exception class of requests and urllib3 means when it is all that is known.
#: A class that is missing here is new: decide what it means, then add it.
MEANINGS: dict[str, FailureKind | type[StepError]] = {
    "requests.ChunkedEncodingError": FailureKind.SERVER_ERROR,
    "requests.ConnectTimeout": FailureKind.NOT_SENT,
    "requests.ConnectionError": FailureKind.SERVER_ERROR,
    "requests.ContentDecodingError": FailureKind.SERVER_ERROR,
    "requests.HTTPError": FailureKind.SERVER_ERROR,
    "requests.InvalidHeader": FailureKind.SERVER_ERROR,
    "requests.InvalidJSONError": FailureKind.SERVER_ERROR,
    "requests.InvalidProxyURL": ConfigError,
    "requests.InvalidSchema": ConfigError,
    "requests.InvalidURL": ConfigError,
    "requests.JSONDecodeError": FailureKind.SERVER_ERROR,
    "requests.MissingSchema": ConfigError,
    "requests.ProxyError": FailureKind.NOT_SENT,
    "requests.ReadTimeout": FailureKind.TIMEOUT,
    "requests.RequestException": FailureKind.SERVER_ERROR,
    "requests.RetryError": FailureKind.SERVER_ERROR,
    "requests.SSLError": FailureKind.SERVER_ERROR,
    "requests.StreamConsumedError": FailureKind.SERVER_ERROR,
    "requests.Timeout": FailureKind.TIMEOUT,
    "requests.TooManyRedirects": FailureKind.SERVER_ERROR,
    "requests.URLRequired": FailureKind.SERVER_ERROR,
    "requests.UnrewindableBodyError": FailureKind.SERVER_ERROR,
    "urllib3.BodyNotHttplibCompatible": FailureKind.SERVER_ERROR,
    "urllib3.ClosedPoolError": FailureKind.SERVER_ERROR,
    "urllib3.ConnectTimeoutError": FailureKind.NOT_SENT,
    "urllib3.DecodeError": FailureKind.SERVER_ERROR,
    "urllib3.EmptyPoolError": FailureKind.SERVER_ERROR,
    "urllib3.FullPoolError": FailureKind.SERVER_ERROR,
    "urllib3.HTTPError": FailureKind.SERVER_ERROR,
    "urllib3.HeaderParsingError": FailureKind.SERVER_ERROR,
    "urllib3.HostChangedError": FailureKind.SERVER_ERROR,
    "urllib3.IncompleteRead": FailureKind.SERVER_ERROR,
    "urllib3.InvalidChunkLength": FailureKind.SERVER_ERROR,
    "urllib3.InvalidHeader": FailureKind.SERVER_ERROR,
    "urllib3.LocationParseError": ConfigError,
    "urllib3.LocationValueError": ConfigError,
    "urllib3.MaxRetryError": FailureKind.SERVER_ERROR,
    "urllib3.NameResolutionError": FailureKind.NOT_SENT,
    "urllib3.NewConnectionError": FailureKind.NOT_SENT,
    "urllib3.PoolError": FailureKind.SERVER_ERROR,
    "urllib3.ProtocolError": FailureKind.SERVER_ERROR,
    "urllib3.ProxyError": FailureKind.NOT_SENT,
    "urllib3.ProxySchemeUnknown": ConfigError,
    "urllib3.ProxySchemeUnsupported": FailureKind.SERVER_ERROR,
    "urllib3.ReadTimeoutError": FailureKind.TIMEOUT,
    "urllib3.RequestError": FailureKind.SERVER_ERROR,
    "urllib3.ResponseError": FailureKind.SERVER_ERROR,
    "urllib3.ResponseNotChunked": FailureKind.SERVER_ERROR,
    "urllib3.SSLError": FailureKind.SERVER_ERROR,
    "urllib3.TimeoutError": FailureKind.TIMEOUT,
    "urllib3.TimeoutStateError": FailureKind.SERVER_ERROR,
    "urllib3.URLSchemeUnknown": ConfigError,
    "urllib3.UnrewindableBodyError": FailureKind.SERVER_ERROR,
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
    "urllib3.ReadTimeoutError": (POOL, "/", "timed out"),
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


def ssl_error(library: str | None, reason: str | None) -> ssl.SSLError:
    """Return what OpenSSL raises about anything else."""
    error = ssl.SSLError(1, f"[{library}: {reason}] somewhere")
    error.library, error.reason = library, reason  # type: ignore[assignment]  # they may be None
    return error


def no_tunnel(status: str) -> requests.exceptions.ProxyError:
    """Return what is raised when a proxy does not connect."""
    answered = OSError(f"Tunnel connection failed: {status}")
    refused = urllib3.exceptions.ProxyError("Unable to connect to proxy", answered)
    return requests.exceptions.ProxyError(MaxRetryError(POOL, "/", refused))


def meaning(error: Exception, *, unsent: bool = False) -> FailureKind | type[StepError]:
    """Return how an exception is classified."""
    found = classify_exception(error, unsent=unsent)
    return found.kind if isinstance(found, AttemptFailed) else type(found)


def test_every_class_has_a_meaning() -> None:
    """No exception class of requests or urllib3 is without a meaning, none is left over."""
    assert set(CLASSES) == set(MEANINGS)


@pytest.mark.parametrize("name", sorted(MEANINGS))
def test_meaning(name: str) -> None:
    """Each exception class of requests and urllib3 is classified as documented."""
    error = CLASSES[name](*ARGUMENTS.get(name, ("text",)))

    assert meaning(error) is MEANINGS[name]


@pytest.mark.parametrize("name", sorted(MEANINGS))
def test_meaning_when_unsent(name: str) -> None:
    """Whatever happens before a body has left, the server cannot have acted."""
    error = CLASSES[name](*ARGUMENTS.get(name, ("text",)))

    assert meaning(error, unsent=True) in (FailureKind.NOT_SENT, ConfigError)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            requests.ConnectionError(
                MaxRetryError(POOL, "/", NewConnectionError(CONNECTION, "refused"))
            ),
            FailureKind.NOT_SENT,
        ),
        (
            requests.ConnectionError(ProtocolError("aborted", RemoteDisconnected("closed"))),
            FailureKind.SERVER_ERROR,
        ),
        (
            requests.ConnectionError(ProtocolError("aborted", ConnectionResetError(104, "reset"))),
            FailureKind.SERVER_ERROR,
        ),
        (requests.ConnectionError(ReadTimeoutError(POOL, "/", "timed out")), FailureKind.TIMEOUT),
        (requests.exceptions.SSLError(ssl_error("SSL", "BAD_RECORD")), FailureKind.SERVER_ERROR),
        (requests.exceptions.SSLError(ssl_error(None, None)), FailureKind.SERVER_ERROR),
        (
            requests.exceptions.SSLError(ssl.SSLError(1, "raised in Python")),
            FailureKind.SERVER_ERROR,
        ),
        (requests.exceptions.SSLError(ssl_error("X509", "NO_CERTIFICATE")), ConfigError),
        (requests.exceptions.SSLError(ssl_error("PEM", "BAD_BASE64_DECODE")), ConfigError),
        (ssl_error("X509", "NO_CERTIFICATE"), ConfigError),
        (
            requests.exceptions.SSLError(MaxRetryError(POOL, "/", untrusted("self-signed"))),
            CertificateError,
        ),
        (no_tunnel("407 Proxy Authentication Required"), ConfigError),
        (no_tunnel("403 Forbidden"), ConfigError),
        (no_tunnel("502 Bad Gateway"), FailureKind.NOT_SENT),
        (no_tunnel("503 Service Unavailable"), FailureKind.NOT_SENT),
        (TimeoutError("it took too long"), FailureKind.TIMEOUT),
        (ConnectionResetError(104, "reset"), FailureKind.SERVER_ERROR),
        (BrokenPipeError(32, "broken"), FailureKind.SERVER_ERROR),
    ],
    ids=lambda value: type(value).__name__,
)
def test_nested(error: Exception, expected: FailureKind | type[StepError]) -> None:
    """What lies inside an exception decides, however requests and urllib3 wrap it."""
    assert meaning(error) is expected


def test_words_of_the_system() -> None:
    """The words are those of the system's own error, or else the name of the innermost cause."""
    reset = requests.ConnectionError(
        ProtocolError("aborted", ConnectionResetError(104, "Reset it"))
    )
    closed = requests.ConnectionError(ProtocolError("aborted", RemoteDisconnected("closed")))

    found = [classify_exception(error, unsent=False) for error in (reset, closed)]

    assert [str(item) for item in found] == [
        "the connection was lost (Reset it)",
        "the connection was lost (RemoteDisconnected)",
    ]


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (no_tunnel("502 Bad Gateway"), "no connection (the proxy answered 502 Bad Gateway)"),
        (
            requests.exceptions.SSLError(ssl_error("SSL", "WRONG_VERSION_NUMBER")),
            "the connection was lost (WRONG_VERSION_NUMBER)",
        ),
    ],
)
def test_words_of_proxies_and_tls(error: Exception, what: str) -> None:
    """A proxy's status is named, and what TLS did not like."""
    found = classify_exception(error, unsent=False)

    assert isinstance(found, AttemptFailed)
    assert found.reason == what


def test_refusing_proxy() -> None:
    """A proxy that will never connect is a matter of configuration, in its own words."""
    found = classify_exception(no_tunnel("403 Forbidden"), unsent=True)

    assert isinstance(found, ConfigError)
    assert found.what == "The proxy refuses the step: 403 Forbidden."
    assert "HTTPS_PROXY" in found.fix


@pytest.mark.parametrize("status", ["502 403 is what upstream said", "502 Bad (407)", "4030 x"])
def test_a_proxy_whose_words_hold_a_number(status: str) -> None:
    """Only the status itself denies access."""
    assert meaning(no_tunnel(status), unsent=True) is FailureKind.NOT_SENT


def test_a_broken_answer_is_no_proxy() -> None:
    """Whatever its first line says: the body had left."""
    broken = BadStatusLine("Tunnel connection failed: 403 Forbidden")
    error = requests.ConnectionError(urllib3.exceptions.ProtocolError("Aborted", broken))
    assert meaning(error) is FailureKind.SERVER_ERROR


def no_such_host(number: int, *, proxy: bool = False) -> requests.ConnectionError:
    """Return what is raised when a name cannot be resolved."""
    connection = urllib3.connection.HTTPSConnection("api.4me.con")
    words = socket.gaierror(number, "what the resolver says")
    error: Exception = urllib3.exceptions.NameResolutionError("api.4me.con", connection, words)
    error.__cause__ = words
    request = requests.Request("GET", "https://api.4me.con/v1/requests/5").prepare()
    if proxy:
        refused = urllib3.exceptions.ProxyError("Unable to connect to proxy", error)
        return requests.exceptions.ProxyError(MaxRetryError(POOL, "/", refused), request=request)
    return requests.ConnectionError(MaxRetryError(POOL, "/", error), request=request)


@pytest.mark.parametrize("number", [socket.EAI_NONAME, socket.EAI_NODATA])
def test_no_such_host(number: int) -> None:
    """A resolver that knows no such host is distinguished from one that does not answer."""
    found = classify_exception(no_such_host(number), unsent=True)

    assert isinstance(found, AttemptFailed)
    assert found.kind is FailureKind.UNKNOWN_HOST
    assert found.reason == "the host api.4me.con does not exist (what the resolver says)"


def test_no_such_proxy() -> None:
    """It may be the proxy's host, which no message names: it may be private."""
    found = classify_exception(no_such_host(socket.EAI_NONAME, proxy=True), unsent=True)

    assert isinstance(found, AttemptFailed)
    assert found.kind is FailureKind.UNKNOWN_HOST
    assert found.reason.startswith("the proxy that HTTPS_PROXY names does not exist")


@pytest.mark.parametrize("number", [socket.EAI_AGAIN, socket.EAI_FAIL])
def test_no_answer_of_the_resolver(number: int) -> None:
    """A temporary failure is one like any other."""
    assert meaning(no_such_host(number), unsent=True) is FailureKind.NOT_SENT


def test_headers_that_break_the_rules() -> None:
    """In an answer they are the server's fault, and who knows; in a call they are ours."""
    error = requests.exceptions.InvalidHeader("Content-Length: 5, 6")
    assert meaning(error, unsent=False) is FailureKind.SERVER_ERROR
    assert meaning(error, unsent=True) is ConfigError


@pytest.mark.parametrize("content", ["", "no PEM", PEM.format("x")])
def test_bad_ca_bundle(content: str, tmp_path: Path) -> None:
    """A CA bundle without certificates is a matter of configuration: a retry cannot help."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text(content)
    with pytest.raises(ssl.SSLError) as caught:
        ssl.create_default_context(cafile=str(bundle))

    found = classify_exception(requests.exceptions.SSLError(caught.value), unsent=True)
    assert type(found) is ConfigError
    assert "REQUESTS_CA_BUNDLE" in found.what


def test_causes_in_a_circle() -> None:
    """Exceptions that are each other's cause are no endless loop."""
    first, second = requests.ConnectionError("a"), OSError("b")
    first.__cause__, second.__cause__ = second, first

    assert meaning(first) is FailureKind.SERVER_ERROR


def test_untrusted_certificate() -> None:
    """An untrusted certificate names the host and the reason, and how to trust a private CA."""
    request = requests.Request("GET", "https://api.4me.com/v1").prepare()
    error = requests.exceptions.SSLError(
        MaxRetryError(POOL, "/", untrusted("self-signed certificate")), request=request
    )

    found = classify_exception(error, unsent=False)

    assert isinstance(found, CertificateError)
    assert "api.4me.com" in found.what
    assert "self-signed certificate" in found.what
    assert "REQUESTS_CA_BUNDLE" in found.fix


def test_untrusted_certificate_of_someone() -> None:
    """An untrusted certificate without a known request is one all the same."""
    found = classify_exception(urllib3.exceptions.SSLError(untrusted("expired")), unsent=True)

    assert isinstance(found, CertificateError)
    assert "the server" in found.what
