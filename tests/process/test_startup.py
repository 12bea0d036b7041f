"""`process.startup`: the exit code of a run, its error in the log, and its streams."""

from __future__ import annotations

import logging
from typing import NoReturn

import pytest

from process.errors import ConfigError
from process.exit_codes import ExitCode
from process.startup import exit_code_of
from tests.fake_clock import FakeClock
from tests.step_process import run_step

SCRIPT = """
import sys
from process.clock import Clock
from process.exit_codes import ExitCode
from process.startup import run_process
def main(environ, clock, words):
    print(environ["NAME"], words, end="")
    {}
    return ExitCode.CONFIG
run_process(main, Clock())
"""


@pytest.mark.parametrize("more", ["", "sys.stderr = None"])
def test_exit_code_and_output(more: str) -> None:
    """`main` gets the environment and the arguments; its output is flushed, its code the exit's."""
    ended = run_step(
        {"NAME": "value"}, program=["-c", SCRIPT.format(more), "--help"], measured=True
    )
    assert (ended.code, ended.out) == (ExitCode.CONFIG, "value ['--help']")


def test_termination() -> None:
    """SIGTERM terminates the clock."""
    more = "import os, signal; os.kill(os.getpid(), signal.SIGTERM); print(clock.wait(60))"
    ended = run_step({"NAME": "value"}, program=["-c", SCRIPT.format(more)], measured=True)
    assert (ended.code, ended.out) == (ExitCode.CONFIG, "value []False\n")


def raise_from(error: Exception, cause: Exception | None = None) -> NoReturn:
    """Raise an error with a cause."""
    raise error from cause


def test_success(caplog: pytest.LogCaptureFixture) -> None:
    """A run that returns is OK, and logs nothing."""
    assert exit_code_of(lambda: None, FakeClock()) is ExitCode.OK
    assert caplog.messages == []


@pytest.mark.parametrize("cause", [None, ValueError("reason")])
def test_step_error(cause: Exception | None, caplog: pytest.LogCaptureFixture) -> None:
    """An error is logged, and its cause for debugging; its exit code holds if killed meanwhile."""
    error, clock = ConfigError("It failed."), FakeClock()
    with caplog.at_level(logging.DEBUG, logger="step"):
        assert exit_code_of(lambda: raise_from(error, cause), clock) is ExitCode.CONFIG
    first, *rest = caplog.records
    assert (first.levelname, first.getMessage(), first.exc_info) == ("ERROR", str(error), None)
    assert [record.levelname for record in rest] == (["DEBUG"] if cause else [])
    [(_, exit_code_if_terminated)] = clock.calls
    assert exit_code_if_terminated() is ExitCode.CONFIG


def test_bug(caplog: pytest.LogCaptureFixture) -> None:
    """Any other exception is a bug of the step, and logged with its traceback."""
    code = exit_code_of(lambda: raise_from(KeyError("name")), FakeClock())
    assert code is ExitCode.SOFTWARE
    [record] = caplog.records
    assert record.levelname == "CRITICAL"
    assert "The step has a bug: KeyError." in record.getMessage()
    assert record.exc_info
