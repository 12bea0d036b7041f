"""Values of response headers."""

from __future__ import annotations

import string
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from process.clock import Clock

_MAX_RETRY_AFTER = 10**9  # seconds; more is as good as never
_TRACE_ID_CHARS = frozenset(string.ascii_letters + string.digits + "._:/+=-")
_MAX_TRACE_ID = 128


class RetryAfter(NamedTuple):
    """How long a server asks to wait; None if it does not."""

    seconds: float | None = None
    until: datetime | None = None  # in the server's time; None also if later than any datetime


def retry_after_of(headers: Mapping[str, str], clock: Clock) -> RetryAfter:
    """Return the value of `Retry-After`, which is a number of seconds or a date."""
    text = headers.get("Retry-After", "").strip()
    date = server_time(headers)
    now = clock.now() if date is None else date
    if text.isascii() and text.isdigit():
        seconds = float(text)
    else:
        until = _seconds_of(text)
        if until is None:
            return RetryAfter()
        seconds = max(until - now, 0.0)
    seconds = min(seconds, _MAX_RETRY_AFTER)
    return RetryAfter(seconds, _datetime_of(now + seconds))


def server_time(headers: Mapping[str, str]) -> float | None:
    """Return `Date` as seconds since the epoch; None when there is no valid one."""
    return _seconds_of(headers.get("Date", ""))


def trace_id_of(response: requests.Response) -> str | None:
    """Return `X-Request-Id`; None if it does not look like an id, since it is printed."""
    trace_id = response.headers.get("X-Request-Id", "")
    is_id = 0 < len(trace_id) <= _MAX_TRACE_ID and _TRACE_ID_CHARS.issuperset(trace_id)
    return trace_id if is_id else None


def _seconds_of(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def _datetime_of(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
