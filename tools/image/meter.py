"""Measure processes: wall time, processor time, peak memory.

Linux counts the memory of a parent process in the peak of its child. So a small interpreter, which
runs this same module, starts and measures all processes.
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


class Measurement(NamedTuple):
    """The figures of one run.

    Attributes:
        exit_code: the exit code.
        wall: wall time, in milliseconds.
        cpu: processor time, in milliseconds.
        memory: peak resident memory, in MiB.
        stderr: what it printed to standard error.
    """

    exit_code: int
    wall: float
    cpu: float
    memory: float
    stderr: str


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

    def measure(self, command: Sequence[str], environ: Mapping[str, str]) -> Measurement:
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
        return Measurement(*json.loads(self._process.stdout.readline()))


def _measure(command: list[str], environ: Mapping[str, str]) -> Measurement:
    reading, writing = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    streams = ((0, null), (1, null), (2, writing))
    started = time.perf_counter()
    process = os.posix_spawn(
        command[0],
        command,
        environ,
        file_actions=[(os.POSIX_SPAWN_DUP2, ours, theirs) for theirs, ours in streams],
    )
    os.close(writing)
    with open(reading, encoding="utf-8", errors="replace") as stream:  # noqa: PTH123  a descriptor
        stderr = stream.read()
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - started
    os.close(null)
    return Measurement(
        os.waitstatus_to_exitcode(status),
        wall * 1e3,
        (usage.ru_utime + usage.ru_stime) * 1e3,
        usage.ru_maxrss / 1024,
        stderr,
    )


def _serve() -> None:
    for line in sys.stdin:
        job = json.loads(line)
        print(json.dumps(_measure(job["command"], job["environ"])), flush=True)  # noqa: T201  the answer


if __name__ == "__main__":
    _serve()
