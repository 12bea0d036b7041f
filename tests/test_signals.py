"""Signals: whatever the step is doing, it ends in time and says whether the update was applied."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

import pytest

from process.exit_codes import ExitCode
from tests.step_process import REQUEST_ID, STEP, connection, environment, sandbox_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

MAX_SECONDS = 25.0  # from SIGTERM to the end; Kubernetes kills after 30
NOTE = {"request_id": REQUEST_ID, "note": "Perhaps", "time_spent": 1}
FIELDS = {"request_id": REQUEST_ID, "impact": "low"}
FILE = {**NOTE, "note_attachments": [{"name": "a.txt", "content": "a"}]}


class Step:
    """The step as a process that gets signals."""

    def __init__(
        self,
        extra: Mapping[str, str],
        *words: str,
        stdin: int | None = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        prefix: Sequence[str] = (),
        measured: bool = True,
    ) -> None:
        self.process = subprocess.Popen(
            [*prefix, sys.executable, str(STEP), *words],
            env=environment(extra, measured=measured),
            cwd="/",
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )

    def wait_for(self, words: str) -> None:
        """Read the log until it has these words."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if words.encode() in line:
                return
        raise AssertionError(f"never logged: {words}")

    def end(
        self, number: signal.Signals = signal.SIGTERM, *, times: int = 1
    ) -> tuple[int, str, float]:
        """Send a signal; return the exit code, the rest of the log, and the seconds it took."""
        started = time.monotonic()
        for _ in range(times):
            self.process.send_signal(number)
            time.sleep(0.1)
        _, log = self.process.communicate(timeout=60)
        return self.process.returncode, (log or b"").decode(), time.monotonic() - started


@contextmanager
def stalled(fault: str, update: Mapping[str, object]) -> Iterator[Step]:
    """Run the step until the call of a fault has stalled."""
    call = fault.partition("=")[0]
    with sandbox_for(update, faults=fault.split(",")) as sandbox:
        step = Step(sandbox.environment())
        while call not in [each.name for each in sandbox.calls]:
            assert step.process.poll() is None
            time.sleep(0.01)
        time.sleep(0.2)
        yield step


class StalledCall(NamedTuple):
    """A call that gets no answer, and what follows from a signal during it.

    Attributes:
        faults: the rules of the fault layer, the one that stalls first.
        update: the spec's `request`.
        code: the exit code.
        purpose: what the log says that the step still tries to do.
    """

    faults: str
    update: Mapping[str, object]
    code: ExitCode
    purpose: str


STALLED_CALLS = (
    StalledCall("storage=stall-before", FILE, ExitCode.TRY_LATER, "ask where to upload files"),
    StalledCall("upload=stall-before", FILE, ExitCode.TRY_LATER, "upload a.txt (1 bytes)"),
    StalledCall("patch=stall-before", FIELDS, ExitCode.TRY_LATER, "update request 80339"),
    StalledCall("patch=stall-after", NOTE, ExitCode.PROTOCOL, "update request 80339"),
    StalledCall("verification=stall-before,patch=500", NOTE, ExitCode.PROTOCOL, "read the notes"),
    StalledCall("read=stall-before,patch=500-after", NOTE, ExitCode.IO, "read the request"),
    StalledCall("output=stall-after", NOTE, ExitCode.IO, "publish the output"),
    StalledCall("output=429:60*", NOTE, ExitCode.IO, "publish the output"),
)


def test_a_call_that_stalls() -> None:
    """The log says at once what is waited for; the step ends before an engine kills it."""

    def run(case: StalledCall) -> tuple[bool, str]:
        with stalled(case.faults, case.update) as step:
            started = time.monotonic()
            step.process.send_signal(signal.SIGTERM)
            step.wait_for(f"it still tries to {case.purpose}, for 20 s at most")
            logged = time.monotonic() - started
            _, log = step.process.communicate(timeout=60)
            took = time.monotonic() - started
        code = step.process.returncode
        passed = code == case.code and logged < 5 and 15 < took < MAX_SECONDS
        passed = passed and b"Traceback" not in log
        return passed, f"{case.faults}: {code} {logged} {took} {log.decode()}"

    with ThreadPoolExecutor(len(STALLED_CALLS)) as pool:
        ended = list(pool.map(run, STALLED_CALLS))
    assert [text for passed, text in ended if not passed] == []


@pytest.mark.parametrize(
    ("fault", "update", "code"),
    [
        ("patch=stall-after", NOTE, ExitCode.PROTOCOL),
        ("output=stall-before", NOTE, ExitCode.IO),
        ("patch=trickle", NOTE, ExitCode.PROTOCOL),
    ],
)
def test_a_second_signal_ends_it_at_once(
    fault: str, update: Mapping[str, object], code: ExitCode
) -> None:
    """A second signal ends the grace period."""
    with stalled(fault, update) as step:
        ended, log, took = step.end(times=2)
    assert ended == code, log
    assert took < 5


def test_an_output_that_waits_for_a_rate_limit() -> None:
    """The update was applied, and publishing is aborted by a second signal: 74."""
    with sandbox_for(NOTE, faults=["output=429:60*"]) as sandbox:
        step = Step(sandbox.environment())
        step.wait_for("trying again in 60.0 s")
        code, log, took = step.end(times=2)
    assert code == ExitCode.IO, log
    assert "Traceback" not in log
    assert took < 5


def test_reading_the_spec_ends_at_once() -> None:
    """No outcome depends on it."""
    with stalled("spec=stall-before", NOTE) as step:
        code, log, took = step.end()
    assert code == ExitCode.TRY_LATER
    assert took < 5
    assert "before it changed anything" in log


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_standard_input_that_never_comes(number: signal.Signals) -> None:
    """By PEP 475, Python itself would go on reading."""
    read, write = os.pipe()
    step = Step({}, "--spec", "-", stdin=read)
    time.sleep(1.0)
    code, log, took = step.end(number)
    os.close(read)
    os.close(write)
    assert code == ExitCode.TRY_LATER, log
    assert took < 5
    assert "Traceback" not in log


@pytest.mark.parametrize("variable", ["--spec", "FOURME_ACCESS_TOKEN_FILE"])
def test_a_named_pipe_that_nobody_writes(variable: str, tmp_path: Path) -> None:
    """Even opening it blocks."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    if variable == "--spec":
        step = Step({}, "--spec", str(fifo))
    else:
        step = Step({variable: str(fifo), "FOURME_REQUEST_ID": "5"})
    time.sleep(1.0)
    code, log, took = step.end()
    assert code == ExitCode.TRY_LATER, log
    assert took < 5


def test_an_output_that_nobody_reads() -> None:
    """A full pipe: the update was applied, so it is 74, and in time."""
    with sandbox_for(FIELDS) as sandbox:
        spec = json.dumps({"connection": connection(sandbox.fourme_url), "request": FIELDS})
        spec_read, spec_write = os.pipe()
        os.write(spec_write, spec.encode())
        os.close(spec_write)
        read, write = os.pipe()
        fill(write)
        step = Step({}, "--spec", "-", stdin=spec_read, stdout=write)
        step.wait_for("is updated.")
        time.sleep(0.2)
        code, log, took = step.end(times=2)
    assert code == ExitCode.IO, log
    assert took < MAX_SECONDS
    os.close(read)
    os.close(write)


def fill(pipe: int) -> None:
    """Fill the buffer of a pipe."""
    os.set_blocking(pipe, False)
    with suppress(BlockingIOError):
        while True:
            os.write(pipe, b"x" * 4096)
    os.set_blocking(pipe, True)


def test_a_log_that_nobody_reads() -> None:
    """A full standard error cannot keep the step from ending: the watchdog ends it."""
    with sandbox_for(NOTE, faults=["patch=stall-before"]) as sandbox:
        read, write = os.pipe()
        fill(write)
        step = Step(sandbox.environment(), stderr=write)
        time.sleep(1.5)
        code, _, took = step.end(times=2)
    assert code == ExitCode.TRY_LATER
    assert took < MAX_SECONDS
    os.close(read)
    os.close(write)


def test_a_log_that_nobody_reads_any_more() -> None:
    """It stalls after the update was applied: that is 74, never "run again"."""
    with sandbox_for(NOTE, faults=["patch=slow:1"]) as sandbox:
        read, write = os.pipe()
        step = Step(sandbox.environment(), stderr=write)
        while "patch" not in [call.name for call in sandbox.calls]:
            time.sleep(0.01)
        fill(write)
        time.sleep(2.0)
        code, _, took = step.end(times=2)
        assert len(sandbox.store.notes(REQUEST_ID)) > 0
    assert code == ExitCode.IO
    assert took < MAX_SECONDS
    os.close(read)
    os.close(write)


RESOLVER = "nameserver {}\noptions timeout:30 attempts:5\n"
MOUNT = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


def can_replace_resolver(folder: Path) -> bool:
    """Return whether this machine lets the tests have a name server of their own."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    probe = ["unshare", "--mount", "sh", "-c", MOUNT, str(folder), "true"]
    return subprocess.run(probe, check=False).returncode == 0


@pytest.mark.parametrize(("update", "address"), [(NOTE, "127.0.0.53"), (FIELDS, "127.0.0.54")])
def test_a_name_server_that_does_not_answer(
    update: Mapping[str, object], address: str, tmp_path: Path
) -> None:
    """No Python code runs during name resolution: the watchdog ends it; nothing was sent."""
    resolver = tmp_path / "resolv.conf"
    resolver.write_text(RESOLVER.format(address), encoding="ascii")
    if not can_replace_resolver(resolver):
        pytest.skip("needs root and mount namespaces")
    spec = tmp_path / "spec.json"
    spec.write_text(
        json.dumps({"connection": connection("https://api.4me.com"), "request": update}),
        encoding="utf-8",
    )
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((address, 53))
        prefix = ["unshare", "--mount", "sh", "-c", MOUNT, str(resolver)]
        step = Step({}, "--spec", str(spec), prefix=prefix)
        step.wait_for("Updating request")
        select.select([silent], [], [], 10)
        code, log, took = step.end(times=2)
    assert code == ExitCode.TRY_LATER, log
    assert "could not update request 80339 in time" in log
    assert took < MAX_SECONDS


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("delay", [0.05, 0.1, 0.2, 0.4])
def test_a_signal_during_start_up(number: signal.Signals, delay: float) -> None:
    """While the step is being loaded: no traceback, and 75, unless Python itself is still starting.

    Nothing else may be loaded before, such as what measures coverage.
    """
    read, write = os.pipe()
    step = Step({}, "--spec", "-", stdin=read, measured=False)
    time.sleep(delay)
    code, log, _ = step.end(number)
    os.close(read)
    os.close(write)
    if code == -number or "KeyboardInterrupt" in log:
        assert delay < 0.2
        pytest.skip("Python had not begun to run the step")
    assert code == ExitCode.TRY_LATER, log
    assert "Traceback" not in log


def test_an_inherited_signal_mask() -> None:
    """Signals that the parent had blocked end the step all the same; time limits work, too."""
    blocked = {signal.SIGTERM, signal.SIGINT, signal.SIGALRM}
    with sandbox_for(FIELDS, faults=["patch=stall-before"]) as sandbox:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
        try:
            step = Step(sandbox.environment())
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        step.wait_for("Updating request")
        time.sleep(0.3)
        code, log, took = step.end(times=2)
    assert code == ExitCode.TRY_LATER, log
    assert took < 5
