"""Runs the step many times, each as a process of its own, without starting Python each time.

A server imports all of the step once, and forks a process for each run. Such a process has sockets,
signals and an end of its own; only the imports and the waits between attempts are skipped. What
depends on the start of a process is tested with `step_process`.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple, Self

from tests.step_process import ROOT, Ended, environment

if TYPE_CHECKING:
    import signal
    from collections.abc import Mapping

_PROGRAM = ROOT / "tests" / "forked_step.py"


class Kill(NamedTuple):
    """A signal that a run gets after some seconds, unless it has ended."""

    number: signal.Signals
    after: float


class ForkServer:
    """A process that forks the step, for one run at a time."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory()
        self._process = subprocess.Popen(
            [sys.executable, str(_PROGRAM)],
            env=environment({"PYTHONPATH": str(ROOT)}, measured=False),
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run_step(
        self, extra: Mapping[str, str], *arguments: str, kill: Kill | None = None
    ) -> Ended:
        """Run the step to its end; the exit code of a killed one is the negative signal.

        Args:
            extra: environment variables.
            arguments: the step's arguments.
            kill: a signal for it.
        """
        environ = environment(extra, measured=False)
        self._write({"environ": environ, "arguments": arguments, "folder": self._folder.name})
        pid = self._read()
        assert self._process.stdout is not None
        if kill and not select.select([self._process.stdout], [], [], kill.after)[0]:
            os.kill(pid, kill.number)  # its ID is valid until the next line is written
        code = self._read()
        out, log = (Path(self._folder.name, name).read_text() for name in ("stdout", "stderr"))
        self._write(None)
        return Ended(code, out, log)

    def close(self) -> None:
        """End the server."""
        self._process.communicate(timeout=60)
        self._folder.cleanup()

    def _write(self, line: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()

    def _read(self) -> int:
        assert self._process.stdout is not None
        return int(self._process.stdout.readline())


class ForkServers:
    """Servers for threads that run the step side by side."""

    def __init__(self, count: int) -> None:
        self._servers = [ForkServer() for _ in range(count)]
        self._idle: SimpleQueue[ForkServer] = SimpleQueue()
        for server in self._servers:
            self._idle.put(server)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for server in self._servers:
            server.close()

    def run_step(
        self, extra: Mapping[str, str], *arguments: str, kill: Kill | None = None
    ) -> Ended:
        """Run the step on a server that is idle; see `ForkServer.run_step`."""
        server = self._idle.get()
        try:
            return server.run_step(extra, *arguments, kill=kill)
        finally:
            self._idle.put(server)
