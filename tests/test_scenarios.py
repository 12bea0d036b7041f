"""The scenario files end to end: the step as a process, on each spec."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from process.exit_codes import ExitCode
from sandbox import FOURME_HOST, FourMeOptions, Sandbox, document_for
from tests.fork_server import ForkServers
from tests.scenario_files import ACCESS_TOKEN, Accepted, Refused, load_scenarios

if TYPE_CHECKING:
    from sandbox.calls import RecordedCall
    from tests.step_process import Ended

ACCEPTED = load_scenarios("accepted")


def is_json(value: object) -> bool:
    """Return whether a metadata service could send a spec: JSON has no NaN."""
    try:
        json.dumps(value, allow_nan=False, default=str)
    except ValueError:
        return False
    return True


REFUSED = [scenario for scenario in load_scenarios("refused") if is_json(scenario.spec)]
WORKERS = 4
CLOSED_PORT = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Result:
    """The result of a scenario: how the step ended, and the calls that it made."""

    ended: Ended
    calls: list[RecordedCall]


def run_scenario(scenario: Accepted | Refused, servers: ForkServers) -> Result:
    """Run the step on a scenario; the sandbox's 4me does not know the scenarios' token.

    A sandbox that serves 4me replaces every host by its own, so a scenario about a host runs
    without one. A proxy address where nothing listens keeps the step from reaching that host.
    """
    fourme = None if has_own_host(scenario.spec) else FourMeOptions()
    with Sandbox(document_for(scenario.spec), fourme=fourme) as sandbox:
        extra = {**sandbox.environment(), "HTTP_PROXY": CLOSED_PORT, "HTTPS_PROXY": CLOSED_PORT}
        return Result(servers.run_step(extra), sandbox.calls)


def has_own_host(spec: object) -> bool:
    """Return whether a spec has another host than the sandbox's 4me."""
    connection = spec.get("connection") if isinstance(spec, dict) else None
    host = connection.get("host") if isinstance(connection, dict) else None
    return isinstance(host, str) and FOURME_HOST not in host


@pytest.fixture(scope="module")
def results() -> dict[str, Result]:
    """Run all scenarios side by side."""
    scenarios: list[Accepted | Refused] = [*ACCEPTED, *REFUSED]
    with ForkServers(WORKERS) as servers, ThreadPoolExecutor(WORKERS) as pool:
        ended = pool.map(lambda scenario: run_scenario(scenario, servers), scenarios)
        return {scenario.name: result for scenario, result in zip(scenarios, ended, strict=True)}


@pytest.mark.parametrize("scenario", ACCEPTED, ids=lambda scenario: scenario.name)
def test_an_accepted_spec_makes_the_documented_call(
    scenario: Accepted, results: dict[str, Result]
) -> None:
    """The first call to 4me is that of the scenario; a PATCH has native JSON types."""
    result = results[scenario.name]
    assert [call.name for call in result.calls] == ["spec", scenario.first_call]
    patch = result.calls[1]
    assert patch.path.partition("?")[0] == scenario.path
    assert result.ended.code == ExitCode.PERMISSION
    if scenario.first_call != "patch":
        return
    assert patch.body == json.dumps(json.loads(patch.body)).encode()
    assert json.dumps(json.loads(patch.body), sort_keys=True) == json.dumps(
        scenario.body, sort_keys=True
    )
    assert patch.headers["authorization"] == f"Bearer {ACCESS_TOKEN}"


@pytest.mark.parametrize("scenario", REFUSED, ids=lambda scenario: scenario.name)
def test_a_refused_spec_sends_nothing(scenario: Refused, results: dict[str, Result]) -> None:
    """After a failed validation there is no call to 4me, and a message that helps."""
    result = results[scenario.name]
    assert [call.name for call in result.calls] == ["spec"]
    assert result.ended.code == scenario.exit_code, result.ended.log
    assert [words for words in scenario.error_contains if words not in result.ended.log] == []
    assert [words for words in scenario.error_lacks if words in result.ended.log] == []
    assert ACCESS_TOKEN not in result.ended.log
