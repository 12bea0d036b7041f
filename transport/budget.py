"""The seconds that a call may spend on retries and rate limits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from process.clock import Clock
    from process.settings import Settings


class RateLimitUsage:
    """What rate limits have cost a run so far.

    Attributes:
        seconds: the waits, and the attempts that were turned away.
    """

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds = 0.0


class RetryBudget:
    """The seconds that one operation, with all calls that belong to it, may still spend.

    Attributes:
        clock: measures the time.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        max_time: float = math.inf,
        usage: RateLimitUsage | None = None,
    ) -> None:
        """Start the time of an operation.

        Args:
            settings: what may be spent.
            clock: the clock of the run.
            max_time: limits both times below the settings'.
            usage: what rate limits have cost the run before; None: nothing.
        """
        self.clock = clock
        self._started = clock.monotonic()
        self._retry_time = min(settings.retry_time, max_time)
        self._throttle_time = min(settings.throttle_time, max_time)
        self._rate_limited = 0.0
        self._usage = usage or RateLimitUsage()

    @property
    def retry_left(self) -> float:
        """Seconds left for retries; what rate limits have cost does not count."""
        return self._retry_time - (self.clock.monotonic() - self._started - self._rate_limited)

    @property
    def rate_limit_left(self) -> float:
        """Seconds left for rate limits, of all that the run may spend on them."""
        return self._throttle_time - self._usage.seconds

    def charge_rate_limit(self, seconds: float) -> None:
        """Charge what a rate limit has cost: the attempt that was turned away, or the wait."""
        self._rate_limited += seconds
        self._usage.seconds += seconds
