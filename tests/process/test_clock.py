"""`process.clock`: waiting that a signal ends."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING

import pytest

from process.clock import SystemClock
from process.errors import TerminatedError
from process.exit_codes import ExitCode
from process.settings import TERMINATION_TIME

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = 60.0
SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture
def clock() -> Iterator[SystemClock]:
    """Return a clock that listens; afterwards the handlers are as before."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    clock = SystemClock()
    clock.handle_signals()
    yield clock
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_signal_before_waiting(number: signal.Signals, clock: SystemClock) -> None:
    """A signal that came before ends every wait at once."""
    started = time.monotonic()

    os.kill(os.getpid(), number)

    assert clock.wait(LONG) is False
    assert clock.wait(LONG) is False
    assert clock.terminated
    assert time.monotonic() - started < LONG / 2


def test_signal_while_waiting(clock: SystemClock) -> None:
    """A signal ends a wait at once."""
    started = time.monotonic()
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()

    assert clock.wait(LONG) is False
    timer.join()
    assert clock.terminated
    assert time.monotonic() - started < LONG / 2


def test_many_signals(clock: SystemClock) -> None:
    """However many signals come, none blocks or breaks anything."""
    for _ in range(100):
        clock.terminate()
        os.kill(os.getpid(), signal.SIGINT)

    assert clock.wait(0) is False


def test_waits_out(clock: SystemClock) -> None:
    """Without a signal a wait takes its time, and negative ones none."""
    started = clock.monotonic()

    assert clock.wait(0.02) is True
    assert clock.wait(-5) is True
    assert not clock.terminated
    assert 0.015 <= clock.monotonic() - started < LONG / 2


def test_time_and_chance() -> None:
    """The time of day is the system's, and chance is between 0 and 1."""
    clock = SystemClock()
    draws = {clock.random() for _ in range(100)}

    assert abs(clock.now() - time.time()) < LONG
    assert len(draws) > 1
    assert all(0 <= jitter < 1 for jitter in draws)


def test_limit(clock: SystemClock) -> None:
    """What takes longer than its limit ends with TimeoutError."""
    with pytest.raises(TimeoutError), clock.time_limit(0.02):
        clock.wait(LONG)
    assert not clock.terminated


def test_limit_kept(clock: SystemClock) -> None:
    """What keeps its limit goes on, and no alarm comes later; the handler is as before."""
    before = signal.getsignal(signal.SIGALRM)

    with clock.time_limit(LONG):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0

    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) == before


def test_limits_within_each_other(clock: SystemClock) -> None:
    """An inner limit cannot prolong the outer one, which holds on after it."""
    with pytest.raises(TimeoutError), clock.time_limit(0.1):  # noqa: PT012  whatever comes first
        with clock.time_limit(LONG):
            assert signal.getitimer(signal.ITIMER_REAL)[0] <= 0.1
        clock.wait(LONG)


def test_a_swallowed_limit_comes_again(clock: SystemClock) -> None:
    """Whoever takes a TimeoutError for something else meets another one."""
    with pytest.raises(TimeoutError), clock.time_limit(0.02):  # noqa: PT012  likewise
        with suppress(OSError):
            clock.wait(LONG)
        clock.wait(LONG)


def test_an_alarm_too_late_ends_nothing(clock: SystemClock) -> None:
    """An alarm that was on its way when its limit was kept finds nothing to end."""
    before = signal.signal(signal.SIGALRM, clock._time_out)  # noqa: SLF001  as a limit sets it
    os.kill(os.getpid(), signal.SIGALRM)
    signal.signal(signal.SIGALRM, before)


def test_a_signal_brings_the_limit_forward(
    clock: SystemClock, caplog: pytest.LogCaptureFixture
) -> None:
    """There are 20 s at most from then on, and the log tells for what."""
    with clock.in_flight("update request 5", lambda: ExitCode.PROTOCOL), clock.time_limit(math.inf):
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
        os.kill(os.getpid(), signal.SIGTERM)
        assert TERMINATION_TIME - 1 < signal.getitimer(signal.ITIMER_REAL)[0] <= TERMINATION_TIME
    assert "it still tries to update request 5, for 20 s at most" in caplog.text
    assert TERMINATION_TIME - 1 < clock.time_left <= TERMINATION_TIME


def test_a_second_signal_leaves_no_time(clock: SystemClock) -> None:
    """Whoever asks twice is in a hurry."""
    with pytest.raises(TimeoutError), clock.time_limit(LONG):  # noqa: PT012  likewise
        clock.terminate()
        clock.terminate()
        time.sleep(LONG)
    assert clock.time_left == -math.inf


def test_abortable(clock: SystemClock) -> None:
    """What may be aborted is, in the middle, or before it begins; and nothing after it."""
    with clock.interruptible():
        pass
    with pytest.raises(TerminatedError), clock.interruptible():  # noqa: PT012  likewise
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(LONG)
    with pytest.raises(TerminatedError), clock.interruptible():
        raise AssertionError("a signal has come before")


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
@pytest.mark.parametrize("is_read", [True, False])
def test_the_last_resort(
    codes: list[ExitCode],
    expected: ExitCode,
    is_read: bool,  # noqa: FBT001  a table's column
    clock: SystemClock,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The outermost of what is being done tells the exit code; no log is waited for."""
    ended: list[int] = []
    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setattr("select.select", lambda *_: ([], [2] if is_read else [], []))
    with ExitStack() as doing:
        for code in codes:
            doing.enter_context(clock.in_flight("do it", partial(ExitCode, code)))
        clock._give_up()  # noqa: SLF001  it ends the process
    clock.mark_applied()
    with clock.in_flight("read it", lambda: ExitCode.TRY_LATER):
        clock._give_up()  # noqa: SLF001  likewise
    assert ended == [expected, ExitCode.IO]
    assert ("could not" in capfd.readouterr().err) is is_read


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_pause_after_a_signal(seconds: float, clock: SystemClock) -> None:
    """A pause is made after a signal, too; one of no time is none."""
    clock.terminate()

    clock.sleep(seconds)
    assert clock.terminated


def test_a_pause_ends_with_the_limit(clock: SystemClock) -> None:
    """Whoever made it goes on, and meets the limit in what comes next."""
    started = time.monotonic()
    with pytest.raises(TimeoutError), clock.time_limit(0.02):  # noqa: PT012  likewise
        clock.sleep(LONG)
        clock.wait(LONG)
    assert time.monotonic() - started < LONG / 2


def test_without_threads_there_is_no_watch(
    clock: SystemClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no thread is to be had, the step goes on without, its signal mask as before."""

    def fail(_: object) -> None:
        raise RuntimeError("can't start new thread")

    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    monkeypatch.setattr(threading.Thread, "start", fail)
    clock.start_watchdog()
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == before


def test_the_watch_waits_for_a_signal_that_asks_to_end(
    clock: SystemClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alarm is none; after the first that does, there is the time and a little more."""
    woken = iter([bytes([signal.SIGALRM]), bytes([signal.SIGTERM])])
    ended: list[float] = []
    monkeypatch.setattr(os, "read", lambda *_: next(woken))
    monkeypatch.setattr("process.clock.TERMINATION_TIME", 0.05)
    monkeypatch.setattr("process.clock._WATCH_MARGIN", 0.05)
    monkeypatch.setattr(clock, "_give_up", lambda: ended.append(time.monotonic()))
    started = time.monotonic()
    silent, kept_open = os.pipe()
    clock._watch(silent)  # noqa: SLF001  it runs in a thread of its own
    os.close(silent)
    os.close(kept_open)
    assert ended[0] - started >= 0.1


def test_pause_is_not_cut(clock: SystemClock) -> None:
    """A signal that has come does not cut a pause short, as it does a wait."""
    clock.terminate()
    started = time.monotonic()

    clock.sleep(0.05)
    assert time.monotonic() - started >= 0.05
