"""`fourme.clock`: waiting that a signal ends."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pytest

from fourme.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import Iterator

LONG = 60.0
SIGNALS = (signal.SIGTERM, signal.SIGINT)


@pytest.fixture
def clock() -> Iterator[SystemClock]:
    """Return a clock that listens; afterwards the handlers are as before."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    clock = SystemClock()
    clock.listen()
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
    draws = {clock.draw() for _ in range(100)}

    assert abs(clock.now() - time.time()) < LONG
    assert len(draws) > 1
    assert all(0 <= draw < 1 for draw in draws)


def test_limit(clock: SystemClock) -> None:
    """What takes longer than its limit ends with TimeoutError."""
    with pytest.raises(TimeoutError), clock.limit(0.02):
        clock.wait(LONG)
    assert not clock.terminated


def test_limit_kept(clock: SystemClock) -> None:
    """What keeps its limit goes on, and no alarm comes later; the handler is as before."""
    before = signal.getsignal(signal.SIGALRM)

    with clock.limit(LONG):
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 0

    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) == before


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_pause_after_a_signal(seconds: float, clock: SystemClock) -> None:
    """A pause is made after a signal, too; one of no time is none."""
    clock.terminate()

    clock.pause(seconds)
    assert clock.terminated


def test_pause_is_not_cut(clock: SystemClock) -> None:
    """A signal that has come does not cut a pause short, as it does a wait."""
    clock.terminate()
    started = time.monotonic()

    clock.pause(0.05)
    assert time.monotonic() - started >= 0.05
