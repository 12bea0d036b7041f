"""`process.early_signals`: signals while the step is being imported."""

from __future__ import annotations

import pytest

from process.errors import TerminatedError
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
FULL_PIPE = """
reader, writer = os.pipe()
os.set_blocking(writer, False)
try:
    while True:
        os.write(writer, bytes(4096))
except BlockingIOError:
    os.set_blocking(writer, True)
    os.dup2(writer, 2)
"""
# What the handler writes without importing the errors.
ERROR = TerminatedError(
    "The step was terminated (SIGTERM) before it had started.",
    cause="the engine cancelled the run, or its time was up",
    fix="Run the step again.",
)


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
@pytest.mark.parametrize("more", ["", "os.close(2)", FULL_PIPE])
def test_signal(number: str, more: str) -> None:
    """A signal ends the process, even one that came while blocked, and without a usable stderr."""
    ended = run_step({}, program=["-c", SCRIPT.format(number, more)], measured=True)
    assert (ended.code, ended.out) == (ExitCode.TRY_LATER, "")
    assert ended.log == ("" if more else f"ERROR: {ERROR}\n")


def test_no_signal() -> None:
    """Without a signal the process goes on."""
    ended = run_step({}, program=["-c", SCRIPT.format("SIGCHLD", "")], measured=True)
    assert (ended.code, ended.out) == (0, "still here\n")
