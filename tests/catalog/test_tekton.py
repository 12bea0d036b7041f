"""The Tekton Task and its sample, run as Tekton would."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from process.exit_codes import ExitCode
from tests.catalog.container import Container, can_run_containers, entry_point, volume
from tests.catalog.manifests import (
    all_results,
    by_name,
    example,
    expand_tekton,
    kubernetes_environment,
    manifest,
)
from tests.step_process import ACCESS_TOKEN, REQUEST_ID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox import Sandbox
    from tests.step_process import Ended

FOLDER = "catalog/tekton/task/fourme-request-update/2.0"
TASK = manifest(f"{FOLDER}/fourme-request-update.yaml")
SAMPLE = manifest(f"{FOLDER}/samples/note-deployment.yaml")
STEP: Mapping[str, Any] = TASK["spec"]["steps"][0]

pytestmark = pytest.mark.skipif(not can_run_containers(), reason="needs root and mount namespaces")


def run_task(params: Mapping[str, str], scratch: Path, output: Path | None = None) -> Ended:
    """Run the Task's step; its results are in `scratch / "results"` afterwards."""
    results = volume(scratch / "results")
    values = {f"params.{entry['name']}": entry.get("default") for entry in TASK["spec"]["params"]}
    unknown = params.keys() - {entry["name"] for entry in TASK["spec"]["params"]}
    assert unknown == set()
    values |= {f"params.{name}": value for name, value in params.items()}
    values["workspaces.output.path"] = "" if output is None else "/workspace/output"
    step = expand_tekton(STEP, values)
    folders = {"/tekton/results": results}
    if output is not None:
        folders["/workspace/output"] = output
    return Container(
        command=[*step["command"], *step["args"]],
        environment=kubernetes_environment(step["env"]),
        folders=folders,
        user=step["securityContext"]["runAsUser"],
    ).run(scratch)


def sample_params(sandbox: Sandbox) -> dict[str, str]:
    """Return the params that the sample's pipeline passes to the Task."""
    spec = SAMPLE["spec"]
    values = {f"params.{entry['name']}": entry["value"] for entry in spec["params"]}
    values["tasks.deploy.status"] = "Succeeded"
    values["context.pipelineRun.name"] = "deploy-sales-tracking-x7k2p"
    task = by_name(spec["pipelineSpec"]["finally"])["note"]
    assert task["taskRef"]["name"] == TASK["metadata"]["name"]
    params = {entry["name"]: expand_tekton(entry["value"], values) for entry in task["params"]}
    return {**params, "host": sandbox.fourme_url}


def test_the_sample_notes_a_deployment(sandbox: Sandbox, tmp_path: Path) -> None:
    """The note and the commit are on the request; each result is a file without a line break."""
    ended = run_task(sample_params(sandbox), tmp_path)
    assert ended.code == ExitCode.OK, ended.log
    request: dict[str, Any] = sandbox.store.request(70470) or {}
    note = sandbox.store.notes(70470)[0]
    assert note["text"] == (
        "Commit 8c1f0d2 was deployed to production: Succeeded, deploy-sales-tracking-x7k2p."
    )
    assert {"id": "commit", "value": "8c1f0d2"} in request["custom_fields"]
    results = {file.name: file.read_text("utf-8") for file in (tmp_path / "results").iterdir()}
    assert results == {
        "id": "70470",
        "status": "assigned",
        "subject": "Add memory to Sales Tracking production server cluster",
        "team": "14",
        "member": "58",
        "next_target_at": "best_effort",
        "updated_at": request["updated_at"],
        "url": f"{sandbox.fourme_url}/requests/70470",
        "changed": "true",
    }
    assert ended.out == ""


def test_get_reads_a_request(sandbox: Sandbox, tmp_path: Path) -> None:
    """The same Task with another operation: each value is a file of the workspace."""
    output = volume(tmp_path / "output")
    params = {"host": sandbox.fourme_url, "account": "wdc", "operation": "get", "notes": "yes"}
    ended = run_task({**params, "request-id": "70470"}, tmp_path, output)
    assert ended.code == ExitCode.OK, ended.log
    assert {file.name for file in output.iterdir()} == {"request.json", "found.json", "notes.json"}
    assert (tmp_path / "results" / "found").read_bytes() == b"true"


def test_a_guard_keeps_a_request_as_it_is(sandbox: Sandbox, tmp_path: Path) -> None:
    """With `only-if`, nothing is sent while its status is another one; the result says so."""
    params = {"host": sandbox.fourme_url, "account": "wdc", "request-id": "70470", "note": "Done."}
    ended = run_task({**params, "only-if": "status: [completed]"}, tmp_path)
    assert ended.code == ExitCode.OK, ended.log
    assert {call.method for call in sandbox.calls} == {"GET"}
    assert (tmp_path / "results" / "changed").read_bytes() == b"false"
    assert (tmp_path / "results" / "id").read_bytes() == b"70470"


def test_a_workspace_gets_the_full_request(sandbox: Sandbox, tmp_path: Path) -> None:
    """request.json in the bound workspace is the whole answer."""
    output = volume(tmp_path / "output")
    ended = run_task(sample_params(sandbox), tmp_path, output)
    assert ended.code == ExitCode.OK, ended.log
    assert json.loads((output / "request.json").read_bytes()) == {
        **(sandbox.store.request(70470) or {}),
        "request_id": 70470,
    }


@pytest.mark.parametrize(
    ("group", "mode", "code"), [(0, 0o755, ExitCode.CONFIG), (65532, 0o2775, ExitCode.OK)]
)
def test_a_claims_volume_needs_a_group(
    sandbox: Sandbox, tmp_path: Path, group: int, mode: int, code: ExitCode
) -> None:
    """A volume is root's: without the README's `fsGroup` nothing is sent, with it all is."""
    run = example(f"{FOLDER}/README.md")
    assert run["spec"]["podTemplate"]["securityContext"] == {"fsGroup": 65532}
    assert STEP["securityContext"]["runAsUser"] == 65532
    assert run["spec"]["taskRef"]["name"] == TASK["metadata"]["name"]
    assert [use["name"] for use in run["spec"]["workspaces"]] == ["output"]
    output = tmp_path / "output"
    output.mkdir()
    os.chown(output, 0, group)
    output.chmod(mode)
    params = {entry["name"]: entry["value"] for entry in run["spec"]["params"]}
    ended = run_task({**params, "host": sandbox.fourme_url}, tmp_path, output)
    assert ended.code == code, ended.log
    if code is ExitCode.CONFIG:
        assert "needs `fsGroup` in the pod's securityContext" in ended.log
        assert sandbox.calls == []
        assert [*(tmp_path / "results").iterdir()] == []


def test_only_a_task_that_ensures_has_retries() -> None:
    """Tekton's `retries` ignores exit codes; mode update would add the note again."""
    tasks = [*SAMPLE["spec"]["pipelineSpec"]["tasks"], *SAMPLE["spec"]["pipelineSpec"]["finally"]]
    (retried,) = (task for task in tasks if "retries" in task)
    assert retried["taskRef"]["name"] == TASK["metadata"]["name"]
    assert by_name(retried["params"])["mode"]["value"] == "ensure"


def test_the_sample_may_be_retried(sandbox: Sandbox, tmp_path: Path) -> None:
    """A second attempt in the same run of the pipeline adds nothing, and its result says so."""
    for attempt, changed in (("first", b"true"), ("second", b"false")):
        (tmp_path / attempt).mkdir()
        ended = run_task(sample_params(sandbox), tmp_path / attempt)
        assert ended.code == ExitCode.OK, ended.log
        assert (tmp_path / attempt / "results" / "changed").read_bytes() == changed
    texts = [str(note["text"]) for note in sandbox.store.notes(70470)]
    assert len([text for text in texts if "8c1f0d2" in text]) == 1


def test_an_untrusted_text_is_not_evaluated(sandbox: Sandbox, tmp_path: Path) -> None:
    """Neither YAML nor references to variables in a note are evaluated; it has no token."""
    note = "broken: [\nstatus: completed\n$(FOURME_ACCESS_TOKEN) ${FOURME_ACCESS_TOKEN}"
    params = {"host": sandbox.fourme_url, "account": "wdc", "request-id": "80339", "note": note}
    ended = run_task(params, tmp_path)
    assert ended.code == ExitCode.OK, ended.log
    assert sandbox.store.notes(REQUEST_ID)[0]["text"] == note
    assert json.loads(sandbox.calls[-1].body) == {"note": note}
    assert ACCESS_TOKEN not in note


def test_a_request_alone_is_enough(sandbox: Sandbox, tmp_path: Path) -> None:
    """The number may be in the request; what is invalid there ends in 65 with all problems."""
    params = {"host": sandbox.fourme_url, "account": "wdc"}
    request = "request_id: 80339\nimpact: lwo\nteam: Unix\n"
    ended = run_task({**params, "request": request}, tmp_path)
    assert ended.code == ExitCode.DATA
    assert "The spec has 2 problems" in ended.log
    assert [*(tmp_path / "results").iterdir()] == []


def test_results_and_command_are_those_of_the_step() -> None:
    """The Task declares each result, and starts the image's own entry point."""
    assert [result["name"] for result in TASK["spec"]["results"]] == all_results()
    assert STEP["command"] == entry_point()


def test_the_token_is_the_last_variable() -> None:
    """Kubernetes expands references to variables above; no text may refer to the token."""
    assert [entry["name"] for entry in STEP["env"]][-1] == "FOURME_ACCESS_TOKEN"
    texts = {**{entry["name"]: entry for entry in STEP["env"]}["FOURME_NOTE"], "value": "$(T)"}
    token = {"name": "T", "valueFrom": {"secretKeyRef": {"name": "4me", "key": "access-token"}}}
    assert kubernetes_environment([token, texts])["FOURME_NOTE"] == ACCESS_TOKEN
    assert kubernetes_environment([texts, token])["FOURME_NOTE"] == "$(T)"
