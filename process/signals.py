"""Termination by SIGTERM and SIGINT: the calls in flight, and the watchdog that ends the process.

docs/guarantees.md, section "Signals", has what users may rely on.
"""

from __future__ import annotations

import os
import select
import signal
import time
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING, NoReturn

from process.errors import OutcomeUnknownError, OutputError, TerminatedError
from process.exit_codes import ExitCode
from process.logs import encode_utf8, sanitize_lines
from process.settings import TERMINATION_TIME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from process.errors import StepError

TERMINATION_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_WATCHDOG_MARGIN = 2.0  # seconds that the main thread gets to exit before the watchdog does
_STDERR = 2
_RUN_AGAIN = "Run the step again."


class CallsInFlight:
    """The calls that have begun and not ended, each made within the one before."""

    def __init__(self) -> None:
        self._calls: list[tuple[str, Callable[[], ExitCode]]]
        self._calls = [("start", lambda: ExitCode.TRY_LATER)]
        self._is_applied = False
        self._is_repeatable = False

    @property
    def purpose(self) -> str:
        """What the innermost call does, to complete "The step tries to ..."."""
        return self._calls[-1][0]

    @contextmanager
    def in_flight(
        self, purpose: str, exit_code_if_terminated: Callable[[], ExitCode]
    ) -> Iterator[None]:
        """Return a context that a call is made in.

        Args:
            purpose: what it does, to complete "The step could not ...".
            exit_code_if_terminated: returns the exit code if the process is killed during the call:
                TRY_LATER where it is safe to repeat, PROTOCOL where the update may have been
                applied, IO where it was applied.
        """
        self._calls.append((purpose, exit_code_if_terminated))
        try:
            yield
        finally:
            self._calls.pop()

    def mark_applied(self) -> None:
        """Record that the update was applied: from now on the exit code if killed is IO."""
        self._calls[0] = ("publish the output", lambda: ExitCode.IO)
        self._is_applied = True

    def mark_repeatable(self) -> None:
        """Record that the run can be repeated without adding anything twice."""
        self._is_repeatable = True

    def termination_error(self) -> StepError:
        """Return the error of a process that is killed now."""
        # The outermost call knows about the update.
        purpose, exit_code_if_terminated = self._calls[:2][-1]
        code = ExitCode.IO if self._is_applied else exit_code_if_terminated()
        what = f"The step was terminated (SIGTERM), and could not {purpose} in time."
        if code is ExitCode.IO and not self._is_applied:
            return OutputError(what, fix=_RUN_AGAIN, applied="no")
        is_safe = self._is_repeatable
        if code is ExitCode.PROTOCOL:
            fix = _RUN_AGAIN if is_safe else "Look at the request before you run the step again."
            return OutcomeUnknownError(what, fix=fix, repeatable=is_safe)
        if code is ExitCode.IO:
            stop = "Continue the workflow by hand; do not run this step again."
            return OutputError(what, fix=_RUN_AGAIN if is_safe else stop, repeatable=is_safe)
        return TerminatedError(what, fix=_RUN_AGAIN)


def terminated_error() -> TerminatedError:
    """Return the error of a step that was terminated before it changed anything."""
    return TerminatedError(
        "The step was terminated (SIGTERM) before it changed anything.",
        cause="the engine cancelled the run, or its time was up",
        fix=_RUN_AGAIN,
    )


def handle_termination(handler: Callable[[], None]) -> None:
    """Call a function on SIGTERM and SIGINT, also as PID 1, where the default is to ignore them."""
    for number in TERMINATION_SIGNALS:
        signal.signal(number, lambda *_: handler())


def start_watchdog(calls: CallsInFlight) -> None:
    """Start a thread that ends the process some seconds after a signal.

    Python runs no signal handler while C code runs in the main thread, such as a DNS lookup, and an
    exception from a handler does not help while a log line blocks on a full pipe.
    """
    wakeup, wakeup_writer = os.pipe()
    os.set_blocking(wakeup_writer, False)
    # The thread inherits this mask: signals have to interrupt the main thread.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        Thread(target=_watch, args=(wakeup, calls), daemon=True).start()
    except RuntimeError:  # the system's limit of threads; the handlers work without the watchdog
        return
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    signal.set_wakeup_fd(wakeup_writer, warn_on_full_buffer=False)


def _watch(wakeup: int, calls: CallsInFlight) -> None:
    """End the process `TERMINATION_TIME` after the first signal, or soon after the second."""
    while not _read_termination(wakeup):
        pass
    deadline = time.monotonic() + TERMINATION_TIME + _WATCHDOG_MARGIN
    while (left := deadline - time.monotonic()) > 0:
        if select.select([wakeup], [], [], left)[0] and _read_termination(wakeup):
            deadline = min(deadline, time.monotonic() + _WATCHDOG_MARGIN)
    _force_exit(calls.termination_error())


def _read_termination(wakeup: int) -> bool:
    """Wait for signals; return whether a termination signal is among them."""
    return any(number in TERMINATION_SIGNALS for number in os.read(wakeup, 64))


def _force_exit(error: StepError) -> NoReturn:
    """End the process at once; write the error only if standard error does not block."""
    try:
        if select.select([], [_STDERR], [], 0)[1]:
            os.write(_STDERR, encode_utf8(sanitize_lines(f"ERROR: {error}\n")))
    finally:  # whatever standard error is
        os._exit(error.exit_code)
