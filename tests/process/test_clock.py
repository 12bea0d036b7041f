"""`process.clock`: waits and time limits, and how termination ends them."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from process.clock import Clock
from process.errors import TerminatedError
from process.exit_codes import ExitCode
from process.settings import TERMINATION_TIME
from process.signals import TERMINATION_SIGNALS, handle_termination

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = 60.0


@pytest.fixture
def clock() -> Iterator[Clock]:
    """Return a clock that signals terminate; afterwards the handlers are as before."""
    before = {number: signal.getsignal(number) for number in TERMINATION_SIGNALS}
    clock = Clock()
    handle_termination(clock.terminate)
    yield clock
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", TERMINATION_SIGNALS)
def test_signal_before_waiting(number: signal.Signals, clock: Clock) -> None:
    """A signal that came earlier ends every wait at once."""
    started = time.monotonic()

    os.kill(os.getpid(), number)

    assert clock.wait(LONG) is False
    assert clock.wait(LONG) is False
    assert clock.terminated
    assert time.monotonic() - started < LONG / 2


def test_signal_while_waiting(clock: Clock) -> None:
    """A signal ends a wait at once."""
    started = time.monotonic()
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()

    assert clock.wait(LONG) is False
    timer.join()
    assert clock.terminated
    assert time.monotonic() - started < LONG / 2


def test_many_signals(clock: Clock) -> None:
    """Many signals neither block nor fail."""
    for _ in range(100):
        clock.terminate()
        os.kill(os.getpid(), signal.SIGINT)

    assert clock.wait(0) is False


def test_wait_without_a_signal(clock: Clock) -> None:
    """Without a signal a wait takes its time; a negative one returns at once."""
    started = clock.monotonic()

    assert clock.wait(0.02) is True
    assert clock.wait(-5) is True
    assert not clock.terminated
    assert 0.015 <= clock.monotonic() - started < LONG / 2


def test_time_and_random() -> None:
    """The time of day is the system's; random numbers are at least 0 and less than 1."""
    clock = Clock()
    numbers = {clock.random() for _ in range(100)}

    assert abs(clock.now() - time.time()) < LONG
    assert len(numbers) > 1
    assert all(0 <= number < 1 for number in numbers)


def test_time_limit_exceeded(clock: Clock) -> None:
    """Code that takes longer than its limit gets a TimeoutError."""
    with pytest.raises(TimeoutError), clock.time_limit(0.02):
        clock.wait(LONG)
    assert not clock.terminated


def test_time_limit_kept(clock: Clock) -> None:
    """Code that keeps its limit goes on; the timer and the handler are as before."""
    before = signal.getsignal(signal.SIGALRM)

    with clock.time_limit(LONG):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0

    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) == before


def test_nested_time_limits(clock: Clock) -> None:
    """An inner limit does not extend the outer one, which still holds after it."""
    with pytest.raises(TimeoutError), clock.time_limit(0.1):  # noqa: PT012  several steps
        with clock.time_limit(LONG):
            assert signal.getitimer(signal.ITIMER_REAL)[0] <= 0.1
        clock.wait(LONG)


def test_swallowed_timeout_is_raised_again(clock: Clock) -> None:
    """Code that swallows a TimeoutError gets another one."""
    with pytest.raises(TimeoutError), clock.time_limit(0.02):  # noqa: PT012  likewise
        with suppress(OSError):
            clock.wait(LONG)
        clock.wait(LONG)


def test_late_alarm_raises_nothing(clock: Clock) -> None:
    """An alarm that is handled after its time limit has ended raises nothing."""
    before = signal.signal(signal.SIGALRM, clock._raise_timeout)  # noqa: SLF001  as a limit does
    os.kill(os.getpid(), signal.SIGALRM)
    signal.signal(signal.SIGALRM, before)


def test_termination_shortens_the_time_limit(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    """At most 20 s are left, and the log says what for."""
    with clock.in_flight("update request 5", lambda: ExitCode.PROTOCOL), clock.time_limit(math.inf):
        assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
        os.kill(os.getpid(), signal.SIGTERM)
        assert TERMINATION_TIME - 1 < signal.getitimer(signal.ITIMER_REAL)[0] <= TERMINATION_TIME
    assert "it still tries to update request 5, for 20 s at most" in caplog.text
    assert TERMINATION_TIME - 1 < clock.time_left <= TERMINATION_TIME


def test_second_termination_leaves_no_time(clock: Clock) -> None:
    """The second signal ends the call in flight at once."""
    with pytest.raises(TimeoutError), clock.time_limit(LONG):  # noqa: PT012  likewise
        clock.terminate()
        clock.terminate()
        time.sleep(LONG)
    assert clock.time_left == -math.inf


def test_interruptible(clock: Clock) -> None:
    """A signal interrupts the context, in the middle or before it begins."""
    with clock.interruptible():
        pass
    with pytest.raises(TerminatedError), clock.interruptible():  # noqa: PT012  likewise
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(LONG)
    with pytest.raises(TerminatedError), clock.interruptible():
        raise AssertionError("a signal has come before")


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_sleep_of_no_time(seconds: float, clock: Clock) -> None:
    """A sleep of no time returns at once, also after termination."""
    clock.terminate()

    clock.sleep(seconds)
    assert clock.terminated


def test_sleep_ends_with_the_time_limit(clock: Clock) -> None:
    """A sleep swallows the TimeoutError, and the next operation gets another one."""
    started = time.monotonic()
    with pytest.raises(TimeoutError), clock.time_limit(0.02):  # noqa: PT012  likewise
        clock.sleep(LONG)
        clock.wait(LONG)
    assert time.monotonic() - started < LONG / 2


def test_sleep_after_termination(clock: Clock) -> None:
    """Termination does not shorten a sleep, as it does a wait."""
    clock.terminate()
    started = time.monotonic()

    clock.sleep(0.05)
    assert time.monotonic() - started >= 0.05


def test_an_outer_limit_leaves_time_to_handle_the_inner_one() -> None:
    """The end of an inner limit is not interrupted by the outer one, expired too."""
    clock = Clock()
    with clock.time_limit(0.05):
        with pytest.raises(TimeoutError), clock.time_limit(0.05):
            time.sleep(5)
        handled = time.monotonic()
        with suppress(TimeoutError):
            time.sleep(0.2)
        assert time.monotonic() - handled >= 0.2


def test_limits_can_be_ended() -> None:
    """A limit that is in force still, as its end was interrupted, raises nothing after that."""
    clock = Clock()
    with clock.time_limit(0.05):
        clock.end_time_limits()
        time.sleep(0.2)
