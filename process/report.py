"""Turns the outcome of a run into an error message in the log and an exit code."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from process.errors import InternalError, StepError
from process.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from process.clock import Clock

logger = logging.getLogger("step")


def exit_code_of(run: Callable[[], object], clock: Clock) -> ExitCode:
    """Call `run` and return its exit code: OK, or that of the error that it raises, once logged.

    An exception that is no StepError is a bug: it is logged with its traceback, as an
    InternalError. The log redacts secrets.
    """
    try:
        run()
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
