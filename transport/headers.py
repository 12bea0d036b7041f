"""What the headers of a response say."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from process.clock import Clock

_MAX_RETRY_AFTER = 10**9  # seconds; more is as good as never


class RetryAfter(NamedTuple):
    """When a server wants to be asked again.

    Attributes:
        seconds: how long to wait; None when it does not say.
        until: when that is over, in the server's time; None when it does not say.
    """

    seconds: float | None = None
    until: datetime | None = None


NO_RETRY_AFTER = RetryAfter()


def retry_after_of(headers: Mapping[str, str], clock: Clock) -> RetryAfter:
    """Return what `Retry-After` says: seconds, or a date."""
    text = headers.get("Retry-After", "").strip()
    now = server_time(headers)
    if now is None:
        now = clock.now()
    if text.isascii() and text.isdigit():
        seconds = float(text[:10]) if len(text) <= len(str(_MAX_RETRY_AFTER)) else float("inf")
    else:
        date = _seconds_of(text)
        if date is None:
            return NO_RETRY_AFTER
        seconds = max(date - now, 0.0)
    seconds = min(seconds, _MAX_RETRY_AFTER)
    return RetryAfter(seconds, _datetime_of(now + seconds))


def server_time(headers: Mapping[str, str]) -> float | None:
    """Return `Date` as seconds since the epoch; None when there is no valid one."""
    return _seconds_of(headers.get("Date", ""))


def trace_id_of(response: requests.Response) -> str | None:
    """Return `X-Request-Id`; None without one that looks like an id.

    It is printed, and a service may put anything there.
    """
    trace_id = response.headers.get("X-Request-Id", "")
    return trace_id if re.fullmatch(r"[0-9A-Za-z._:/+=-]{1,128}", trace_id) else None


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
