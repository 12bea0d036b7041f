"""Handles signals while the step is being imported; imports next to nothing itself."""

from __future__ import annotations

import os
import signal

_STDERR = 2
_TRY_LATER = 75  # `process.exit_codes.ExitCode.TRY_LATER`, which is not imported yet
_MESSAGE = (
    "ERROR: The step was terminated (SIGTERM) before it had started.\n"
    "  This usually means: the engine cancelled the run, or its time was up\n"
    "  What to do: Run the step again.\n"
    "  Request updated: no. Run again: yes. Exit code 75.\n"
)


def install_early_handlers() -> None:
    """Exit with TRY_LATER on SIGTERM or SIGINT, which PID 1 ignores by default.

    Also unblocks them, and SIGALRM, which `process.clock` needs: a parent's signal mask is
    inherited.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _exit)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT, signal.SIGALRM))


def _exit(*_: object) -> None:
    """End the process; write the message only if standard error does not block."""
    from select import select  # noqa: PLC0415  only after a signal

    try:  # contextlib may be half loaded at this moment
        if select([], [_STDERR], [], 0)[1]:
            os.write(_STDERR, _MESSAGE.encode("ascii"))
    except OSError:
        pass
    os._exit(_TRY_LATER)
