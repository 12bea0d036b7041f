"""Runs the step as a process, from the first signal handler to the exit code."""

from __future__ import annotations

import gc
import logging
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from process.errors import InternalError, StepError
from process.exit_codes import ExitCode
from process.signals import handle_termination, start_watchdog

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from process.clock import Clock

logger = logging.getLogger("step")


def run_process(
    main: Callable[[Mapping[str, str], Clock, Sequence[str]], ExitCode], clock: Clock
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


def exit_code_of(run: Callable[[], object], clock: Clock) -> ExitCode:
    """Call `run` and return its exit code: OK, or that of the error that it raises, once logged.

    An exception that is no StepError is a bug: it is logged with its traceback, as an
    InternalError. The log redacts secrets.
    """
    try:
        try:
            run()
        finally:
            clock.end_time_limits()
    except StepError as error:
        _log_error(error, clock)
        return error.exit_code
    except Exception as error:
        bug = InternalError(
            f"The step has a bug: {type(error).__name__}.",
            fix="Report it with the lines below. Look at the request before you run it again.",
        )
        logger.critical("%s", bug, exc_info=error)
        return bug.exit_code
    return ExitCode.OK


def _log_error(error: StepError, clock: Clock) -> None:
    with clock.in_flight("report how it ended", lambda: error.exit_code):
        logger.error("%s", error)
        if error.__cause__:
            logger.debug("Caused by", exc_info=error.__cause__)
