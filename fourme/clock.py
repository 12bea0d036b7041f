"""Time, waiting, chance and termination: what a test replaces so as not to sleep."""

from __future__ import annotations

import os
import random
import select
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager


class Clock(Protocol):
    """What the retry loop knows of the outside world; all times in seconds."""

    @property
    def terminated(self) -> bool:
        """Whether the engine has asked the step to end."""
        ...  # pragma: no cover - a protocol's body never runs

    def monotonic(self) -> float:
        """Return a time that only grows, for measuring."""
        ...  # pragma: no cover - a protocol's body never runs

    def now(self) -> float:
        """Return the time of day, as seconds since the epoch."""
        ...  # pragma: no cover - a protocol's body never runs

    def draw(self) -> float:
        """Return a random number, at least 0 and less than 1."""
        ...  # pragma: no cover - a protocol's body never runs

    def wait(self, seconds: float) -> bool:
        """Wait; return False, at once, when the engine asks the step to end."""
        ...  # pragma: no cover - a protocol's body never runs

    def pause(self, seconds: float) -> None:
        """Wait, whatever the engine asks."""
        ...  # pragma: no cover - a protocol's body never runs

    def limit(self, seconds: float) -> AbstractContextManager[None]:
        """Return a context in which TimeoutError is raised when it takes too long."""
        ...  # pragma: no cover - a protocol's body never runs


class SystemClock:
    """The real thing.

    A signal handler writes to a pipe on which `wait` sleeps, so that a signal can neither be
    missed nor deadlock with what it interrupts; a call in flight is not disturbed (PEP 475).
    """

    def __init__(self) -> None:
        self._terminated = False
        self._wakeup, self._alarm = os.pipe()

    def listen(self) -> None:
        """Take SIGTERM and SIGINT, also as PID 1, where they would otherwise be ignored."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.terminate())

    def terminate(self) -> None:
        """Note that the step shall end, and wake `wait`."""
        if not self._terminated:
            self._terminated = True
            os.write(self._alarm, b"!")

    @property
    def terminated(self) -> bool:
        """Whether a signal has come."""
        return self._terminated

    def monotonic(self) -> float:
        """Return the system's monotonic time."""
        return time.monotonic()

    def now(self) -> float:
        """Return the system's time of day."""
        return time.time()

    def draw(self) -> float:
        """Return a random number for jitter."""
        return random.random()  # noqa: S311  jitter, not cryptography

    def wait(self, seconds: float) -> bool:
        """Sleep for `seconds`; return False as soon as a signal has come."""
        select.select([self._wakeup], [], [], max(seconds, 0))
        return not self._terminated

    def pause(self, seconds: float) -> None:
        """Sleep for `seconds`, also after a signal."""
        time.sleep(max(seconds, 0))

    @contextmanager
    def limit(self, seconds: float) -> Iterator[None]:
        """Raise TimeoutError, as a socket would, when the context takes longer than `seconds`.

        A socket's own timeout begins anew with every byte; this one does not. It works in the
        main thread alone, where the step makes its calls.
        """
        before = signal.signal(signal.SIGALRM, _time_out)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


def _time_out(*_: object) -> NoReturn:
    raise TimeoutError("it took too long")
