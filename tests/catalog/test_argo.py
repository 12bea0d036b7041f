"""The Argo WorkflowTemplate and its sample, run as Argo Workflows would."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from process.exit_codes import ExitCode
from tests.catalog.container import Container, can_run_containers, entry_point, volume
from tests.catalog.manifests import (
    all_results,
    all_values,
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
MODE = "inputs.parameters.mode"

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
    alerted: Sandbox, tmp_path: Path
) -> None:
    """The alert's log, an artifact, is uploaded; the outputs are what the sample goes on with."""
    ended = run_sample(alerted, tmp_path)
    assert ended.code == ExitCode.OK, ended.log
    request = alerted.store.request(REQUEST_ID) or {}
    assert (request["impact"], request["urgent"]) == ("high", True)
    note = alerted.store.notes(REQUEST_ID)[0]
    assert note["text"] == "Sales Tracking answers 30 % of its calls with 500 (alert-to-4me-x7k2p)"
    assert [upload.filename for upload in alerted.store.uploads] == ["service.log"]
    published = outputs(tmp_path)
    assert published["url"] == f"{alerted.fourme_url}/requests/80339"
    assert (published["id"], published["changed"]) == ("80339", "true")
    file = tmp_path / "results" / "request.json"
    assert json.loads(file.read_bytes()) == {**request, "request_id": REQUEST_ID}
    changes = json.loads((tmp_path / "results" / "changes.json").read_bytes())
    assert {change["field"] for change in changes} >= {"impact", "urgent", "note"}


def test_the_sample_may_be_retried(alerted: Sandbox, tmp_path: Path) -> None:
    """A second attempt of the same workflow changes nothing, and uploads nothing."""
    for attempt, changed in (("first", "true"), ("second", "false")):
        (tmp_path / attempt).mkdir()
        ended = run_sample(alerted, tmp_path / attempt)
        assert ended.code == ExitCode.OK, ended.log
        assert outputs(tmp_path / attempt)["changed"] == changed
    texts = [str(note["text"]) for note in alerted.store.notes(REQUEST_ID)]
    assert len([text for text in texts if "30 % of its calls" in text]) == 1
    assert len(alerted.store.uploads) == 1
    assert [call.name for call in alerted.calls].count("patch") == 1


def run_sample(sandbox: Sandbox, scratch: Path) -> Ended:
    """Run the sample's use of the template."""
    log = scratch / "log"
    log.mkdir()
    (log / "service.log").write_text("ERROR 500 POST /orders\n", encoding="utf-8")
    steps = [step for group in SAMPLE["spec"]["templates"][0]["steps"] for step in group]
    arguments = by_name(steps)["raise"]["arguments"]
    values = {
        f"workflow.parameters.{entry['name']}": entry["value"]
        for entry in SAMPLE["spec"]["arguments"]["parameters"]
    }
    values["workflow.name"] = "alert-to-4me-x7k2p"
    parameters = {
        entry["name"]: expand_argo(entry["value"], values) for entry in arguments["parameters"]
    }
    assert [entry["name"] for entry in arguments["artifacts"]] == ["files"]
    return run_template({**parameters, "host": sandbox.fourme_url}, scratch, {"files": log})


def test_get_reports_a_missing_request(sandbox: Sandbox, tmp_path: Path) -> None:
    """The same template with another operation: the output `found` says that there is none."""
    inputs = {"host": sandbox.fourme_url, "account": "wdc", "operation": "get"}
    ended = run_template({**inputs, "request-id": "999", "if-missing": "report"}, tmp_path)
    assert ended.code == ExitCode.OK, ended.log
    assert outputs(tmp_path)["found"] == "false"
    assert outputs(tmp_path)["status"] == ""


def is_retried(mode: str, code: int) -> bool:
    """Return whether Argo would retry; its expression is one of Python, too."""
    expression = expand_argo(TEMPLATE["retryStrategy"]["expression"], {MODE: mode})
    last_retry = SimpleNamespace(exitCode=str(code))
    return bool(eval(expression, {"asInt": int, "lastRetry": last_retry}))  # noqa: S307  our own manifest


@pytest.mark.parametrize(
    ("mode", "codes"), [("", {75}), ("update", {75}), ("ensure", {74, 75, 76})]
)
def test_the_retry_strategy_never_repeats_what_was_added(mode: str, codes: set[int]) -> None:
    """After 75 nothing was added; ensure adds nothing twice, whatever the end was."""
    assert {code for code in [-1, *range(256)] if is_retried(mode, code)} == codes


def test_the_template_is_retried_after_a_rate_limit(rate_limited: Sandbox, tmp_path: Path) -> None:
    """A wait beyond the budget ends in the one code that is retried in every mode."""
    parameters = {
        "host": rate_limited.fourme_url,
        "account": "wdc",
        "request-id": "80339",
        "note": "Deployed.",
    }
    ended = run_template(parameters, tmp_path)
    assert ended.code == ExitCode.TRY_LATER, ended.log
    assert is_retried("update", ended.code)


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
    artifacts = by_name(TEMPLATE["outputs"]["artifacts"])
    assert {name: entry["path"] for name, entry in artifacts.items()} == {
        name: f"/results/{name}.json" for name in all_values()
    }
    assert [name for name, entry in artifacts.items() if not entry.get("optional")] == ["request"]
    assert CONTAINER["command"] == entry_point()
    assert [entry["name"] for entry in CONTAINER["env"]][-1] == "FOURME_ACCESS_TOKEN"
    mounted = {mount["name"] for mount in CONTAINER["volumeMounts"]}
    assert mounted == {volume["name"] for volume in TEMPLATE["volumes"]}
