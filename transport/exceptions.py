"""Classifies the exceptions of requests, urllib3 and the sockets below."""

from __future__ import annotations

import re
import socket
import ssl
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
import urllib3

from process.errors import CertificateError, ConfigError
from process.logs import quote
from transport.failures import AttemptFailed, FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from process.errors import StepError

    Causes = tuple[BaseException, ...]

_CA_FILES = ("X509", "PEM")
_TUNNEL = r"Tunnel connection failed: (?P<answer>(?P<status>[0-9]{3})\b.*)"
_PROXY_DENIES = ("403", "407")
_UNKNOWN_HOST = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
_NOT_SENT = (requests.ConnectTimeout, requests.exceptions.ProxyError)  # the exception itself
_CONNECT_FAILED = (  # any cause
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
)
_TIMEOUTS = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
_INVALID_CALL = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    urllib3.exceptions.LocationValueError,
    urllib3.exceptions.URLSchemeUnknown,
)


def classify_exception(error: Exception, *, unsent: bool) -> AttemptFailed | StepError:
    """Return the failure that an exception means, or the error if no retry can help.

    Args:
        error: an exception of requests, urllib3 or the socket below.
        unsent: whether the server cannot have acted since the body was not sent.
    """
    causes = tuple(_causes(error))
    config_error = (
        _untrusted_certificate(error, causes)
        or _invalid_ca_bundle(causes)
        or _denied_by_proxy(causes)
        or _invalid_call(error, unsent=unsent)
    )
    if config_error:
        return config_error
    reason = quote(_reason_of(causes))
    if any(isinstance(cause, socket.gaierror) and cause.errno in _UNKNOWN_HOST for cause in causes):
        host = _quoted_host(error, causes)
        return AttemptFailed(FailureKind.UNKNOWN_HOST, f"{host} does not exist ({reason})")
    if unsent or isinstance(error, _NOT_SENT) or _has(causes, _CONNECT_FAILED):
        return AttemptFailed(FailureKind.NOT_SENT, f"no connection ({reason})")
    if _has(causes, _TIMEOUTS):
        return AttemptFailed(FailureKind.TIMEOUT, "it did not answer in time")
    return AttemptFailed(FailureKind.SERVER_ERROR, f"the connection was lost ({reason})")


def _has(causes: Causes, classes: tuple[type[Exception], ...]) -> bool:
    return any(isinstance(cause, classes) for cause in causes)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and those inside it: requests and urllib3 nest them in three ways."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        item = waiting.pop(0)
        if not isinstance(item, BaseException) or id(item) in seen:
            continue
        seen.add(id(item))
        yield item
        waiting += [*item.args, getattr(item, "reason", None), item.__cause__, item.__context__]


def _reason_of(causes: Causes) -> str:
    """Return the text of the system's own error, or else the name of the last cause."""
    for cause in causes:
        if isinstance(cause, ssl.SSLError) and getattr(cause, "reason", None):
            return cause.reason
        tunnel = _failed_tunnel(cause)
        if tunnel:
            return f"the proxy answered {tunnel['answer']}"
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
    return type(causes[-1]).__name__


def _failed_tunnel(cause: BaseException) -> re.Match[str] | None:
    """Match the answer of a proxy that does not connect; only an OSError has a proxy's answer."""
    return re.fullmatch(_TUNNEL, str(cause), re.DOTALL) if isinstance(cause, OSError) else None


def _hostname(error: Exception) -> str:
    request = getattr(error, "request", None)
    return urlsplit(getattr(request, "url", None) or "").hostname or ""


def _quoted_host(error: Exception, causes: Causes) -> str:
    """Return what messages call the host; a proxy's name may be private."""
    if _has(causes, (urllib3.exceptions.ProxyError,)):
        return "the proxy that HTTPS_PROXY names"
    return f"the host {quote(_hostname(error))}"


def _untrusted_certificate(error: Exception, causes: Causes) -> StepError | None:
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            name = _hostname(error) or "the server"
            return CertificateError(
                f"The certificate of {name} is not trusted: {quote(cause.verify_message)}.",
                cause="the host has a certificate of a private CA, or a proxy opens the connection",
                fix="Mount the CA's certificate (PEM) into the container and name it in "
                "REQUESTS_CA_BUNDLE. Certificates are always checked.",
            )
    return None


def _invalid_ca_bundle(causes: Causes) -> StepError | None:
    if not any(getattr(cause, "library", None) in _CA_FILES for cause in causes):
        return None
    return ConfigError(
        "The file that REQUESTS_CA_BUNDLE names holds no CA certificates.",
        fix="Put the certificates there as PEM, or leave the variable out.",
    )


def _denied_by_proxy(causes: Causes) -> StepError | None:
    tunnel = next(filter(None, map(_failed_tunnel, causes)), None)
    if not tunnel or tunnel["status"] not in _PROXY_DENIES:
        return None
    return ConfigError(
        f"The proxy refuses the step: {quote(tunnel['answer'])}.",
        fix="Allow 4me's host in the proxy; put its user name and password, if it wants any, "
        "into HTTPS_PROXY.",
    )


def _invalid_call(error: Exception, *, unsent: bool) -> StepError | None:
    # Once the call was sent, an invalid header is one of the response.
    is_invalid_header = unsent and isinstance(error, requests.exceptions.InvalidHeader)
    if not isinstance(error, _INVALID_CALL) and not is_invalid_header:
        return None
    return ConfigError(
        f"The service cannot be called: {type(error).__name__}.",
        fix="Check the host, METADATA_API_URL and HTTPS_PROXY.",
    )
