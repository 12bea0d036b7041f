"""Measure processes: wall time, processor time, peak memory.

Linux counts the memory of the process that starts another one in with the latter's peak. So a
small interpreter of its own starts and measures all of them; this module is both sides of it, and
imports little on that one.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Measured(NamedTuple):
    """What one run took.

    Attributes:
        code: the exit code.
        wall: milliseconds from start to end.
        processor: milliseconds of processor time.
        memory: the peak of resident memory, in MiB.
        log: what it printed on standard error.
    """

    code: int
    wall: float
    processor: float
    memory: float
    log: str


class Meter:
    """Starts and measures processes; a context manager."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(  # noqa: S603  our own interpreter
            [sys.executable, "-I", "-S", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def measure(self, command: Sequence[str], environ: Mapping[str, str]) -> Measured:
        """Run a command to its end.

        Args:
            command: an absolute path, and arguments.
            environ: its whole environment.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise TypeError("the meter has no pipes")
        job = {"command": list(command), "environ": dict(environ)}
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return Measured(*json.loads(self._process.stdout.readline()))


def _measure(command: list[str], environ: Mapping[str, str]) -> Measured:
    reading, writing = os.pipe()
    nothing = os.open(os.devnull, os.O_RDWR)
    standard = ((0, nothing), (1, nothing), (2, writing))
    started = time.perf_counter()
    process = os.posix_spawn(
        command[0],
        command,
        environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, ours, theirs) for theirs, ours in standard],
    )
    os.close(writing)
    with open(reading, encoding="utf-8", errors="replace") as stream:  # noqa: PTH123  a descriptor
        log = stream.read()
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - started
    os.close(nothing)
    return Measured(
        os.waitstatus_to_exitcode(status),
        wall * 1e3,
        (usage.ru_utime + usage.ru_stime) * 1e3,
        usage.ru_maxrss / 1024,
        log,
    )


def _serve() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(_measure(job["command"], job["environ"])), flush=True)  # noqa: T201  the answer


if __name__ == "__main__":
    _serve()
