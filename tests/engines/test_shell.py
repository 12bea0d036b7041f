"""The step in a plain shell, as a process against the sandbox."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from engines import local
from engines.command_line import OUTPUT_VARIABLES, TOKEN_FILE_VARIABLE
from engines.spec_values import PREFIX, TOKEN_FILE
from operations import describe_operations
from operations.request_output import REQUEST_RESULTS
from process import VERSION
from process.exit_code_table import EXIT_CODES
from process.exit_codes import ExitCode
from process.operation_help import variable_meanings
from process.settings import VARIABLES
from sandbox import FourMeOptions, Sandbox, document_for
from tests.engines.shell import connection_variables, run_in
from tests.step_process import ACCESS_TOKEN, REQUEST_ID, connection, run_step, sandbox_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Return a running sandbox; its metadata service is not used."""
    with Sandbox(document_for({}), fourme=FourMeOptions()) as running:
        yield running


def test_a_file_in_and_a_file_out(sandbox: Sandbox, tmp_path: Path) -> None:
    """--spec and --output: the request is updated, and the file is the whole answer."""
    (tmp_path / "spec.yaml").write_text(
        f"connection: {json.dumps(connection(sandbox.fourme_url))}\n"
        "request:\n  request_id: 80339\n  time_spent: 1:30\n  note: |\n    From a file: yes\n",
        encoding="utf-8",
    )
    ended = run_in(tmp_path, ["--spec", "spec.yaml", "--output", "out.json"], {})
    assert ended.code == ExitCode.OK, ended.log
    assert ended.out == ""
    published = json.loads((tmp_path / "out.json").read_bytes())
    assert published == {**(sandbox.store.request(REQUEST_ID) or {}), "request_id": REQUEST_ID}
    assert sandbox.store.notes(REQUEST_ID)[0]["text"] == "From a file: yes\n"
    assert json.loads(sandbox.calls[0].body)["time_spent"] == 90


def test_a_pipe_in_and_a_pipe_out(sandbox: Sandbox, tmp_path: Path) -> None:
    """`--spec -` reads standard input; without --output the request goes to standard output."""
    spec = json.dumps({"request": {"request_id": REQUEST_ID, "impact": "low"}}).encode()
    ended = run_in(tmp_path, ["--spec", "-"], connection_variables(sandbox), spec)
    assert ended.code == ExitCode.OK, ended.log
    assert json.loads(ended.out)["impact"] == "low"


def test_the_environment_alone(sandbox: Sandbox, tmp_path: Path) -> None:
    """FOURME_REQUEST and a connection are a spec; the token may be in a file."""
    (tmp_path / "token").write_text(f"{ACCESS_TOKEN}\n", encoding="utf-8")
    environ = connection_variables(
        sandbox,
        FOURME_ACCESS_TOKEN="",
        FOURME_ACCESS_TOKEN_FILE=str(tmp_path / "token"),
        FOURME_REQUEST="{request_id: 80339, impact: low}",
        FOURME_DEBUG="yes",
    )
    ended = run_in(tmp_path, [], environ)
    assert ended.code == ExitCode.OK, ended.log
    assert json.loads(ended.out)["impact"] == "low"
    assert "DEBUG: PATCH" in ended.log
    assert ACCESS_TOKEN not in ended.log


def test_bad_input_reads_the_same_as_in_relay(sandbox: Sandbox, tmp_path: Path) -> None:
    """The same spec, wrong in several ways, ends in the same code with the same messages."""
    wrong = {"request_id": "x", "impact": "lwo", "notte": "a", "addressed": "maybe"}
    with sandbox_for(wrong) as relay:
        expected = run_step(relay.environment())
    environ = connection_variables(sandbox, FOURME_REQUEST=json.dumps(wrong))
    ended = run_in(tmp_path, [], environ)
    assert (ended.code, ended.log) == (expected.code, expected.log)
    assert ended.code == ExitCode.DATA
    assert "Did you mean `note`?" in ended.log


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "message"),
    [
        (["--spec", "nowhere.yaml"], b"", ExitCode.CONFIG, "nowhere.yaml cannot be read"),
        (["--spec", "-"], b"", ExitCode.DATA, "The spec is empty"),
        (["--spec", "-"], b"request: [", ExitCode.DATA, "is neither JSON nor YAML"),
        (["--spec", "-"], b"\xff", ExitCode.DATA, "is not UTF-8"),
        (["--nonsense"], b"", ExitCode.CONFIG, "unrecognized arguments: --nonsense"),
        (["--spec"], b"", ExitCode.CONFIG, "expected one argument"),
        (["--spe", "-"], b"", ExitCode.CONFIG, "unrecognized arguments"),
        (["--spec", "", "--output", ""], b"", ExitCode.CONFIG, "There is no spec to read"),
    ],
)
def test_bad_files_and_arguments(
    tmp_path: Path, arguments: list[str], stdin: bytes, code: ExitCode, message: str
) -> None:
    """A missing file or a wrong argument is 78; a text that cannot be parsed is 65."""
    ended = run_in(tmp_path, arguments, {}, stdin)
    assert ended.code == code
    assert message in ended.log
    assert ended.out == ""
    assert "Traceback" not in ended.log


def test_a_closed_standard_input_is_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """`--spec - <&-` ends in 78, and does not read another file that has the descriptor 0."""
    ended = run_in(tmp_path, ["--spec", "-"], {}, redirected="<&-")
    assert ended.code == ExitCode.CONFIG
    assert "Standard input cannot be read: Bad file descriptor" in ended.log


def test_an_output_that_cannot_be_written_ends_in_74(sandbox: Sandbox, tmp_path: Path) -> None:
    """The request is updated, as the message says: a device is not checked before."""
    environ = connection_variables(sandbox, FOURME_REQUEST="{request_id: 80339, impact: low}")
    ended = run_in(tmp_path, [], environ, redirected=">/dev/full")
    assert ended.code == ExitCode.IO, ended.log
    assert "standard output: No space left on device" in ended.log
    assert "Request updated: yes" in ended.log
    assert (sandbox.store.request(REQUEST_ID) or {})["impact"] == "low"


def test_a_closed_standard_output_ends_in_78(sandbox: Sandbox, tmp_path: Path) -> None:
    """It is detected before the update, not after it (74)."""
    environ = connection_variables(sandbox, FOURME_REQUEST="{request_id: 80339, impact: low}")
    ended = run_in(tmp_path, [], environ, redirected=">&-")
    assert ended.code == ExitCode.CONFIG, ended.log
    assert "standard output: Bad file descriptor" in ended.log
    assert "Leave standard output open, or name a file" in ended.log
    assert "fsGroup" not in ended.log
    assert "Request updated: no" in ended.log
    assert sandbox.calls == []


def test_a_token_in_a_broken_spec_is_not_shown(tmp_path: Path) -> None:
    """The error of a file that is not YAML quotes nothing of it."""
    for text in (b"connection: {accessToken: *s3cret}", b"accessToken: !s3cret!x y", b"{s3cret: ["):
        ended = run_in(tmp_path, ["--spec", "-"], {"FOURME_DEBUG": "1"}, text)
        assert ended.code == ExitCode.DATA
        assert "s3cret" not in ended.log + ended.out


@pytest.mark.parametrize(
    ("operation", "variables", "ignored"),
    [
        ("get", {"FOURME_REQUEST": "{note: x}", "FOURME_NOTE": "a"}, "NOTE REQUEST"),
        ("update", {"FOURME_IF_MISSING": "report", "FOURME_NOTES": "yes"}, "NOTES"),
        ("get", {"FOURME_MODE": "ensure", "FOURME_ONLY_IF": "{}"}, "MODE ONLY_IF"),
        ("get", {"FOURME_MODE": " ", "FOURME_ONLY_IF": "", "FOURME_STRICT": "\n"}, ""),
        ("get", {"FOURME_REQUEST": " ", "FOURME_NOTES": "no", "FOURME_IF_MISSING": "error"}, ""),
        ("get", {"FOURME_RESULT_ID": "1", "FOURME_READ_TIMEOUT": "60", "FOURME_DEBUG": "0"}, ""),
        ("get", {"FOURME_ANNOTATIONS": "links.json", "FOURME_NOTTES": "yes"}, "NOTTES"),
    ],
)
def test_a_variable_without_effect_is_named_in_a_warning(
    sandbox: Sandbox, tmp_path: Path, operation: str, variables: dict[str, str], ignored: str
) -> None:
    """Such as the input of another operation, or a misspelt one; blank ones are not set."""
    update = {} if operation == "get" else {"FOURME_REQUEST": "{impact: low}"}
    environ = connection_variables(sandbox, FOURME_REQUEST_ID=str(REQUEST_ID), **update)
    ended = run_in(tmp_path, [operation], environ | variables)
    assert ended.code == ExitCode.OK, ended.log
    expected = [
        f"FOURME_{name} is not an input of `{operation}`, and is ignored."
        for name in ignored.split()
    ]
    warnings = [line for line in ended.log.splitlines() if "WARNING" in line]
    assert [line[line.index("FOURME_") :] for line in warnings] == expected


def test_relay_ignores_variables_silently(tmp_path: Path) -> None:
    """Many may be set for the other steps of a workflow."""
    with sandbox_for({"request_id": REQUEST_ID, "impact": "low"}) as relay:
        ended = run_in(tmp_path, [], {**relay.environment(), "FOURME_NOTES": "yes"})
    assert ended.code == ExitCode.OK, ended.log
    assert "FOURME_NOTES" not in ended.log


def test_help_is_complete_and_fits_a_terminal(tmp_path: Path) -> None:
    """Every variable, result and exit code is in the help; no line is longer than 100."""
    ended = run_in(tmp_path, ["--help"], {})
    assert ended.code == ExitCode.OK
    assert ended.log == ""
    assert max(map(len, ended.out.splitlines())) <= 100
    spec_variables = variable_meanings(describe_operations())
    names = [*spec_variables, *TOKEN_FILE_VARIABLE, *OUTPUT_VARIABLES]
    names += [*VARIABLES, *(row.name for row in REQUEST_RESULTS)]
    names += [f"{int(row.code)} {row.name}" for row in EXIT_CODES]
    assert [name for name in names if f"\n  {name} " not in ended.out] == []


def test_the_help_has_the_variables_that_the_engine_reads() -> None:
    """Those for outputs, and the one for the token's file."""
    assert [*OUTPUT_VARIABLES] == [PREFIX + name for name in local.OUTPUT_VARIABLES]
    assert [*TOKEN_FILE_VARIABLE] == [PREFIX + TOKEN_FILE]


def test_the_version_is_printed(tmp_path: Path) -> None:
    """--version names the program and its version."""
    ended = run_in(tmp_path, ["--version"], {"METADATA_API_URL": "not asked"})
    assert ended.out == f"4me-step-requests {VERSION}\n"
    assert ended.code == ExitCode.OK


def test_two_specs_are_rejected(tmp_path: Path) -> None:
    """An ambiguous run ends in 78 and lists the sources of a spec."""
    ended = run_in(tmp_path, [], {"METADATA_API_URL": "http://127.0.0.1:1", "FOURME_REQUEST": "{}"})
    assert ended.code == ExitCode.CONFIG
    assert "METADATA_API_URL and FOURME_REQUEST" in ended.log
    assert "step.py --spec FILE" in ended.log


def test_an_action_that_fails_has_an_annotation(tmp_path: Path) -> None:
    """In GitHub, the first line of the error is shown beside the workflow, too."""
    environ = {
        "GITHUB_ACTIONS": "true",
        "INPUT_REQUEST": "- not an object",
        "GITHUB_OUTPUT": str(tmp_path / "output"),
    }
    ended = run_in(tmp_path, [], environ)
    assert ended.code == ExitCode.DATA
    assert ended.out.startswith("::error title=4me-step-requests::The spec has 2 problems")
    assert ended.out.count("\n") == 1
    assert not (tmp_path / "output").exists()
