"""The clock of a service, which may be skewed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

#: The time zone of the sandbox's account: timestamps in responses have its offset.
ACCOUNT_ZONE = timezone(timedelta(hours=-6))


@dataclass(frozen=True)
class Clock:
    """The time as a service sees it.

    Attributes:
        skew: Seconds that the clock is ahead of the true time; negative when it is behind.
    """

    skew: float = 0.0

    def now(self) -> datetime:
        """Return the service's time, in the account's zone."""
        return datetime.now(ACCOUNT_ZONE) + timedelta(seconds=self.skew)

    def timestamp(self) -> str:
        """Return the service's time as 4me writes it, such as `2026-11-21T10:00:00-06:00`."""
        return self.now().isoformat(timespec="seconds")

    def http_date(self, later: float = 0.0) -> str:
        """Return the service's time in `later` seconds, as HTTP headers write it."""
        return format_datetime(self.now().astimezone(UTC) + timedelta(seconds=later), usegmt=True)
