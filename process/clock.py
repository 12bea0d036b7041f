"""Time, waiting, chance and termination: what a test replaces so as not to sleep."""

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
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol

from process.errors import OutcomeUnknownError, OutputError, TerminatedError
from process.exit_codes import ExitCode
from process.logs import encode_utf8, escape_controls, escape_workflow_commands, truncate_line
from process.settings import TERMINATION_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from process.errors import StepError

logger = logging.getLogger("step.signals")

_ALARM_AGAIN = 0.5  # seconds; whoever swallows a TimeoutError meets the next one
_AT_ONCE = 0.001  # seconds; a timer of 0 would be none
_WATCH_MARGIN = 2.0  # seconds that the main thread has to end by itself, before the watch ends it
_STDERR = 2
_TERMINATING = (signal.SIGTERM, signal.SIGINT)


class CallInFlight(NamedTuple):
    """What the step is doing, and what it means when it is not finished.

    Attributes:
        purpose: as in "The step could not ...".
        abandoned: says the exit code where the process has to end in the middle of it: TRY_LATER
            for what is safe to repeat, PROTOCOL for what may have been applied, IO after that.
    """

    purpose: str
    exit_code_if_killed: Callable[[], ExitCode]


class Clock(Protocol):
    """What the retry loop knows of the outside world; all times in seconds."""

    @property
    def terminated(self) -> bool:
        """Whether the engine has asked the step to end."""
        ...  # pragma: no cover - a protocol's body never runs

    @property
    def time_left(self) -> float:
        """Seconds left since the engine has asked the step to end; endless before."""
        ...  # pragma: no cover - a protocol's body never runs

    def monotonic(self) -> float:
        """Return a time that only grows, for measuring."""
        ...  # pragma: no cover - a protocol's body never runs

    def now(self) -> float:
        """Return the time of day, as seconds since the epoch."""
        ...  # pragma: no cover - a protocol's body never runs

    def random(self) -> float:
        """Return a random number, at least 0 and less than 1."""
        ...  # pragma: no cover - a protocol's body never runs

    def wait(self, seconds: float) -> bool:
        """Wait; return False, at once, when the engine asks the step to end."""
        ...  # pragma: no cover - a protocol's body never runs

    def sleep(self, seconds: float) -> None:
        """Wait, whatever the engine asks."""
        ...  # pragma: no cover - a protocol's body never runs

    def time_limit(self, seconds: float) -> AbstractContextManager[None]:
        """Return a context in which TimeoutError is raised when it takes too long.

        Once the engine asks the step to end, `time_left` is the limit.
        """
        ...  # pragma: no cover - a protocol's body never runs

    def interruptible(self) -> AbstractContextManager[None]:
        """Return a context that ends with TerminatedError as soon as the engine asks for it."""
        ...  # pragma: no cover - a protocol's body never runs

    def in_flight(
        self, purpose: str, exit_code_if_killed: Callable[[], ExitCode]
    ) -> AbstractContextManager[None]:
        """Return a context for what is being done; see `CallInFlight`."""
        ...  # pragma: no cover - a protocol's body never runs

    def mark_applied(self) -> None:
        """Note that the update was made: from now on an end in the middle means IO."""
        ...  # pragma: no cover - a protocol's body never runs


class SystemClock:
    """The real thing.

    A signal handler writes to a pipe on which `wait` sleeps, so that a signal can neither be
    missed nor deadlock with what it interrupts. A call in flight is not disturbed (PEP 475) until
    its limit, which the signal brings forward: SIGALRM's handler raises.
    """

    def __init__(self) -> None:
        self._ends_at = math.inf  # by `monotonic`, once a signal has come
        self._limit_ends: float | None = None  # by the system's monotonic time; None: no limit
        self._is_abortable = False
        self._calls = [CallInFlight("start", lambda: ExitCode.TRY_LATER)]
        self._is_applied = False
        self._wakeup, self._alarm = os.pipe()

    def handle_signals(self) -> None:
        """Take SIGTERM and SIGINT, also as PID 1, where they would otherwise be ignored."""
        for number in _TERMINATING:
            signal.signal(number, lambda *_: self.terminate())

    def start_watchdog(self) -> None:
        """End the process some seconds after a signal, even if the main thread cannot.

        Python runs no signal handler while it is inside C code, such as the lookup of a name, and
        one that raises does not help where a full pipe keeps a log line from being written.
        """
        from threading import Thread  # noqa: PLC0415  the tests' clocks need none

        woken, wake = os.pipe()
        os.set_blocking(wake, False)
        # The thread inherits this mask: signals have to interrupt the main thread.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        try:
            Thread(target=self._watch, args=(woken,), daemon=True).start()
        except RuntimeError:  # no more threads here; signals mostly work without
            return
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)

    def terminate(self) -> None:
        """Note that the step shall end, soon or, when told twice, at once."""
        if self.terminated:
            self._ends_at = -math.inf
        else:
            self._ends_at = self.monotonic() + TERMINATION_TIME
            os.write(self._alarm, b"!")
        if self._is_abortable:
            self._is_abortable = False
            raise terminated()
        if self._limit_ends is not None:
            logger.warning(
                "The step was asked to end; it still tries to %s, for %.0f s at most.",
                self._calls[-1].purpose,
                max(self.time_left, 0),
            )
            self._set_alarm()

    @property
    def terminated(self) -> bool:
        """Whether a signal has come."""
        return self._ends_at < math.inf

    @property
    def time_left(self) -> float:
        """Seconds until the deadline that a signal sets; endless before."""
        return self._ends_at - self.monotonic()

    def monotonic(self) -> float:
        """Return the system's monotonic time."""
        return time.monotonic()

    def now(self) -> float:
        """Return the system's time of day."""
        return time.time()

    def random(self) -> float:
        """Return a random number for jitter."""
        return random.random()  # noqa: S311  jitter, not cryptography

    def wait(self, seconds: float) -> bool:
        """Sleep for `seconds`; return False as soon as a signal has come."""
        select.select([self._wakeup], [], [], max(seconds, 0))
        return not self.terminated

    def sleep(self, seconds: float) -> None:
        """Sleep for `seconds`, also after a signal, but not beyond a limit."""
        with suppress(TimeoutError):  # whatever comes next meets it again
            time.sleep(max(seconds, 0))

    @contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        """Raise TimeoutError, as a socket would, when the context takes longer than `seconds`.

        A socket's own timeout begins anew with every byte; this one does not. It works in the
        main thread alone, where the step makes its calls. A limit inside another one cannot
        prolong it.
        """
        outer = self._limit_ends
        before = signal.signal(signal.SIGALRM, self._time_out)
        ends = time.monotonic() + seconds
        self._limit_ends = ends if outer is None else min(ends, outer)
        try:
            self._set_alarm()
            yield
        finally:
            self._limit_ends = outer  # first: an alarm on its way then finds nothing to end
            self._set_alarm()
            signal.signal(signal.SIGALRM, before)

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Raise TerminatedError in the context as soon as a signal comes, or if one has come."""
        if self.terminated:
            raise terminated()
        self._is_abortable = True
        try:
            yield
        finally:
            self._is_abortable = False

    @contextmanager
    def in_flight(
        self, purpose: str, exit_code_if_killed: Callable[[], ExitCode]
    ) -> Iterator[None]:
        """Note what is being done, for the message after a signal; see `CallInFlight`."""
        self._calls.append(CallInFlight(purpose, exit_code_if_killed))
        try:
            yield
        finally:
            self._calls.pop()

    def mark_applied(self) -> None:
        """Note that the update was made: from now on an end in the middle means IO."""
        self._calls[0] = CallInFlight("publish the output", lambda: ExitCode.IO)
        self._is_applied = True

    def _set_alarm(self) -> None:
        if self._limit_ends is None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            return
        left = min(self._limit_ends - time.monotonic(), self.time_left)
        seconds = 0.0 if left == math.inf else max(left, _AT_ONCE)
        signal.setitimer(signal.ITIMER_REAL, seconds, _ALARM_AGAIN)

    def _time_out(self, *_: object) -> None:
        if self._limit_ends is not None:
            raise TimeoutError(errno.ETIMEDOUT, "it took too long")

    def _watch(self, woken: int) -> None:
        while not _is_asked(woken):
            pass
        deadline = time.monotonic() + TERMINATION_TIME + _WATCH_MARGIN
        while (left := deadline - time.monotonic()) > 0:
            if select.select([woken], [], [], left)[0] and _is_asked(woken):
                deadline = min(deadline, time.monotonic() + _WATCH_MARGIN)
        self._give_up()

    def _give_up(self) -> NoReturn:
        """End the process, with an error if anybody reads standard error."""
        call = self._calls[min(1, len(self._calls) - 1)]  # the outermost knows what is in doubt
        error = _abandoned_error(
            call.purpose, ExitCode.IO if self._is_applied else call.exit_code_if_killed()
        )
        lines = [
            truncate_line(escape_workflow_commands(escape_controls(line)))
            for line in f"ERROR: {error}".split("\n")
        ]
        if select.select([], [_STDERR], [], 0)[1]:
            os.write(_STDERR, encode_utf8("\n".join([*lines, ""])))
        os._exit(error.exit_code)


def _is_asked(woken: int) -> bool:
    """Wait for signals; return whether one of them asks the step to end."""
    return any(number in _TERMINATING for number in os.read(woken, 64))


def terminated() -> TerminatedError:
    """Return the error of a step that is asked to end before it has sent anything."""
    return TerminatedError(
        "The step was asked to end before it sent the update.",
        cause="the engine cancelled the run, or its time was up",
        fix="Run the step again.",
    )


def _abandoned_error(purpose: str, code: ExitCode) -> StepError:
    """Return the error of a process that ends in the middle of something."""
    what = f"The step was asked to end, and could not {purpose} in time."
    if code is ExitCode.PROTOCOL:
        return OutcomeUnknownError(what, fix="Look at the request before you run the step again.")
    if code is ExitCode.IO:
        return OutputError(what, fix="Go on with the workflow by hand.")
    return TerminatedError(what, fix="Run the step again.")
