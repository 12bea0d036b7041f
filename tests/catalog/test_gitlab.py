"""The GitLab component and its sample, run as GitLab's runner would."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from process.exit_codes import ExitCode
from tests.catalog.alerts import ALERT
from tests.catalog.container import Container, can_run_containers, entry_point, image_user, volume
from tests.catalog.manifests import all_results, all_values, manifest
from tests.engines.gitlab_rules import expand, read_dotenv
from tests.step_process import ACCESS_TOKEN, REQUEST_ID, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox import Sandbox
    from tests.step_process import Ended

TEMPLATE = ROOT / "catalog" / "gitlab" / "templates" / "fourme-request-update.yml"
HEADER, JOBS = yaml.safe_load_all(TEMPLATE.read_text(encoding="utf-8"))
(JOB,) = JOBS.values()
SAMPLE = manifest("catalog/gitlab/sample.gitlab-ci.yml")
PROJECT = "/builds/it/sales-tracking"
PREDEFINED = {
    "CI_PROJECT_DIR": PROJECT,
    "CI_COMMIT_SHORT_SHA": "8c1f0d2",
    "CI_PIPELINE_URL": "https://gitlab.example/it/sales-tracking/-/pipelines/1",
    "CHANGE_REQUEST": "70470",
}
_INPUT = re.compile(r"\$\[\[ inputs\.([a-z-]+) \]\]")

pytestmark = pytest.mark.skipif(not can_run_containers(), reason="needs root and mount namespaces")


def run_job(values: Mapping[str, str], scratch: Path) -> Ended:
    """Run the component's job; the project's folder is `scratch / "project"`."""
    declared: dict[str, Any] = HEADER["spec"]["inputs"]
    assert values.keys() - declared.keys() == set()
    inputs = {name: entry["default"] for name, entry in declared.items() if "default" in entry}
    inputs |= values
    variables = {
        name: _INPUT.sub(lambda match: inputs[match[1]], value)
        for name, value in JOB["variables"].items()
    }
    script = [_INPUT.sub(lambda match: inputs[match[1]], line) for line in JOB["script"]]
    others = {**PREDEFINED, "FOURME_ACCESS_TOKEN": ACCESS_TOKEN}
    environment = {name: expand(value, others) for name, value in variables.items()}
    assert JOB["image"]["entrypoint"] == [""]
    project = volume(scratch / "project")  # GitLab's helper lets anyone write a job's files
    return Container(
        command=["sh", "-c", "set -e\n" + "\n".join(script)],
        environment={**others, **environment, "CI": "true", "GITLAB_CI": "true", "HOME": "/"},
        folders={PROJECT: project},
        user=image_user(inputs["image"]),
        workdir=PROJECT,
    ).run(scratch)


def sample_inputs(sandbox: Sandbox) -> dict[str, str]:
    """Return the inputs of the sample."""
    (use,) = SAMPLE["include"]
    assert use["component"].partition("@")[0].endswith(f"/{TEMPLATE.stem}")
    return {**use["inputs"], "host": sandbox.fourme_url}


def test_the_sample_notes_a_deployment(sandbox: Sandbox, tmp_path: Path) -> None:
    """The note is there, and each artifact that the job declares is valid for GitLab."""
    ended = run_job(sample_inputs(sandbox), tmp_path)
    assert ended.code == ExitCode.OK, ended.log
    assert sandbox.store.notes(70470)[0]["text"] == (
        "Commit 8c1f0d2 is in production, deployed by "
        "https://gitlab.example/it/sales-tracking/-/pipelines/1"
    )
    request: dict[str, Any] = sandbox.store.request(70470) or {}
    assert {"id": "commit", "value": "8c1f0d2"} in request["custom_fields"]
    project = tmp_path / "project"
    published = json.loads((project / "4me" / "request.json").read_bytes())
    assert published == {**request, "request_id": 70470}
    reports = JOB["artifacts"]["reports"]
    variables = read_dotenv((project / reports["dotenv"]).read_bytes(), {})
    assert variables["FOURME_RESULT_STATUS"] == "assigned"
    annotations = json.loads((project / reports["annotations"]).read_bytes())
    (link,) = annotations["4me"]
    assert link["external_link"]["url"] == variables["FOURME_RESULT_URL"]
    used = set(re.findall(r"\$(FOURME_RESULT_[A-Z_]+)", json.dumps(SAMPLE)))
    assert used
    assert used <= variables.keys()


def test_get_reads_a_request_and_its_notes(sandbox: Sandbox, tmp_path: Path) -> None:
    """The same job with another operation: each artifact is there, and nothing is changed."""
    inputs = {"host": sandbox.fourme_url, "account": "wdc", "operation": "get", "notes": "true"}
    ended = run_job({**inputs, "request-id": "70470"}, tmp_path)
    assert ended.code == ExitCode.OK, ended.log
    folder = tmp_path / "project" / "4me"
    request, notes = (
        json.loads((folder / f"{name}.json").read_bytes()) for name in ("request", "notes")
    )
    assert request == {**(sandbox.store.request(70470) or {}), "request_id": 70470}
    assert len(notes) == len(sandbox.store.notes(70470))
    assert {call.method for call in sandbox.calls} == {"GET"}


def test_get_finds_the_request_of_an_alert(alerted: Sandbox, tmp_path: Path) -> None:
    """The input `find` is YAML, and stands in place of the request's ID."""
    inputs = {"host": alerted.fourme_url, "account": "wdc", "operation": "get"}
    ended = run_job({**inputs, "find": f"source: Monitoring\nsourceID: {ALERT}\n"}, tmp_path)
    assert ended.code == ExitCode.OK, ended.log
    file = tmp_path / "project" / JOB["artifacts"]["reports"]["dotenv"]
    variables = read_dotenv(file.read_bytes(), {})
    assert variables["FOURME_RESULT_ID"] == str(REQUEST_ID)
    assert variables["FOURME_RESULT_FOUND"] == "true"


def test_the_sample_may_be_retried(sandbox: Sandbox, tmp_path: Path) -> None:
    """A second attempt in the same pipeline adds nothing, and its variables say so."""
    for attempt, changed in (("first", "true"), ("second", "false")):
        (tmp_path / attempt).mkdir()
        ended = run_job(sample_inputs(sandbox), tmp_path / attempt)
        assert ended.code == ExitCode.OK, ended.log
        file = tmp_path / attempt / "project" / JOB["artifacts"]["reports"]["dotenv"]
        assert read_dotenv(file.read_bytes(), {})["FOURME_RESULT_CHANGED"] == changed
    texts = [str(note["text"]) for note in sandbox.store.notes(70470)]
    assert len([text for text in texts if "8c1f0d2" in text]) == 1


def test_only_a_job_that_may_be_retried_is() -> None:
    """After 75 in every mode; the sample ensures, and so adds 74 and 76 to the included job."""
    (use,) = SAMPLE["include"]
    retry = SAMPLE[use["inputs"]["job-name"]]["retry"]
    assert JOB["retry"]["exit_codes"] == [int(ExitCode.TRY_LATER)]
    assert use["inputs"]["mode"] == "ensure"
    assert retry == {**JOB["retry"], "exit_codes": [74, 75, 76]}


def test_each_value_is_an_artifact() -> None:
    """The job declares the files of all values that are not variables of later jobs, too."""
    paths = JOB["artifacts"]["paths"]
    assert paths == [f"4me/{name}.json" for name in all_values()]
    readme = (TEMPLATE.parents[1] / "README.md").read_text(encoding="utf-8")
    assert [path for path in paths if path not in readme] == []
    assert [name for name in all_results() if f"_{name.upper()}`" not in readme] == []


@pytest.mark.parametrize("debug", ["false", "true"])
def test_debug_logs_each_call(sandbox: Sandbox, tmp_path: Path, debug: str) -> None:
    """The input `debug` is passed on, and makes the job log each call."""
    ended = run_job({**sample_inputs(sandbox), "debug": debug}, tmp_path)
    assert ended.code == ExitCode.OK, ended.log
    assert ("PATCH" in ended.log) == (debug == "true")


def test_invalid_input_ends_in_65(sandbox: Sandbox, tmp_path: Path) -> None:
    """The job fails with the step's own exit code, which its retry rule does not name."""
    ended = run_job({**sample_inputs(sandbox), "request": "impact: lwo"}, tmp_path)
    assert ended.code == ExitCode.DATA
    assert "request.impact is 'lwo', which is not allowed" in ended.log


def test_the_job_is_retried_after_a_rate_limit(rate_limited: Sandbox, tmp_path: Path) -> None:
    """A wait beyond the budget ends in the one code that the retry rule names."""
    ended = run_job(sample_inputs(rate_limited), tmp_path)
    assert ended.code == ExitCode.TRY_LATER


def test_the_script_starts_the_image_s_entry_point() -> None:
    """GitLab starts a shell in place of the entry point, so the script names it."""
    assert JOB["script"] == [" ".join([*entry_point(), "$[[ inputs.operation ]]"])]
