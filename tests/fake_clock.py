"""A clock that only moves when it is waited on or advanced."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

from process.clock import Clock
from process.settings import TERMINATION_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from process.exit_codes import ExitCode


class FakeClock(Clock):
    """A clock without a pipe, an alarm or a deadline of its own; all times in seconds.

    Attributes:
        waits: every wait that was asked for.
        calls: what was being done, and what returns the exit code if it is killed.
        applied: whether the update was made.
        repeatable: whether the run can be repeated without adding anything twice.
        terminate_at: the monotonic time at which the engine asks the step to end.
    """

    def __init__(
        self, *, now: float = 1_700_000_000.0, jitter: float = 1.0, terminate_at: float = math.inf
    ) -> None:
        """Start at monotonic time 0; `jitter` is every random number."""
        self.waits: list[float] = []
        self.calls: list[tuple[str, Callable[[], ExitCode]]] = []
        self.applied = False
        self.repeatable = False
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

    @contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:  # noqa: ARG002  as the real clock has it
        """Set no limit: sockets have timeouts of their own."""
        yield

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Interrupt nothing: no signal comes in the middle."""
        yield

    @contextmanager
    def in_flight(
        self, purpose: str, exit_code_if_terminated: Callable[[], ExitCode]
    ) -> Iterator[None]:
        """Record the call and its exit code if it is killed."""
        self.calls.append((purpose, exit_code_if_terminated))
        yield

    def mark_repeatable(self) -> None:
        """Record that the run can be repeated."""
        self.repeatable = True

    def mark_applied(self) -> None:
        """Record that the update was applied."""
        self.applied = True
