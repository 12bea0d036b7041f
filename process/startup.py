"""Runs the step as a process, from the first signal handler to the exit code."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from process.signals import handle_termination, start_watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from process.clock import SystemClock
    from process.exit_codes import ExitCode


def run_process(
    main: Callable[[Mapping[str, str], SystemClock, Sequence[str]], ExitCode], clock: SystemClock
) -> NoReturn:
    """Run `main` and end the process with the exit code that it returns.

    Args:
        main: is called with the environment, the clock, and the arguments of the command line.
        clock: the clock of the run; SIGTERM and SIGINT terminate it.
    """
    handle_termination(clock.terminate)
    start_watchdog(clock)
    gc.disable()  # a run ends before garbage matters: saves 3 % of its instructions
    code = main(os.environ, clock, sys.argv[1:])
    for stream in filter(None, (sys.stdout, sys.stderr)):  # None: closed when the process began
        with suppress(OSError):
            stream.flush()
    os._exit(code)  # the interpreter's shutdown takes a tenth of a run, and runs no handlers
