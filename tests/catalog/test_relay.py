"""The Relay workflows, run step by step against the sandbox, as Relay would."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from process.exit_codes import ExitCode
from sandbox import FourMeOptions, Sandbox, parse
from tests.catalog.alerts import ALERT, alerted_data
from tests.catalog.manifests import manifest
from tests.step_process import ROOT, run_step

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONNECTIONS = {
    "4me/my-4me-connection": {
        "host": "https://api.4me.com",
        "accessToken": "demo-token",
        "account": "wdc",
    }
}
EVENT = {
    "request_id": 80339,
    "waiting_id": "70470",
    "build": 1188,
    "alert": ALERT,
    "title": "30 % of all calls fail",
    "log": "ERROR 500 POST /orders",
}
# The others are inputs of the sandbox.
WORKFLOWS = sorted(
    path
    for file in (ROOT / "catalog" / "relay").glob("*.yaml")
    if "triggers" in manifest(path := str(file.relative_to(ROOT)))
)
_EVENT = re.compile(r"\$\{event\.([a-z_]+)\}")


def run_workflow(path: str, data: Path) -> dict[str, Any]:
    """Run a workflow that an event triggers; return what each step published."""
    workflow = manifest(path)
    (trigger,) = workflow["triggers"]
    bound = trigger["binding"]["parameters"]
    assert bound.keys() == workflow["parameters"].keys()
    parameters = {name: EVENT[_EVENT.fullmatch(text)[1]] for name, text in bound.items()}  # type: ignore[index]  # a text that does not match shall fail
    steps: dict[str, dict[str, Any]] = {}
    done: list[str] = []
    for step in workflow["steps"]:
        assert step.get("dependsOn") in (None, *done)
        steps[step["name"]] = {"spec": step["spec"]}
        runs = {"1": {"parameters": parameters, "steps": steps}}
        document = parse(yaml.safe_dump({"connections": CONNECTIONS, "runs": runs}))
        content = yaml.safe_load(data.read_text("utf-8")) if data.exists() else alerted_data()
        options = FourMeOptions(data=content, path=data)
        with Sandbox(document, "1", step["name"], fourme=options) as sandbox:
            ended = run_step(sandbox.environment())
            assert ended.code == ExitCode.OK, ended.log
            steps[step["name"]]["outputs"] = sandbox.outputs
        done.append(step["name"])
    return {name: step["outputs"] for name, step in steps.items()}


def stored(data: Path) -> Mapping[str, Any]:
    """Return the sandbox's data after a run."""
    content: Mapping[str, Any] = yaml.safe_load(data.read_text("utf-8"))
    return content


def test_an_event_closes_the_request_that_announced_it(tmp_path: Path) -> None:
    """The first step completes the request; the second one uses its output."""
    outputs = run_workflow("catalog/relay/close-on-deployment.yaml", tmp_path / "4me.yaml")
    closed, waiting = outputs["close"]["request"], outputs["go-on"]["request"]
    assert (closed["status"], closed["completion_reason"]) == ("completed", "solved")
    assert {"id": "build", "value": 1188} in closed["custom_fields"]
    assert waiting["status"] == "in_progress"
    assert waiting["team"] == closed["team"]
    text = (tmp_path / "4me.yaml").read_text("utf-8")
    assert "Request 80339 is completed by build 1188; this one can go on." in text


def test_an_alert_raises_the_impact_and_attaches_the_log(tmp_path: Path) -> None:
    """The log is uploaded, and the internal note is the alert's title."""
    outputs = run_workflow("catalog/relay/raise-on-alert.yaml", tmp_path / "4me.yaml")
    request = outputs["raise"]["request"]
    assert (request["impact"], request["urgent"]) == ("high", True)
    text = (tmp_path / "4me.yaml").read_text("utf-8")
    assert "30 % of all calls fail" in text
    assert "alert.log" in text


@pytest.mark.parametrize("path", WORKFLOWS)
def test_an_event_that_comes_twice_changes_nothing_again(path: str, tmp_path: Path) -> None:
    """Each step publishes that it has changed nothing, and the data stay as they are."""
    data = tmp_path / "4me.yaml"
    first = run_workflow(path, data)
    before = stored(data)
    second = run_workflow(path, data)
    assert [outputs["changed"] for outputs in first.values()] == [True] * len(first)
    assert [outputs["changed"] for outputs in second.values()] == [False] * len(second)
    assert stored(data) == before


@pytest.mark.parametrize("path", WORKFLOWS)
def test_every_workflow_uses_the_step_by_its_published_name(path: str) -> None:
    """The image is the one that step.yaml publishes."""
    repository = manifest("step.yaml")["publish"]["repository"]
    assert {step["image"] for step in manifest(path)["steps"]} == {repository}
