"""`process.signals`: the exit code of a process that is killed, and the watchdog."""

from __future__ import annotations

import os
import signal
import threading
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import pytest

from process import signals
from process.exit_codes import ExitCode
from process.signals import CallsInFlight, start_watchdog

if TYPE_CHECKING:
    from process.errors import StepError


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([], ExitCode.TRY_LATER),
        ([ExitCode.TRY_LATER], ExitCode.TRY_LATER),
        ([ExitCode.PROTOCOL], ExitCode.PROTOCOL),
        ([ExitCode.PROTOCOL, ExitCode.TRY_LATER], ExitCode.PROTOCOL),
        ([ExitCode.IO, ExitCode.TRY_LATER], ExitCode.IO),
    ],
)
@pytest.mark.parametrize("is_writable", [True, False])
def test_killed(
    codes: list[ExitCode],
    expected: ExitCode,
    is_writable: bool,  # noqa: FBT001  a table's column
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The outermost call in flight has the exit code; standard error does not block."""
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setattr("select.select", lambda *_: ([], [2] if is_writable else [], []))
    calls = CallsInFlight()
    with ExitStack() as stack:
        for code in codes:
            stack.enter_context(calls.in_flight("do it", partial(ExitCode, code)))
        signals._force_exit(calls.termination_error())  # noqa: SLF001  it runs in a thread of its own
    calls.mark_applied()
    with calls.in_flight("read it", lambda: ExitCode.TRY_LATER):
        signals._force_exit(calls.termination_error())  # noqa: SLF001  likewise
    assert ended == [expected, ExitCode.IO]
    log = capfd.readouterr().err
    assert ("could not" in log) is is_writable
    assert log.count("ERROR: The step was terminated (SIGTERM), and could not") == 2 * is_writable
    assert log.endswith("Exit code 74.\n" * is_writable)


@pytest.mark.parametrize("applied", ["no", "yes"])
def test_killed_while_it_publishes(applied: str) -> None:
    """Whether to run the step again depends on whether anything was changed."""
    calls = CallsInFlight()
    if applied == "yes":
        calls.mark_applied()
    with calls.in_flight("publish the output", lambda: ExitCode.IO):
        error = calls.termination_error()
    assert (error.exit_code, error.applied) == (ExitCode.IO, applied)
    assert ("not run" in error.fix) is (applied == "yes")


def test_no_watchdog_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no thread can be started, the step goes on, with its signal mask as before."""

    def fail(_: object) -> NoReturn:
        raise RuntimeError("can't start new thread")

    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    monkeypatch.setattr(threading.Thread, "start", fail)
    start_watchdog(CallsInFlight())
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


def test_watchdog_waits_for_a_termination_signal(monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGALRM is none; after SIGTERM the watchdog waits for the deadline and its margin."""
    received = iter([bytes([signal.SIGALRM]), bytes([signal.SIGTERM])])
    ended: list[tuple[float, StepError]] = []
    monkeypatch.setattr(os, "read", lambda *_: next(received))
    monkeypatch.setattr(signals, "TERMINATION_TIME", 0.05)
    monkeypatch.setattr(signals, "_WATCHDOG_MARGIN", 0.05)
    monkeypatch.setattr(
        signals, "_force_exit", lambda error: ended.append((time.monotonic(), error))
    )
    started = time.monotonic()
    silent, kept_open = os.pipe()
    signals._watch(silent, CallsInFlight())  # noqa: SLF001  likewise
    os.close(silent)
    os.close(kept_open)
    [(at, error)] = ended
    assert at - started >= 0.1
    assert error.exit_code is ExitCode.TRY_LATER


def test_killed_although_nobody_reads_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A standard error that is a broken pipe does not keep the process alive."""
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setattr("select.select", lambda *_: ([], [2], []))
    monkeypatch.setattr(os, "write", lambda *_: (_ for _ in ()).throw(BrokenPipeError()))

    with pytest.raises(BrokenPipeError):  # the mock of _exit returns
        signals._force_exit(CallsInFlight().termination_error())  # noqa: SLF001  as above
    assert ended == [ExitCode.TRY_LATER]
