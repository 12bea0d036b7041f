"""Time, waiting and randomness, as the calls of a run need them; tests replace the clock."""

from __future__ import annotations

import errno
import logging
import math
import os
import random
import select
import signal
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from process.settings import TERMINATION_TIME
from process.signals import CallsInFlight, terminated_error

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger("step.signals")

# Seconds. Code that swallows a TimeoutError gets the next one; where the first one ends a limit,
# the outer limit leaves that much time for it to be handled.
_ALARM_INTERVAL = 2.0
_MIN_TIMER = 0.001  # seconds; a timer of 0 would be switched off


class Clock(CallsInFlight):
    """The clock of a run, whose `terminate` is called by a signal handler; all times in seconds.

    The handler writes to a pipe on which `wait` sleeps, so a signal can neither be missed nor
    deadlock with the code that it interrupts. A call in flight goes on (PEP 475) until its time
    limit, which termination shortens: the handler of SIGALRM raises.
    """

    def __init__(self) -> None:
        super().__init__()
        self._deadline = math.inf  # as `monotonic`; set by termination
        self._limit_ends: float | None = None  # as `time.monotonic`; None: no limit
        self._is_interruptible = False
        self._wakeup, self._wakeup_writer = os.pipe()

    def terminate(self) -> None:
        """Set the deadline: `TERMINATION_TIME` from now, or now when called again.

        Raises:
            TerminatedError: within `interruptible`.
        """
        if self.terminated:
            self._deadline = -math.inf
        else:
            self._deadline = self.monotonic() + TERMINATION_TIME
            os.write(self._wakeup_writer, b"!")
        if self._is_interruptible:
            self._is_interruptible = False
            raise terminated_error()
        if self._limit_ends is not None:
            logger.warning(
                "The step was terminated (SIGTERM); it still tries to %s, for %.0f s at most.",
                self.purpose,
                max(self.time_left, 0),
            )
            self._set_timer()

    @property
    def terminated(self) -> bool:
        """Whether the engine has terminated the step."""
        return self._deadline < math.inf

    @property
    def time_left(self) -> float:
        """Time until the deadline that termination sets; infinite before."""
        return self._deadline - self.monotonic()

    def monotonic(self) -> float:
        """Return a time that never goes back, to measure durations."""
        return time.monotonic()

    def now(self) -> float:
        """Return the time of day, since the epoch."""
        return time.time()

    def random(self) -> float:
        """Return a random number, at least 0 and less than 1."""
        return random.random()  # noqa: S311  jitter, not cryptography

    def wait(self, seconds: float) -> bool:
        """Wait; on termination return False at once."""
        select.select([self._wakeup], [], [], max(seconds, 0))
        return not self.terminated

    def sleep(self, seconds: float) -> None:
        """Wait, also after termination, but not beyond a time limit."""
        with suppress(TimeoutError):  # the caller's next operation gets another one
            time.sleep(max(seconds, 0))

    @contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        """Raise TimeoutError, as a socket would, when the context takes longer than `seconds`.

        A socket's own timeout starts anew with every byte; this one does not. It works in the main
        thread only. Neither a nested limit nor one after termination extends the time that is left.
        """
        outer = self._limit_ends
        handler = signal.signal(signal.SIGALRM, self._raise_timeout)
        ends = time.monotonic() + seconds
        self._limit_ends = ends if outer is None else min(ends, outer)
        try:
            self._set_timer()
            yield
        finally:
            self._limit_ends = outer  # first, so that a pending alarm raises nothing
            self._set_timer(_ALARM_INTERVAL)
            signal.signal(signal.SIGALRM, handler)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Raise TerminatedError in the context on termination, or at once after it."""
        if self.terminated:
            raise terminated_error()
        self._is_interruptible = True
        try:
            yield
        finally:
            self._is_interruptible = False

    def end_time_limits(self) -> None:
        """End all time limits: one that was interrupted as it ended would be in force still."""
        self._limit_ends = None
        self._set_timer()

    def _set_timer(self, if_expired: float = _MIN_TIMER) -> None:
        if self._limit_ends is None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            return
        left = min(self._limit_ends - time.monotonic(), self.time_left)
        seconds = 0.0 if left == math.inf else (left if left > 0 else if_expired)
        signal.setitimer(signal.ITIMER_REAL, seconds, _ALARM_INTERVAL)

    def _raise_timeout(self, *_: object) -> None:
        if self._limit_ends is not None:
            raise TimeoutError(errno.ETIMEDOUT, "it took too long")
