"""The first moments of a process, before the step is loaded."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

_STDERR = 2
_TRY_LATER = 75  # `process.errors.ExitCode.TRY_LATER`, which is not loaded yet
_TEXT = (
    "ERROR: The step was asked to end before it had started.\n"
    "  This usually means: the engine cancelled the run, or its time was up\n"
    "  What to do: Run the step again.\n"
    "  Request updated: no. Run again: yes. Exit code 75.\n"
)


def install_early_handlers() -> None:
    """End at once when SIGTERM or SIGINT comes: as PID 1 they would otherwise be lost.

    A signal mask is inherited. One that blocks these signals, or the alarm that limits what a call
    may take, is of no use to anybody.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGALRM))


def _end(*_: object) -> None:
    with suppress(OSError):
        os.write(_STDERR, _TEXT.encode("ascii"))
    os._exit(_TRY_LATER)
