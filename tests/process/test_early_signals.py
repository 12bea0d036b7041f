"""`process.early_signals`: signals before the step is loaded."""

from __future__ import annotations

import pytest

from process.exit_codes import ExitCode
from tests.step_process import run_step

SCRIPT = """
import os, signal
from process.early_signals import install_early_handlers
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
os.kill(os.getpid(), signal.{})
{}
install_early_handlers()
print("still here")
"""


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("more", ["", "os.close(2)"])
def test_a_signal_ends_it(number: str, more: str) -> None:
    """Even one that came while it was blocked, and even if nobody can be told."""
    ended = run_step({}, program=["-c", SCRIPT.format(number, more)])
    assert (ended.code, ended.out) == (ExitCode.TRY_LATER, "")
    assert ("Request updated: no. Run again: yes. Exit code 75." in ended.log) is (more == "")


def test_without_a_signal_nothing_ends() -> None:
    """The process goes on."""
    ended = run_step({}, program=["-c", SCRIPT.format("SIGCHLD", "")])
    assert (ended.code, ended.out) == (0, "still here\n")
