"""Attempts that failed, and which responses are failures."""

from __future__ import annotations

import json
from enum import Enum
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from process.errors import RedirectError
from process.logs import quote
from transport.headers import retry_after_of, trace_id_of

if TYPE_CHECKING:
    import requests

    from process.clock import Clock
    from transport.headers import RetryAfter


# The client, or a gateway that waited for the service, timed out; the service may still be
# processing the call. 522 and 524 are Cloudflare's, 598 and 599 those of other proxies.
_TIMEOUTS = (408, 504, 522, 524, 598, 599)
_RATE_LIMIT_MESSAGE = "too many requests"  # 4me's API also sends it with a 500 (official clients)
_MAX_MESSAGE_BYTES = 4096  # of a response that has only this message


class FailureKind(Enum):
    """How an attempt failed, and so whether the server may have processed the call."""

    NOT_SENT = "not sent"  # no connection, or not all of the body was sent: not processed
    UNKNOWN_HOST = "unknown host"  # the resolver knows no such host: not processed
    RATE_LIMITED = "rate limited"  # 429, 503 with Retry-After, 500 that says so: not processed
    SERVER_ERROR = "server error"  # connection lost, response cut off, most 5xx: unknown
    TIMEOUT = "timeout"  # no response in time, 408, 504 and the like: may still be processed
    INVALID_RESPONSE = "invalid response"  # a complete one that is not JSON: unknown
    NOT_APPLIED = "not applied"  # a verification did not find the update


#: After these it is unknown whether the call was processed.
AMBIGUOUS = (FailureKind.SERVER_ERROR, FailureKind.TIMEOUT, FailureKind.INVALID_RESPONSE)


class AttemptFailed(Exception):  # noqa: N818  not an error yet: the policy decides
    """An attempt without a usable response.

    Attributes:
        kind: for the retry policy.
        reason: for messages, after "4me: ".
        retry_after: seconds that the server asks to wait; None if it does not.
        until: when that wait is over, in the server's time; None if it is not known.
        status: HTTP status of the response, if there was one.
        trace_id: its X-Request-Id, if there was one.
    """

    def __init__(
        self,
        kind: FailureKind,
        reason: str,
        *,
        retry_after: RetryAfter | None = None,
        status: int | None = None,
        trace_id: str | None = None,
    ) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.retry_after = retry_after.seconds if retry_after else None
        self.until = retry_after.until if retry_after else None
        self.status = status
        self.trace_id = trace_id

    @classmethod
    def from_response(
        cls,
        response: requests.Response,
        kind: FailureKind,
        reason: str,
        retry_after: RetryAfter | None = None,
    ) -> AttemptFailed:
        """Return the failure of a response; `reason` follows its status in the message."""
        return cls(
            kind,
            f"it answered {_status_text(response.status_code)}{reason}",
            retry_after=retry_after,
            status=response.status_code,
            trace_id=trace_id_of(response),
        )


def raise_for_status(
    response: requests.Response, clock: Clock, retry_statuses: frozenset[int]
) -> None:
    """Accept a status from 200 to 299, or from 400 to 499 but 408 and 429.

    Raises:
        RedirectError: it is a redirect.
        AttemptFailed: it is 429, 408, 5xx, one of `retry_statuses`, or no final answer.
    """
    status = response.status_code
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise _redirected(response)
    if _is_rate_limited(response):
        wait = retry_after_of(response.headers, clock)
        reason = " and asks to wait" + (f" {wait.seconds:.0f} s" if wait.seconds else "")
        raise AttemptFailed.from_response(response, FailureKind.RATE_LIMITED, reason, wait)
    if status in _TIMEOUTS:
        raise AttemptFailed.from_response(response, FailureKind.TIMEOUT, "")
    is_final = HTTPStatus.OK <= status < HTTPStatus.INTERNAL_SERVER_ERROR
    if not is_final or status in retry_statuses:
        raise AttemptFailed.from_response(response, FailureKind.SERVER_ERROR, "")


def _is_rate_limited(response: requests.Response) -> bool:
    status = response.status_code
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return "Retry-After" in response.headers
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return _message_of(response.content or b"").strip(" .").lower() == _RATE_LIMIT_MESSAGE
    return status == HTTPStatus.TOO_MANY_REQUESTS


def _message_of(content: bytes) -> str:
    """Return `message` of a JSON response; empty without one."""
    try:
        answer = json.loads(content) if len(content) <= _MAX_MESSAGE_BYTES else None
    except (ValueError, RecursionError):
        return ""
    return str(answer.get("message")) if isinstance(answer, dict) else ""


def _status_text(status: int) -> str:
    """Return a status with its standard phrase; the server's own may be any text."""
    try:
        return f"{status} ({HTTPStatus(status).phrase})"
    except ValueError:
        return str(status)


def _redirected(response: requests.Response) -> RedirectError:
    origin = _origin_of(response.headers.get("Location", ""))
    return RedirectError(
        f"{urlsplit(response.request.url or '').hostname} answered with a redirect "
        f"({response.status_code}){' to ' + quote(origin) if origin else ''}; the step never "
        "follows one, since it would hand the access token to whoever is there.",
        cause="the host is an address for people rather than the API's, or has moved",
        fix=f"If {quote(origin)} is the address of 4me's API, set the connection's host to it."
        if origin
        else "Check the connection's host.",
        status=response.status_code,
        trace_id=trace_id_of(response),
    )


def _origin_of(location: str) -> str:
    """Return the scheme and host of a redirect's target; empty when it has no host."""
    try:
        target = urlsplit(location)
    except ValueError:
        return ""
    return f"{target.scheme}://{target.netloc.rpartition('@')[2]}" if target.netloc else ""
