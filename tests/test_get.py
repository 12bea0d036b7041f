"""The step `get`, as a process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft7Validator

from process.exit_codes import ExitCode
from sandbox import FOURME_HOST, FourMeOptions, Sandbox, document_for
from tests.step_process import ACCESS_TOKEN, ACCOUNT, REQUEST_ID, ROOT, connection, run_step

if TYPE_CHECKING:
    from pathlib import Path

MISSING = 999


def sandbox_for_get(**inputs: object) -> Sandbox:
    """Return a sandbox whose step reads a request."""
    spec = {"connection": connection(FOURME_HOST), **inputs}
    return Sandbox(document_for(spec), fourme=FourMeOptions())


def names(sandbox: Sandbox) -> list[str]:
    """Return the names of the sandbox's calls, in order."""
    return [call.name for call in sandbox.calls]


def test_reads_a_request_and_publishes_it() -> None:
    """A spec, a GET, an output for each value, a link; nothing is changed."""
    with sandbox_for_get(request_id=f" {REQUEST_ID}\n", notes="yes") as sandbox:
        before = sandbox.store.request(REQUEST_ID)
        ended = run_step(sandbox.environment(), "get")
        assert ended.code == ExitCode.OK, ended.log
        assert {call.method for call in sandbox.calls if call.name == "patch"} == set()
        assert sandbox.outputs["request"] == {**(before or {}), "request_id": REQUEST_ID}
        assert sandbox.outputs["found"] is True
        notes = sandbox.outputs["notes"]
        assert isinstance(notes, list)
        assert len(notes) == len(sandbox.store.notes(REQUEST_ID))
        assert f"/requests/{REQUEST_ID}'" in str(sandbox.decorators["request"])
        schema = json.loads((ROOT / "steps/get/outputs.schema.json").read_text(encoding="utf-8"))
        Draft7Validator(schema).validate(sandbox.outputs)


@pytest.mark.parametrize(
    ("if_missing", "code"), [("report", ExitCode.OK), ("error", ExitCode.NO_INPUT)]
)
def test_a_missing_request(if_missing: str, code: ExitCode) -> None:
    """It is an output or an error, as the spec says; an output without a value is not published."""
    with sandbox_for_get(request_id=MISSING, if_missing=if_missing) as sandbox:
        ended = run_step(sandbox.environment(), "get")
        assert ended.code == code, ended.log
        assert sandbox.outputs == ({"found": False} if code == ExitCode.OK else {})
        assert dict(sandbox.decorators) == {}
    assert ("Published: `found`." in ended.log) == (code == ExitCode.OK)


def test_all_problems_are_reported_at_once() -> None:
    """The inputs are those of the operation; nothing is sent."""
    with sandbox_for_get(request={"request_id": 1}, if_missing="maybe") as sandbox:
        ended = run_step(sandbox.environment(), "get")
        assert names(sandbox) == ["spec"]
    assert ended.code == ExitCode.DATA
    assert "request_id is missing" in ended.log
    assert "request is not a known input" in ended.log
    assert "if_missing is 'maybe', which is not allowed" in ended.log


def test_the_environment_says_what_to_read(tmp_path: Path) -> None:
    """FOURME_ variables are those of the operation; each value has a file in the folder."""
    with sandbox_for_get(request_id=REQUEST_ID) as sandbox:
        environ = {
            "FOURME_HOST": sandbox.fourme_url,
            "FOURME_ACCOUNT": ACCOUNT,
            "FOURME_ACCESS_TOKEN": ACCESS_TOKEN,
            "FOURME_REQUEST_ID": str(REQUEST_ID),
            "FOURME_NOTES": "true",
            "FOURME_NOTE": "",
            "FOURME_OUTPUT": f"{tmp_path}/",
            "FOURME_RESULTS_DIR": str(tmp_path / "results"),
        }
        ended = run_step(environ, "get")
        stored = sandbox.store.request(REQUEST_ID)
    assert ended.code == ExitCode.OK, ended.log
    assert json.loads((tmp_path / "request.json").read_bytes()) == {
        **(stored or {}),
        "request_id": REQUEST_ID,
    }
    assert json.loads((tmp_path / "found.json").read_bytes()) is True
    assert isinstance(json.loads((tmp_path / "notes.json").read_bytes()), list)
    assert (tmp_path / "results" / "found").read_bytes() == b"true"


def test_a_failed_output_may_be_repeated() -> None:
    """Nothing was changed, so the run may be repeated: the message says so."""
    spec = {"connection": connection(FOURME_HOST), "request_id": REQUEST_ID}
    with Sandbox(document_for(spec), fourme=FourMeOptions(), faults=["output=422*"]) as sandbox:
        ended = run_step(sandbox.environment(), "get")
    assert ended.code == ExitCode.IO, ended.log
    assert "Request updated: no. Run again: yes. Exit code 74." in ended.log


def test_an_unknown_operation_lists_the_others() -> None:
    """A misspelt one ends before anything is read."""
    with sandbox_for_get(request_id=REQUEST_ID) as sandbox:
        ended = run_step(sandbox.environment(), "gett", measured=True)
        assert sandbox.calls == []
    assert ended.code == ExitCode.CONFIG
    assert "update, get" in ended.log


PAIR = {"source": "Deployment pipeline", "sourceID": "sales-tracking-1187"}


def test_finds_a_request() -> None:
    """By what another system calls it: one GET for the list, one for the request."""
    with sandbox_for_get(find=PAIR) as sandbox:
        ended = run_step(sandbox.environment(), "get")
        assert ended.code == ExitCode.OK, ended.log
        assert [call.path for call in sandbox.calls if call.path.startswith("/v1/requests")] == [
            "/v1/requests",
            f"/v1/requests/{REQUEST_ID}",
        ]
        request = sandbox.outputs["request"]
        assert isinstance(request, dict)
        assert request["request_id"] == REQUEST_ID


@pytest.mark.parametrize(
    ("if_missing", "code"), [("report", ExitCode.OK), ("error", ExitCode.NO_INPUT)]
)
def test_finds_none(if_missing: str, code: ExitCode) -> None:
    """It is an output or an error, as for a number that does not exist."""
    find = {**PAIR, "state": "completed"}
    with sandbox_for_get(find=find, if_missing=if_missing) as sandbox:
        ended = run_step(sandbox.environment(), "get")
        assert ended.code == code, ended.log
        assert sandbox.outputs == ({"found": False} if code == ExitCode.OK else {})
    assert "4me lists no completed request with source 'Deployment pipeline' and " in ended.log


def test_the_environment_says_what_to_find(tmp_path: Path) -> None:
    """FOURME_FIND alone is a spec."""
    with sandbox_for_get() as sandbox:
        environ = {
            "FOURME_HOST": sandbox.fourme_url,
            "FOURME_ACCOUNT": ACCOUNT,
            "FOURME_ACCESS_TOKEN": ACCESS_TOKEN,
            "FOURME_FIND": json.dumps(PAIR),
            "FOURME_OUTPUT": str(tmp_path / "request.json"),
        }
        ended = run_step(environ, "get")
    assert ended.code == ExitCode.OK, ended.log
    assert json.loads((tmp_path / "request.json").read_bytes())["id"] == REQUEST_ID


def test_the_page_of_the_request_names_it() -> None:
    """The output `url` of an earlier step, say; that of another host is refused."""
    with sandbox_for_get(request_id=f"{FOURME_HOST}/requests/{REQUEST_ID}") as sandbox:
        assert run_step(sandbox.environment(), "get").code == ExitCode.OK
    with sandbox_for_get(request_id=f"https://wdc.4me.com/requests/{REQUEST_ID}") as sandbox:
        ended = run_step(sandbox.environment(), "get")
        assert names(sandbox) == ["spec"]
    assert ended.code == ExitCode.DATA
    assert "request_id is the address of a page at https://wdc.4me.com, but those of" in ended.log
