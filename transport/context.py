"""What all calls of a run share (limits, clock, trusted CAs), and the time they may spend."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, NamedTuple

from process.errors import ConfigError
from process.logs import quote
from process.signals import terminated_error

if TYPE_CHECKING:
    from process.clock import Clock
    from process.settings import Settings


class RunContext(NamedTuple):
    """The limits and the clock of a run."""

    settings: Settings
    clock: Clock

    @property
    def timeout(self) -> tuple[float, float]:
        """The timeouts for connecting and reading, in the form that requests expects."""
        return (self.settings.connect_timeout, self.settings.read_timeout)

    @property
    def max_attempt_time(self) -> float:
        """The limit for one attempt: to connect, to wait for the response, to read it."""
        return self.settings.connect_timeout + 2 * self.settings.read_timeout

    def raise_if_terminated(self) -> None:
        """Raise TerminatedError if SIGTERM has come, before anything is changed."""
        if self.clock.terminated:
            raise terminated_error()

    @property
    def verify(self) -> bool | str:
        """What requests checks certificates against.

        Raises:
            ConfigError: the CA bundle that the environment names cannot be read.
        """
        bundle = self.settings.ca_bundle
        if bundle is None:
            return True
        try:
            if os.path.isdir(bundle):  # noqa: PTH112  pathlib costs start-up time
                os.listdir(bundle)  # noqa: PTH208  likewise
            else:
                with open(bundle, "rb") as file:  # noqa: PTH123  likewise
                    file.read(1)
        except OSError as error:
            raise ConfigError(
                f"REQUESTS_CA_BUNDLE names {quote(bundle)}, which cannot be read: "
                f"{error.strerror}.",
                fix="Mount the PEM file with your CA there, readable for the step's user, or "
                "leave the variable out.",
            ) from error
        return bundle


class RateLimitUsage:
    """The seconds that rate limits have cost a run: waits, and attempts that were rejected."""

    __slots__ = ("seconds",)

    def __init__(self) -> None:
        self.seconds = 0.0


class RetryBudget:
    """The seconds that one operation, with all calls that belong to it, may still spend."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        max_time: float = math.inf,
        usage: RateLimitUsage | None = None,
    ) -> None:
        """Start the time; `max_time` limits both times, `usage` is shared within a run."""
        self.clock = clock
        self._started = clock.monotonic()
        self._retry_time = min(settings.retry_time, max_time)
        self._throttle_time = min(settings.rate_limit_time, max_time)
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
        """Charge what a rate limit has cost: the attempt that was rejected, or the wait."""
        self._rate_limited += seconds
        self._usage.seconds += seconds
