"""The GitHub action and its example, run as GitHub's runner would."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

from process import VERSION
from process.exit_codes import ExitCode
from tests.catalog.container import Container, can_run_containers, entry_point, image_user
from tests.catalog.manifests import all_results, all_values, by_name, manifest
from tests.engines.github_rules import read_outputs
from tests.step_process import ACCESS_TOKEN, REQUEST_ID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from sandbox import Sandbox
    from tests.step_process import Ended

ACTION = manifest("action.yml")
EXAMPLE = manifest("catalog/github/workflow.yml")
USE: Mapping[str, Any] = next(
    step for step in EXAMPLE["jobs"]["repair"]["steps"] if "uses" in step and "id" in step
)
RUNNER = 1001  # the user of GitHub's hosted runners
_EXPRESSION = re.compile(r"\$\{\{ *(?P<json>toJSON\()?(?P<path>[a-z_.A-Z-]+)\)? *\}\}")

pytestmark = pytest.mark.skipif(not can_run_containers(), reason="needs root and mount namespaces")


def run_action(
    values: Mapping[str, object],
    scratch: Path,
    extra: Mapping[str, str] | None = None,
    *,
    user: int | None = None,
) -> Ended:
    """Run the action's container with these inputs, as a hosted runner would.

    Args:
        values: the inputs.
        scratch: gets GitHub's folders; they belong to the runner, who alone may write them.
        extra: environment variables.
        user: who runs it; None for the user of the image that the action names.
    """
    assert ACTION["runs"]["using"] == "docker"
    assert ACTION["runs"]["args"] == ["${{ inputs.operation }}"]
    assert values.keys() - ACTION["inputs"].keys() == set()
    inputs = {name: str(entry.get("default", "")) for name, entry in ACTION["inputs"].items()}
    inputs |= {name: str(value) for name, value in values.items()}
    folders = {f"/github/{name}": scratch / name for name in ("workspace", "home", "file_commands")}
    for folder in folders.values():
        folder.mkdir()
    files = [scratch / "file_commands" / name for name in ("output", "summary")]
    for file in files:
        file.touch()
        file.chmod(0o644)
    for folder in folders.values():
        folder.chmod(0o755)
    for path in (*folders.values(), *files):
        os.chown(path, RUNNER, RUNNER)
    return Container(
        command=[*entry_point(), inputs["operation"]],
        environment={
            **{f"INPUT_{name.replace(' ', '_').upper()}": v for name, v in inputs.items()},
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": "/github/workspace",
            "GITHUB_OUTPUT": "/github/file_commands/output",
            "GITHUB_STEP_SUMMARY": "/github/file_commands/summary",
            "HOME": "/github/home",
            **(extra or {}),
        },
        folders=folders,
        user=image_user(ACTION["runs"]["image"]) if user is None else user,
        workdir="/github/workspace",
    ).run(scratch)


def example_inputs(sandbox: Sandbox) -> dict[str, str]:
    """Return the inputs of the example, its expressions evaluated."""
    context = {
        "secrets.FOURME_ACCESS_TOKEN": ACCESS_TOKEN,
        "github.event.client_payload.request_id": "80339",
        "github.event.client_payload.reason": "the migration: it had no index",
        "github.run_id": "1658821493",
        "steps.deploy.outputs.version": "1188",
    }

    def value_of(match: re.Match[str]) -> str:
        value = context[match["path"]]
        return json.dumps(value) if match["json"] else value

    inputs = {name: _EXPRESSION.sub(value_of, str(text)) for name, text in USE["with"].items()}
    assert not [text for text in inputs.values() if "${{" in text]
    return {**inputs, "host": sandbox.fourme_url}


def test_the_example_closes_the_request(sandbox: Sandbox, tmp_path: Path) -> None:
    """The request is completed with a note; every declared output is there, and the summary."""
    ended = run_action(example_inputs(sandbox), tmp_path)
    assert ended.code == ExitCode.OK, ended.log
    request: dict[str, Any] = sandbox.store.request(REQUEST_ID) or {}
    assert (request["status"], request["completion_reason"]) == ("completed", "solved")
    assert {"id": "build", "value": "1188"} in request["custom_fields"]
    note = sandbox.store.notes(REQUEST_ID)[0]["text"]
    assert note == (
        "Build 1188 is in production, by run 1658821493; "
        "the migration: it had no index is repaired."
    )
    outputs = read_outputs((tmp_path / "file_commands" / "output").read_text("utf-8"))
    assert {*outputs} == {*ACTION["outputs"]} - {"found", "notes"}
    assert json.loads(outputs["request"]) == {**request, "request_id": REQUEST_ID}
    used = set(re.findall(r"steps\.close\.outputs\.([a-z_]+)", json.dumps(EXAMPLE)))
    assert used == {"status", "url"}
    assert (outputs["status"], outputs["changed"]) == ("completed", "true")
    assert "status" in {change["field"] for change in json.loads(outputs["changes"])}
    summary = (tmp_path / "file_commands" / "summary").read_text("utf-8")
    assert summary.startswith("### [4me request 80339")
    assert f"]({outputs['url']})\n" in summary
    assert ended.out == f"::add-mask::{ACCESS_TOKEN}\n"
    assert [*(tmp_path / "workspace").iterdir()] == []


def test_the_example_may_be_run_again(sandbox: Sandbox, tmp_path: Path) -> None:
    """Neither the note nor the time is added again, and the outputs say so."""
    for attempt, changed in (("first", "true"), ("second", "false")):
        (tmp_path / attempt).mkdir()
        ended = run_action(example_inputs(sandbox), tmp_path / attempt)
        assert ended.code == ExitCode.OK, ended.log
        outputs = read_outputs((tmp_path / attempt / "file_commands" / "output").read_text("utf-8"))
        assert (outputs["status"], outputs["changed"]) == ("completed", changed)
    texts = [str(note["text"]) for note in sandbox.store.notes(REQUEST_ID)]
    assert len([text for text in texts if "by run 1658821493" in text]) == 1
    assert sandbox.store.time_spent_total(REQUEST_ID) == 5


def test_a_preview_shows_a_table_and_sends_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    """The summary has a row for each field, the output `changes` an item."""
    before = sandbox.store.request(REQUEST_ID)
    ended = run_action({**example_inputs(sandbox), "mode": "preview"}, tmp_path)
    assert ended.code == ExitCode.OK, ended.log
    assert sandbox.store.request(REQUEST_ID) == before
    outputs = read_outputs((tmp_path / "file_commands" / "output").read_text("utf-8"))
    assert outputs["changed"] == "true"
    fields = [change["field"] for change in json.loads(outputs["changes"])]
    assert {"status", "completion_reason", "custom_fields.build", "note"} <= {*fields}
    summary = (tmp_path / "file_commands" / "summary").read_text("utf-8")
    assert "| status | assigned | completed |" in summary


def test_a_missing_request_may_be_reported(alerted: Sandbox, tmp_path: Path) -> None:
    """With `find` and `if_missing`, a workflow goes on where nothing was opened for an alert."""
    inputs = {"host": alerted.fourme_url, "account": "wdc", "access_token": ACCESS_TOKEN}
    find = '{"source": "Monitoring", "sourceID": "another"}'
    ended = run_action({**inputs, "find": find, "if_missing": "report", "note": "x"}, tmp_path)
    assert ended.code == ExitCode.OK, ended.log
    outputs = read_outputs((tmp_path / "file_commands" / "output").read_text("utf-8"))
    assert (outputs["changed"], outputs["request"], outputs["id"]) == ("false", "", "")


def test_get_reads_a_request_and_its_notes(sandbox: Sandbox, tmp_path: Path) -> None:
    """The same action with another operation: every declared output is there."""
    inputs = {"host": sandbox.fourme_url, "account": "wdc", "access_token": ACCESS_TOKEN}
    given = {**inputs, "operation": "get", "request_id": str(REQUEST_ID), "notes": "true"}
    ended = run_action(given, tmp_path)
    assert ended.code == ExitCode.OK, ended.log
    outputs = read_outputs((tmp_path / "file_commands" / "output").read_text("utf-8"))
    assert {*outputs} == {*ACTION["outputs"]} - {"changed", "changes", "not_applied"}
    assert (outputs["found"], json.loads(outputs["request"])["id"]) == ("true", REQUEST_ID)
    assert len(json.loads(outputs["notes"])) == len(sandbox.store.notes(REQUEST_ID))


def test_a_file_in_the_workspace_gets_the_full_request(sandbox: Sandbox, tmp_path: Path) -> None:
    """The input `output` is relative to the workspace; files to attach are found there, too."""
    (tmp_path / "x").mkdir()
    ended = run_action({**example_inputs(sandbox), "output": "4me/request.json"}, tmp_path)
    assert ended.code == ExitCode.OK, ended.log
    file = tmp_path / "workspace" / "4me" / "request.json"
    assert json.loads(file.read_bytes())["status"] == "completed"
    assert file.stat().st_mode & 0o444 == 0o444  # the runner's user reads it


def test_the_image_s_own_user_cannot_run_the_action(sandbox: Sandbox, tmp_path: Path) -> None:
    """Why the action has an image of its own: the files are the runner's; nothing is sent."""
    before = sandbox.store.request(REQUEST_ID)
    notes = [note["text"] for note in sandbox.store.notes(REQUEST_ID)]
    inputs = {**example_inputs(sandbox), "output": "4me/request.json"}
    ended = run_action(inputs, tmp_path, user=image_user(f":{VERSION}"))
    assert ended.code == ExitCode.CONFIG
    assert "/github/file_commands/output: Permission denied" in ended.log
    assert "4me/request.json: 4me: Permission denied" in ended.log
    assert "summary" not in ended.log
    assert "this user (65532)" in ended.log
    assert "::error title=4me-step-requests::The output could not be" in ended.out
    assert sandbox.calls == []
    assert sandbox.store.request(REQUEST_ID) == before
    assert [note["text"] for note in sandbox.store.notes(REQUEST_ID)] == notes
    assert (tmp_path / "file_commands" / "output").read_bytes() == b""
    assert [*(tmp_path / "workspace").iterdir()] == []


def test_invalid_input_is_also_an_annotation(sandbox: Sandbox, tmp_path: Path) -> None:
    """The error is in the log and in one `::error` command; there are no outputs."""
    inputs = {**example_inputs(sandbox), "request": "impact: lwo\n", "request_id": "x"}
    ended = run_action(inputs, tmp_path, {"RUNNER_DEBUG": "1"})
    assert ended.code == ExitCode.DATA
    _, error, rest = ended.out.split("\n")
    assert rest == ""
    assert error.startswith("::error title=4me-step-requests::The spec has 2 problems;")
    assert "%0A  - request.impact is 'lwo', which is not allowed" in error
    assert "request.impact is 'lwo'" in ended.log
    assert (tmp_path / "file_commands" / "output").read_bytes() == b""


def test_outputs_and_versions_are_those_of_the_step() -> None:
    """The action declares every result and the request; its image is root's, of its version."""
    assert [*ACTION["outputs"]] == [*all_values(), *all_results()]
    image = f"docker://relaysh/4me-step-requests-update:{VERSION}-github"
    assert ACTION["runs"]["image"] == image
    assert image_user(image) == 0
    assert USE["uses"] == f"relaysh/4me-step-requests-update@v{VERSION}"
    assert by_name(EXAMPLE["jobs"]["repair"]["steps"])["Close the request"] is USE
