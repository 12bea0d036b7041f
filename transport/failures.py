"""What can become of one attempt at a call, and how it shows.

The only place where exceptions of requests, urllib3 and the sockets below are understood.
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
import urllib3

from process.errors import CertificateError, ConfigError, RedirectError, StepError
from process.logs import quote
from transport.retry_policy import FailureKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from process.clock import Clock

_LONGEST_RETRY_AFTER = 10**9  # seconds; more is as good as never


class AttemptFailed(Exception):  # noqa: N818  not an error yet: the policy decides
    """An attempt brought no answer to work with.

    Attributes:
        kind of failure: what became of the attempt, for the retry policy.
        what: the same in words, for a message.
        retry_after: seconds that the server asks to wait; None when it does not say.
        until: when that wait is over, in the server's time; None when it does not say.
        status: HTTP status, when there was an answer.
        trace_id: X-Request-Id, when there was one.
    """

    def __init__(
        self,
        kind: FailureKind,
        what: str,
        *,
        retry_after: float | None = None,
        until: datetime | None = None,
        status: int | None = None,
        trace_id: str | None = None,
    ) -> None:
        super().__init__(what)
        self.kind = kind
        self.what = what
        self.retry_after = retry_after
        self.until = until
        self.status = status
        self.trace_id = trace_id


def raise_for_status(
    response: requests.Response, clock: Clock, retry_statuses: frozenset[int]
) -> None:
    """Let an answer pass whose status is from 200 to 299, or from 400 to 499 but 408 and 429.

    Raises:
        RedirectError: it is a redirect.
        AttemptFailed: it is 429, 408, 5xx, one of `retry_statuses`, or no final answer.
    """
    status = response.status_code
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise _redirected(response)
    trace_id = trace_id_of(response)
    if _asks_to_wait(response):
        wait, until = _retry_after(response.headers, clock)
        what = f"it answered {status} and asks to wait" + (f" {wait:.0f} s" if wait else "")
        raise AttemptFailed(
            FailureKind.RATE_LIMITED,
            what,
            retry_after=wait,
            until=until,
            status=status,
            trace_id=trace_id,
        )
    is_answer = HTTPStatus.OK <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    if not is_answer or status in (*_SILENT, *retry_statuses):
        kind = FailureKind.TIMEOUT if status in _SILENT else FailureKind.SERVER_ERROR
        raise AttemptFailed(
            kind, f"it answered {_spelled(status)}", status=status, trace_id=trace_id
        )


# Somebody has waited in vain for the service, which may still be at work: 504, and what proxies and
# content delivery networks say instead (522, 524: Cloudflare's; 598, 599: others').
_SILENT = (408, 504, 522, 524, 598, 599)
_BUSY = "too many requests"  # what 4me's API says in a 500, too (official clients)
_MOST_WORDS = 4096  # bytes of an answer that only says that


def _asks_to_wait(response: requests.Response) -> bool:
    status = response.status_code
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return "Retry-After" in response.headers
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return _message_of(response.content or b"").strip(" .").lower() == _BUSY
    return status == HTTPStatus.TOO_MANY_REQUESTS


def _message_of(content: bytes) -> str:
    """Return what an answer's JSON says in `message`; nothing where it has none."""
    try:
        answer = json.loads(content) if len(content) <= _MOST_WORDS else None
    except (ValueError, RecursionError):
        return ""
    return str(answer.get("message")) if isinstance(answer, dict) else ""


def _spelled(status: int) -> str:
    """Return a status with its standard phrase; the server's own words may be anything."""
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)


def _redirected(response: requests.Response) -> RedirectError:
    place = _place_of(response.headers.get("Location", ""))
    return RedirectError(
        f"{urlsplit(response.request.url or '').hostname} answered with a redirect "
        f"({response.status_code}){' to ' + quote(place) if place else ''}; the step never follows "
        "one, since it would hand the access token to whoever is there.",
        cause="the host is an address for people rather than the API's, or has moved",
        fix=f"If {quote(place)} is the address of 4me's API, set the connection's host to it."
        if place
        else "Check the connection's host.",
        status=response.status_code,
        trace_id=trace_id_of(response),
    )


def _place_of(location: str) -> str:
    """Return the scheme and host of a redirect's target; nothing when it has none."""
    try:
        target = urlsplit(location)
    except ValueError:
        return ""
    return f"{target.scheme}://{target.netloc.rpartition('@')[2]}" if target.netloc else ""


def _retry_after(headers: Mapping[str, str], clock: Clock) -> tuple[float | None, datetime | None]:
    """Return the seconds to wait, and when that is over in the server's time; or None, None."""
    text = headers.get("Retry-After", "").strip()
    start = server_time(headers)
    if start is None:
        start = clock.now()
    if text.isascii() and text.isdigit():
        seconds = float(text[:10]) if len(text) <= len(str(_LONGEST_RETRY_AFTER)) else float("inf")
    else:
        date = _date(text)
        if date is None:
            return None, None
        seconds = max(date - start, 0.0)
    seconds = min(seconds, _LONGEST_RETRY_AFTER)
    return seconds, _moment(start + seconds)


def _moment(time: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(time, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def server_time(headers: Mapping[str, str]) -> float | None:
    """Return an answer's `Date` as seconds since the epoch; None when there is no valid one."""
    return _date(headers.get("Date", ""))


def _date(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def trace_id_of(response: requests.Response) -> str | None:
    """Return the service's own id of an answer; None without one that looks like an id.

    It is printed, and a service may put anything there.
    """
    trace_id = response.headers.get("X-Request-Id", "")
    return trace_id if re.fullmatch(r"[0-9A-Za-z._:/+=-]{1,128}", trace_id) else None


def classify_exception(error: Exception, *, unsent: bool) -> AttemptFailed | StepError:
    """Say what an exception of requests, urllib3 or the socket below means.

    Args:
        error: the exception.
        unsent: whether the server cannot have acted since the body never left.
    """
    roots = tuple(_causes(error))
    if any(isinstance(root, ssl.SSLCertVerificationError) for root in roots):
        return _untrusted(error, roots)
    if any(getattr(root, "library", None) in _CA_FILES for root in roots):
        return ConfigError(
            "The file that REQUESTS_CA_BUNDLE names holds no CA certificates.",
            fix="Put the certificates there as PEM, or leave the variable out.",
        )
    tunnel = next(filter(None, map(_no_tunnel, roots)), None)
    if tunnel and tunnel["status"] in _PROXY_REFUSES:
        return ConfigError(
            f"The proxy refuses the step: {quote(tunnel['words'])}.",
            fix="Let the proxy allow 4me's host; put its user name and password, if it wants any, "
            "into HTTPS_PROXY.",
        )
    if isinstance(error, _MISUSE) or (unsent and isinstance(error, _MISUSE_IF_UNSENT)):
        return ConfigError(
            f"The service cannot be called: {type(error).__name__}.",
            fix="Check the host, METADATA_API_URL and HTTPS_PROXY.",
        )
    what = quote(_innermost(roots))
    missing = next((root for root in roots if isinstance(root, socket.gaierror)), None)
    if missing is not None and missing.errno in _NO_SUCH_HOST:
        return AttemptFailed(
            FailureKind.UNKNOWN_HOST, f"{_host_of(error, roots)} does not exist ({what})"
        )
    if unsent or isinstance(error, _NEVER_SENT) or any(isinstance(r, _REFUSED) for r in roots):
        return AttemptFailed(FailureKind.NOT_SENT, f"no connection ({what})")
    if isinstance(error, _TIMED_OUT) or any(isinstance(root, _TIMED_OUT) for root in roots):
        return AttemptFailed(FailureKind.TIMEOUT, "it did not answer in time")
    return AttemptFailed(FailureKind.SERVER_ERROR, f"the connection was lost ({what})")


_CA_FILES = ("X509", "PEM")
_TUNNEL = re.compile(r"Tunnel connection failed: (?P<words>(?P<status>[0-9]{3})\b.*)", re.DOTALL)
_PROXY_REFUSES = ("403", "407")
_NO_SUCH_HOST = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
# What the exceptions of requests and urllib3 mean; tests walk all of their classes.
_NEVER_SENT = (requests.ConnectTimeout, requests.exceptions.ProxyError)
_REFUSED = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
)
_TIMED_OUT = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
_MISUSE = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    urllib3.exceptions.LocationValueError,
    urllib3.exceptions.URLSchemeUnknown,
)


# The same where it is about the call; about an answer, it is a server that breaks HTTP's rules.
_MISUSE_IF_UNSENT = (requests.exceptions.InvalidHeader,)


def _no_tunnel(root: BaseException) -> re.Match[str] | None:
    """Return what a proxy answered that does not connect; a broken answer may say the same."""
    return _TUNNEL.fullmatch(str(root)) if isinstance(root, OSError) else None


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


def _innermost(roots: tuple[BaseException, ...]) -> str:
    """Return the words of the system's own error, or else the name of the last cause."""
    for root in roots:
        if isinstance(root, ssl.SSLError) and getattr(root, "reason", None):
            return root.reason
        tunnel = _no_tunnel(root)
        if tunnel:
            return f"the proxy answered {tunnel['words']}"
        if isinstance(root, OSError) and root.strerror:
            return root.strerror
    return type(roots[-1]).__name__


def _host_of(error: Exception, roots: tuple[BaseException, ...]) -> str:
    """Return what messages call the host that a connection was to be made to."""
    if any(isinstance(root, urllib3.exceptions.ProxyError) for root in roots):
        return "the proxy that HTTPS_PROXY names"
    request = getattr(error, "request", None)
    return f"the host {quote(urlsplit(getattr(request, 'url', None) or '').hostname or '')}"


def _untrusted(error: Exception, roots: tuple[BaseException, ...]) -> CertificateError:
    reason = next(
        root.verify_message for root in roots if isinstance(root, ssl.SSLCertVerificationError)
    )
    request = getattr(error, "request", None)
    name = urlsplit(getattr(request, "url", None) or "").hostname or "the server"
    return CertificateError(
        f"The certificate of {name} is not trusted: {quote(reason)}.",
        cause="the host has a certificate of a private CA, or a proxy opens the connection",
        fix="Mount the CA's certificate (PEM) into the container and name it in "
        "REQUESTS_CA_BUNDLE. Certificates are always checked.",
    )
