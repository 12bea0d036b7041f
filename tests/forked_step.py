"""Forks the step for each line of standard input; see `tests.fork_server`.

Answers each line with the ID of the process, and then with its exit code. The ID stays valid until
the next line.
"""

from __future__ import annotations

import json
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import NoReturn

from process.startup import run_process
from step import main
from tests.fast_clock_step import FastClock

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("process", "transport", "spec", "fourme", "operations", "engines")


def serve() -> None:
    """Fork the step for each line until there are no more."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).glob("[!_]*.py")):
            import_module(f"{package}.{path.stem}")
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _run_step(**json.loads(line))
        print(pid, flush=True)
        ended = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        assert ended is not None
        is_exit = ended.si_code == os.CLD_EXITED
        print(ended.si_status if is_exit else -ended.si_status, flush=True)
        sys.stdin.readline()
        os.waitpid(pid, 0)


def _run_step(environ: dict[str, str], arguments: list[str], folder: str) -> NoReturn:
    os.environ.clear()
    os.environ.update(environ)
    sys.argv[1:] = arguments
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    for stream, name in ((sys.stdout, "stdout"), (sys.stderr, "stderr")):
        file = os.open(Path(folder, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, stream.fileno())
    run_process(main, FastClock())


if __name__ == "__main__":
    serve()
