"""A clock that moves only when it is waited on or advanced."""

from __future__ import annotations

import math
from contextlib import nullcontext
from typing import TYPE_CHECKING

from process.settings import TERMINATION_TIME

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from process.exit_codes import ExitCode


class FakeClock:
    """Stands in for `process.clock.SystemClock`; all times in seconds.

    Attributes:
        waits: every wait that was asked for.
        calls: what each call was for, and what returns the exit code if it is aborted.
        applied: whether the update was applied.
        terminate_at: the monotonic time at which the engine asks the step to end.
    """

    def __init__(
        self, *, now: float = 1_700_000_000.0, jitter: float = 1.0, terminate_at: float = math.inf
    ) -> None:
        """Start at monotonic time 0; `jitter` is every random number."""
        self.waits: list[float] = []
        self.calls: list[tuple[str, Callable[[], ExitCode]]] = []
        self.applied = False
        self.terminate_at = terminate_at
        self._started = now
        self._elapsed = 0.0
        self._jitter = jitter

    @property
    def terminated(self) -> bool:
        """Whether `terminate_at` has come."""
        return self._elapsed >= self.terminate_at

    @property
    def time_left(self) -> float:
        """Return the seconds until the deadline; endless before `terminate_at`."""
        ends_at = self.terminate_at + TERMINATION_TIME if self.terminated else math.inf
        return ends_at - self._elapsed

    def monotonic(self) -> float:
        """Return the seconds since the start."""
        return self._elapsed

    def now(self) -> float:
        """Return the time of day."""
        return self._started + self._elapsed

    def random(self) -> float:
        """Return the same number each time."""
        return self._jitter

    def advance(self, seconds: float) -> None:
        """Advance the clock."""
        self._elapsed += seconds

    def wait(self, seconds: float) -> bool:
        """Record the wait and advance, at most until `terminate_at`."""
        self.waits.append(seconds)
        if self._elapsed + seconds < self.terminate_at:
            self._elapsed += seconds
            return True
        self._elapsed = max(self._elapsed, self.terminate_at)
        return False

    def sleep(self, seconds: float) -> None:
        """Record the wait and advance."""
        self.waits.append(seconds)
        self._elapsed += seconds

    def time_limit(self, _seconds: float) -> AbstractContextManager[None]:
        """Set no limit: sockets have timeouts of their own."""
        return nullcontext()

    def interruptible(self) -> AbstractContextManager[None]:
        """Abort nothing: no signal arrives."""
        return nullcontext()

    def in_flight(
        self, purpose: str, exit_code_if_killed: Callable[[], ExitCode]
    ) -> AbstractContextManager[None]:
        """Record what is being done, and the exit code if it were aborted."""
        self.calls.append((purpose, exit_code_if_killed))
        return nullcontext()

    def mark_applied(self) -> None:
        """Record that the update was applied."""
        self.applied = True
