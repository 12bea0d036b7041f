"""The fork server: what it forks is the step, as `step_process` starts it."""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from process.exit_codes import ExitCode
from tests.fork_server import ForkServer, Kill
from tests.step_process import REQUEST_ID, run_step, sandbox_for

if TYPE_CHECKING:
    from collections.abc import Iterator

SPEC = {"request_id": REQUEST_ID, "impact": "low"}


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    """Start one server for all tests."""
    server = ForkServer()
    yield server
    server.close()


@pytest.mark.parametrize(
    ("faults", "code"), [(["spec=404"], ExitCode.CONFIG), (["link=500"], ExitCode.OK)]
)
def test_a_forked_step_ends_and_logs_as_a_started_one(
    server: ForkServer, faults: list[str], code: ExitCode
) -> None:
    """Nothing of an earlier run is left: neither its environment nor its log."""
    ended = []
    for run in (server.run_step, partial(run_step, fast_clock=True)):
        with sandbox_for(SPEC, faults=faults) as sandbox:
            port = sandbox.fourme_url.rpartition(":")[2]
            one = run(sandbox.environment())
            ended.append((one.code, one.out, one.log.replace(port, "PORT")))
    assert ended[0] == ended[1]
    assert ended[0][0] == code


def test_arguments_reach_the_step(server: ForkServer) -> None:
    """They are those of its command line."""
    assert server.run_step({}, "gett").code == ExitCode.CONFIG


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -9), (signal.SIGTERM, ExitCode.TRY_LATER)]
)
def test_a_run_can_be_killed(server: ForkServer, number: signal.Signals, code: int) -> None:
    """The signal reaches the step itself; the server goes on."""
    with sandbox_for(SPEC, faults=["spec=stall-before"]) as sandbox:
        ended = server.run_step(sandbox.environment(), kill=Kill(number, 0.5))
    assert ended.code == code
