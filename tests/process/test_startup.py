"""`process.startup`: the exit code of the process, and its streams."""

from __future__ import annotations

import pytest

from process.exit_codes import ExitCode
from tests.step_process import run_step

SCRIPT = """
import sys
from process.clock import SystemClock
from process.exit_codes import ExitCode
from process.startup import run_process
def main(environ, clock, words):
    print(environ["NAME"], words, end="")
    {}
    return ExitCode.CONFIG
run_process(main, SystemClock())
"""


@pytest.mark.parametrize("more", ["", "sys.stderr = None"])
def test_exit_code_and_output(more: str) -> None:
    """`main` gets the environment and the arguments; its output is flushed, its code the exit's."""
    ended = run_step({"NAME": "value"}, program=["-c", SCRIPT.format(more), "--help"])
    assert (ended.code, ended.out) == (ExitCode.CONFIG, "value ['--help']")


def test_termination() -> None:
    """SIGTERM terminates the clock."""
    more = "import os, signal; os.kill(os.getpid(), signal.SIGTERM); print(clock.wait(60))"
    ended = run_step({"NAME": "value"}, program=["-c", SCRIPT.format(more)])
    assert (ended.code, ended.out) == (ExitCode.CONFIG, "value []False\n")
