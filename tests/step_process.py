"""The real step, run as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sandbox import FOURME_HOST, FourMeOptions, Sandbox, document_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
STEP = ROOT / "step.py"
FAST_CLOCK_STEP = ROOT / "tests" / "fast_clock_step.py"
ACCESS_TOKEN = "demo-token"
ACCOUNT = "wdc"
REQUEST_ID = 80339
_KEPT = ("PATH", "HOME", "LANG", "PYTHON_LAZY_IMPORTS")
_COVERAGE = "COVERAGE_"


@dataclass(frozen=True)
class Ended:
    """How a process ended, and what it printed."""

    code: int
    out: str
    log: str


def environment(extra: Mapping[str, str], *, measured: bool = True) -> dict[str, str]:
    """Return a process's whole environment: a few inherited variables, and `extra`.

    Its coverage is `measured` where the tests' is: that takes time.
    """
    names = (*_KEPT, _COVERAGE) if measured else _KEPT
    kept = {name: value for name, value in os.environ.items() if name.startswith(names)}
    return {**kept, "PYTHONWARNINGS": "error", **extra}


def run_step(
    extra: Mapping[str, str],
    *arguments: str,
    fast_clock: bool = False,
    program: Sequence[str] = (),
    measured: bool = False,
) -> Ended:
    """Run the step to its end.

    Args:
        extra: environment variables.
        arguments: the step's arguments.
        fast_clock: whether to skip the waits between attempts.
        program: what the interpreter runs instead of the step.
        measured: whether its coverage is measured, where the tests' is: that takes time.
    """
    process = subprocess.run(
        [sys.executable, *(program or [str(FAST_CLOCK_STEP if fast_clock else STEP)]), *arguments],
        env=environment({"PYTHONPATH": str(ROOT), **extra}, measured=measured),
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ended(process.returncode, process.stdout, process.stderr)


class Running:
    """The step as a process that is still running."""

    def __init__(self, extra: Mapping[str, str], *, prefix: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(
            [*prefix, sys.executable, str(STEP)],
            env=environment(extra),
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._log: list[str] = []

    def wait_for(self, words: str) -> None:
        """Read the log until it has these words.

        Raises:
            AssertionError: the process ended without them.
        """
        stream = self._process.stderr
        for line in stream or ():
            self._log.append(line)
            if words in line:
                return
        raise AssertionError(f"the step never logged {words!r}: {self._log}")

    def terminate(self) -> Ended:
        """Send SIGTERM, and wait for the end."""
        self._process.send_signal(signal.SIGTERM)
        return self._end()

    def terminate_child(self) -> Ended:
        """Send SIGTERM to the one child of the process, and wait for the end of both."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        os.kill(int(children.read_text(encoding="ascii").split()[0]), signal.SIGTERM)
        return self._end()

    def _end(self) -> Ended:
        out, log = self._process.communicate(timeout=60)
        return Ended(self._process.returncode, out, "".join(self._log) + log)


def connection(address: str, **changes: object) -> dict[str, object]:
    """Return a connection to a 4me API."""
    return {"host": address, "accessToken": ACCESS_TOKEN, "account": ACCOUNT, **changes}


def sandbox_for(
    request: object,
    *,
    faults: Iterable[str] = (),
    clock_skew: float = 0.0,
    changes: Mapping[str, object] | None = None,
    options: FourMeOptions | None = None,
    inputs: Mapping[str, object] | None = None,
) -> Sandbox:
    """Return a sandbox whose step updates a request; its connection leads to the sandbox's 4me.

    Args:
        request: the spec's `request`.
        faults: rules of the fault layer.
        clock_skew: seconds that 4me's clock is ahead.
        changes: other members of the connection.
        options: how the sandbox's 4me answers.
        inputs: other inputs of the spec.
    """
    fourme = connection(FOURME_HOST, **(changes or {}))
    spec = {"connection": fourme, "request": request, **(inputs or {})}
    return Sandbox(
        document_for(spec),
        fourme=options or FourMeOptions(),
        faults=faults,
        clock_skew=clock_skew,
    )
