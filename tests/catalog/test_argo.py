"""The Argo WorkflowTemplate and its sample, run as Argo Workflows would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from process.exit_codes import ExitCode
from tests.catalog.container import Container, can_run_containers, entry_point, volume
from tests.catalog.manifests import (
    all_results,
    by_name,
    example,
    expand_argo,
    kubernetes_environment,
    manifest,
)
from tests.step_process import REQUEST_ID

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox import Sandbox
    from tests.step_process import Ended

WORKFLOW_TEMPLATE = manifest("catalog/argo/workflow-template.yaml")
TEMPLATE: Mapping[str, Any] = WORKFLOW_TEMPLATE["spec"]["templates"][0]
SAMPLE = manifest("catalog/argo/sample-alert.yaml")
CONTAINER: Mapping[str, Any] = TEMPLATE["container"]

pytestmark = pytest.mark.skipif(not can_run_containers(), reason="needs root and mount namespaces")


def run_template(
    parameters: Mapping[str, str], scratch: Path, artifacts: Mapping[str, Path] | None = None
) -> Ended:
    """Run the template's container; its volumes are folders of `scratch` by their names."""
    known = by_name(TEMPLATE["inputs"]["parameters"])
    assert parameters.keys() - known.keys() == set()
    values = {name: entry["value"] for name, entry in known.items() if "value" in entry}
    values |= parameters
    container = expand_argo(CONTAINER, {f"inputs.parameters.{k}": v for k, v in values.items()})
    folders = {}
    for mount in container["volumeMounts"]:
        folders[mount["mountPath"]] = volume(scratch / mount["name"])
    for artifact in TEMPLATE["inputs"]["artifacts"]:
        if artifacts and artifact["name"] in artifacts:
            folders[artifact["path"]] = artifacts[artifact["name"]]
        else:
            assert artifact["optional"]
    return Container(
        command=[*container["command"], *container["args"]],
        environment=kubernetes_environment(container["env"]),
        folders=folders,
        user=container["securityContext"]["runAsUser"],
    ).run(scratch)


def outputs(scratch: Path) -> dict[str, str]:
    """Return the output parameters as Argo reads them: without one line break at the end."""
    (mount,) = CONTAINER["volumeMounts"]
    found = {}
    for parameter in TEMPLATE["outputs"]["parameters"]:
        source = parameter["valueFrom"]
        file = scratch / mount["name"] / Path(source["path"]).relative_to(mount["mountPath"])
        text = file.read_text("utf-8") if file.exists() else source["default"]
        found[parameter["name"]] = text.removesuffix("\n")
    return found


def test_the_sample_raises_the_impact_and_attaches_the_log(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """The alert's log, an artifact, is uploaded; the outputs are what the sample goes on with."""
    log = tmp_path / "log"
    log.mkdir()
    (log / "service.log").write_text("ERROR 500 POST /orders\n", encoding="utf-8")
    steps = [step for group in SAMPLE["spec"]["templates"][0]["steps"] for step in group]
    arguments = by_name(steps)["raise"]["arguments"]
    values = {
        f"workflow.parameters.{entry['name']}": entry["value"]
        for entry in SAMPLE["spec"]["arguments"]["parameters"]
    }
    parameters = {
        entry["name"]: expand_argo(entry["value"], values) for entry in arguments["parameters"]
    }
    assert [entry["name"] for entry in arguments["artifacts"]] == ["files"]
    ended = run_template({**parameters, "host": sandbox.fourme_url}, tmp_path, {"files": log})
    assert ended.code == ExitCode.OK, ended.log
    request = sandbox.store.request(REQUEST_ID) or {}
    assert (request["impact"], request["urgent"]) == ("high", True)
    note = sandbox.store.notes(REQUEST_ID)[0]
    assert note["text"] == "Sales Tracking answers 30 % of its calls with 500"
    assert [upload.filename for upload in sandbox.store.uploads] == ["service.log"]
    assert outputs(tmp_path)["url"] == f"{sandbox.fourme_url}/requests/80339"
    assert outputs(tmp_path)["id"] == "80339"
    artifact, notes = TEMPLATE["outputs"]["artifacts"]
    assert notes["optional"]
    file = tmp_path / "results" / Path(artifact["path"]).name
    assert json.loads(file.read_bytes()) == {**request, "request_id": REQUEST_ID}


def test_get_reports_a_missing_request(sandbox: Sandbox, tmp_path: Path) -> None:
    """The same template with another operation: the output `found` says that there is none."""
    inputs = {"host": sandbox.fourme_url, "account": "wdc", "operation": "get"}
    ended = run_template({**inputs, "request-id": "999", "if-missing": "report"}, tmp_path)
    assert ended.code == ExitCode.OK, ended.log
    assert outputs(tmp_path)["found"] == "false"
    assert outputs(tmp_path)["status"] == ""


def test_the_retry_strategy_is_for_rate_limits(rate_limited: Sandbox, tmp_path: Path) -> None:
    """Exit code 75, and no other, satisfies the strategy's expression."""
    parameters = {
        "host": rate_limited.fourme_url,
        "account": "wdc",
        "request-id": "80339",
        "note": "Deployed.",
    }
    ended = run_template(parameters, tmp_path)
    assert ended.code == ExitCode.TRY_LATER, ended.log
    expression = TEMPLATE["retryStrategy"]["expression"]
    assert expression == f"asInt(lastRetry.exitCode) == {int(ExitCode.TRY_LATER)}"


def test_the_readmes_example_is_the_templates() -> None:
    """A workflow of the template, with the group that makes other volumes the step's to write."""
    workflow = example("catalog/argo/README.md")
    assert workflow["spec"]["workflowTemplateRef"]["name"] == WORKFLOW_TEMPLATE["metadata"]["name"]
    assert WORKFLOW_TEMPLATE["spec"]["entrypoint"] == TEMPLATE["name"]
    assert workflow["spec"]["securityContext"] == {
        "fsGroup": CONTAINER["securityContext"]["runAsUser"]
    }
    arguments = by_name(workflow["spec"]["arguments"]["parameters"])
    assert arguments.keys() <= by_name(TEMPLATE["inputs"]["parameters"]).keys()


def test_invalid_input_ends_in_65(sandbox: Sandbox, tmp_path: Path) -> None:
    """All problems are in the log; nothing is sent. The files of the outputs may be missing."""
    parameters = {"host": sandbox.fourme_url, "account": "wdc", "request": "{request_idd: 1}"}
    ended = run_template(parameters, tmp_path)
    assert ended.code == ExitCode.DATA
    assert "Did you mean" in ended.log
    assert sandbox.calls == []
    assert [*(tmp_path / "results").iterdir()] == []
    defaults = [entry["valueFrom"]["default"] for entry in TEMPLATE["outputs"]["parameters"]]
    assert defaults == [""] * len(all_results())


def test_outputs_and_command_are_those_of_the_step() -> None:
    """The template has each result as a parameter, and starts the image's own entry point."""
    names = [parameter["name"] for parameter in TEMPLATE["outputs"]["parameters"]]
    assert names == all_results()
    assert CONTAINER["command"] == entry_point()
    assert [entry["name"] for entry in CONTAINER["env"]][-1] == "FOURME_ACCESS_TOKEN"
    mounted = {mount["name"] for mount in CONTAINER["volumeMounts"]}
    assert mounted == {volume["name"] for volume in TEMPLATE["volumes"]}
