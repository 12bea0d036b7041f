"""`fourme.mishaps`: what the exceptions of requests and urllib3 mean."""

from __future__ import annotations

import socket
import ssl
from http.client import BadStatusLine, RemoteDisconnected
from typing import TYPE_CHECKING, Any

import pytest
import requests
import urllib3
from urllib3.exceptions import MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError

from fourme.mishaps import Mishap, understand
from fourme.retry import Happening
from process.errors import CertificateError, ConfigError, StepError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

POOL = urllib3.HTTPConnectionPool("127.0.0.1")
CONNECTION = urllib3.connection.HTTPConnection("127.0.0.1")
PEM = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"

#: What each exception class of requests and urllib3 means when it is all that is known.
#: A class that is missing here is a newcomer: decide what it means, then add it.
MEANINGS: dict[str, Happening | type[StepError]] = {
    "requests.ChunkedEncodingError": Happening.FAILED,
    "requests.ConnectTimeout": Happening.NOT_SENT,
    "requests.ConnectionError": Happening.FAILED,
    "requests.ContentDecodingError": Happening.FAILED,
    "requests.HTTPError": Happening.FAILED,
    "requests.InvalidHeader": Happening.FAILED,
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
        (requests.exceptions.SSLError(ssl_error("SSL", "BAD_RECORD")), Happening.FAILED),
        (requests.exceptions.SSLError(ssl_error(None, None)), Happening.FAILED),
        (requests.exceptions.SSLError(ssl.SSLError(1, "raised in Python")), Happening.FAILED),
        (requests.exceptions.SSLError(ssl_error("X509", "NO_CERTIFICATE")), ConfigError),
        (requests.exceptions.SSLError(ssl_error("PEM", "BAD_BASE64_DECODE")), ConfigError),
        (ssl_error("X509", "NO_CERTIFICATE"), ConfigError),
        (
            requests.exceptions.SSLError(MaxRetryError(POOL, "/", untrusted("self-signed"))),
            CertificateError,
        ),
        (no_tunnel("407 Proxy Authentication Required"), ConfigError),
        (no_tunnel("403 Forbidden"), ConfigError),
        (no_tunnel("502 Bad Gateway"), Happening.NOT_SENT),
        (no_tunnel("503 Service Unavailable"), Happening.NOT_SENT),
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
    found = understand(error, unsent=False)

    assert isinstance(found, Mishap)
    assert found.what == what


def test_refusing_proxy() -> None:
    """A proxy that will never connect is a matter of configuration, in its own words."""
    found = understand(no_tunnel("403 Forbidden"), unsent=True)

    assert isinstance(found, ConfigError)
    assert found.what == "The proxy refuses the step: 403 Forbidden."
    assert "HTTPS_PROXY" in found.fix


@pytest.mark.parametrize("status", ["502 403 is what upstream said", "502 Bad (407)", "4030 x"])
def test_a_proxy_whose_words_hold_a_number(status: str) -> None:
    """Only the status itself refuses."""
    assert meaning(no_tunnel(status), unsent=True) is Happening.NOT_SENT


def test_a_broken_answer_is_no_proxy() -> None:
    """Whatever its first line says: the body had left."""
    broken = BadStatusLine("Tunnel connection failed: 403 Forbidden")
    error = requests.ConnectionError(urllib3.exceptions.ProtocolError("Aborted", broken))
    assert meaning(error) is Happening.FAILED


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
    """A resolver that knows no such host is told from one that does not answer."""
    found = understand(no_such_host(number), unsent=True)

    assert isinstance(found, Mishap)
    assert found.happening is Happening.NO_HOST
    assert found.what == "the host api.4me.con does not exist (what the resolver says)"


def test_no_such_proxy() -> None:
    """It may be the proxy's host, which no message names: it may be private."""
    found = understand(no_such_host(socket.EAI_NONAME, proxy=True), unsent=True)

    assert isinstance(found, Mishap)
    assert found.happening is Happening.NO_HOST
    assert found.what.startswith("the proxy that HTTPS_PROXY names does not exist")


@pytest.mark.parametrize("number", [socket.EAI_AGAIN, socket.EAI_FAIL])
def test_no_answer_of_the_resolver(number: int) -> None:
    """A temporary failure is one like any other."""
    assert meaning(no_such_host(number), unsent=True) is Happening.NOT_SENT


def test_headers_that_break_the_rules() -> None:
    """In an answer they are the server's fault, and who knows; in a call they are ours."""
    error = requests.exceptions.InvalidHeader("Content-Length: 5, 6")
    assert meaning(error, unsent=False) is Happening.FAILED
    assert meaning(error, unsent=True) is ConfigError


@pytest.mark.parametrize("content", ["", "no PEM", PEM.format("x")])
def test_bad_ca_bundle(content: str, tmp_path: Path) -> None:
    """A CA bundle without certificates is a matter of configuration: it never heals by itself."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text(content)
    with pytest.raises(ssl.SSLError) as caught:
        ssl.create_default_context(cafile=str(bundle))

    found = understand(requests.exceptions.SSLError(caught.value), unsent=True)
    assert type(found) is ConfigError
    assert "REQUESTS_CA_BUNDLE" in found.what


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
    assert "REQUESTS_CA_BUNDLE" in found.fix


def test_untrusted_certificate_of_someone() -> None:
    """An untrusted certificate without a known request is one all the same."""
    found = understand(urllib3.exceptions.SSLError(untrusted("expired")), unsent=True)

    assert isinstance(found, CertificateError)
    assert "the server" in found.what
