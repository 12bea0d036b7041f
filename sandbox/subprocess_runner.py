"""Runs a command, and forwards signals to it."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_KILLED = 128  # added to the number of the signal, as shells do


@dataclass(frozen=True)
class Result:
    """The result of a command.

    Attributes:
        exit_code: Its exit code; 128+n where signal n killed it.
        log: What it printed on both streams; empty if it was not captured.
    """

    exit_code: int
    log: str


def run(command: Sequence[str], environment: Mapping[str, str], *, capture: bool = False) -> Result:
    """Run a command until it ends; SIGINT and SIGTERM are forwarded to it.

    Args:
        command: The command and its arguments.
        environment: Variables on top of this process's.
        capture: Whether to capture its output, instead of printing it.

    Raises:
        OSError: It can't be started.
    """
    with (
        _collecting_signals() as early,
        subprocess.Popen(  # noqa: S603 - running the user's command is the purpose
            list(command),
            env={**os.environ, **environment},
            stdout=subprocess.PIPE if capture else None,
            stderr=subprocess.STDOUT if capture else None,
            # In a process group of its own, it gets a Ctrl-C once, from here.
            process_group=0,
        ) as process,
        _handling_signals(process.send_signal),
    ):
        for number in early:
            process.send_signal(number)
        output, _ = process.communicate()
    log = output.decode("utf-8", "replace") if output else ""
    code = process.returncode
    return Result(_KILLED - code if code < 0 else code, log)


@contextmanager
def waiting_for_signal() -> Iterator[None]:
    """Wait, at the end of the context, for SIGINT or SIGTERM since its start."""
    received = Event()
    with _handling_signals(lambda _number: received.set()):
        yield
        received.wait()


@contextmanager
def _collecting_signals() -> Iterator[list[int]]:
    """Collect the signals that arrive while the command is being started."""
    early: list[int] = []
    with _handling_signals(early.append):
        yield early


@contextmanager
def _handling_signals(handle: Callable[[int], object]) -> Iterator[None]:
    def handler(number: int, _frame: FrameType | None) -> None:
        handle(number)

    previous = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, old in previous.items():
            signal.signal(number, old)
