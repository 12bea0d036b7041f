"""GitHub Actions: inputs, masks, annotations, outputs and the summary."""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest

from engines import github, install_error_annotations
from operations import load_operation
from process.errors import ConfigError, OutputError, SpecError
from process.logs import configure_logging
from process.redaction import Redactor
from process.settings import MAX_LINE_BYTES
from spec.schema import load_spec_schema
from spec.validation import validate
from tests.engines.github_rules import commands_in, read_outputs, unescaped
from tests.engines.sample_output import INPUTS, OUTPUTS, PAGE, sample_output
from tests.scenario_files import CONNECTION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import TextIO

    from engines.local import LocalEngine

ACTION = {
    "GITHUB_ACTIONS": "true",
    "INPUT_HOST": "https://api.4me.com",
    "INPUT_ACCOUNT": "wdc",
    "INPUT_ACCESS_TOKEN": "the-token",
    "INPUT_REQUEST_ID": "80339",
    "INPUT_REQUEST": "status: completed",
    "INPUT_NOTE": "Done: {all}",
    "INPUT_INTERNAL_NOTE": "",
    "INPUT_DEBUG": "false",
    "INPUT_OUTPUT": "",
}
HOSTILE_RECORD = {"id": 80339, "title": "A | *b* <c> [d](e)"}


def github_engine(environ: Mapping[str, str]) -> LocalEngine:
    """Return the engine of an action."""
    return github.github_engine(environ, OUTPUTS, INPUTS)


@pytest.fixture
def files(tmp_path: Path) -> Mapping[str, str]:
    """Return the variables that name the files of a step."""
    return {
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"),
    }


def test_inputs_are_a_spec(files: Mapping[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    """Empty inputs are left out; the token is masked before anything else is printed."""
    assert github_engine({**ACTION, **files}).read_spec() == {
        "connection": {
            "host": "https://api.4me.com",
            "account": "wdc",
            "accessToken": "the-token",
        },
        "request": {"request_id": "80339", "status": "completed", "note": "Done: {all}"},
        "debug": "false",
    }
    assert capsys.readouterr().out == "::add-mask::the-token\n"


def test_how_to_update_is_an_input_too(files: Mapping[str, str]) -> None:
    """`find` and `only_if` are YAML or JSON; empty ones are left out, as are all others."""
    names = ("FIND", "IF_MISSING", "MODE", "ONLY_IF", "STRICT")
    empty = {f"INPUT_{name}": " " for name in names}
    assert {*read_inputs(files, empty)} == {"connection", "request", "debug"}
    given = {
        "INPUT_REQUEST_ID": "",
        "INPUT_FIND": "source: Monitoring\nsourceID: 'a: 1'\n",
        "INPUT_IF_MISSING": "report",
        "INPUT_MODE": "ensure",
        "INPUT_ONLY_IF": '{"status": ["assigned", "accepted"], "member": ""}',
        "INPUT_STRICT": "true",
    }
    spec = read_inputs(files, given)
    assert "request_id" not in spec["request"]
    assert {name: spec[name.lower()] for name in names} == {
        "FIND": {"source": "Monitoring", "sourceID": "a: 1"},
        "IF_MISSING": "report",
        "MODE": "ensure",
        "ONLY_IF": {"status": ["assigned", "accepted"], "member": ""},
        "STRICT": "true",
    }


def read_inputs(files: Mapping[str, str], inputs: Mapping[str, str]) -> dict[str, Any]:
    """Return the spec of an action with these inputs, too."""
    spec = github_engine({**ACTION, **files, **inputs}).read_spec()
    assert isinstance(spec, dict)
    return spec


def test_a_connection_may_come_from_the_workflows_environment(files: Mapping[str, str]) -> None:
    """Inputs that are left out are taken from the FOURME_ variables."""
    environ = {**ACTION, **files, "INPUT_HOST": "", "FOURME_HOST": "https://api.4me.qa"}
    spec = github_engine(environ).read_spec()
    assert isinstance(spec, dict)
    assert spec["connection"]["host"] == "https://api.4me.qa"


def test_a_secret_of_several_lines_is_masked_line_by_line(
    files: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A percent sign is escaped, blank lines are no masks."""
    github_engine({**ACTION, **files, "INPUT_ACCESS_TOKEN": "one%\r\n\ntwo\n"}).read_spec()
    assert capsys.readouterr().out == "::add-mask::one%25\n::add-mask::two\n"


def test_a_run_with_debug_logging_is_one(files: Mapping[str, str]) -> None:
    """RUNNER_DEBUG comes before the input."""
    spec = github_engine({**ACTION, **files, "RUNNER_DEBUG": "1"}).read_spec()
    assert isinstance(spec, dict)
    assert spec["debug"] is True


def test_outputs_are_added_to_the_files(files: Mapping[str, str], tmp_path: Path) -> None:
    """Results and values are outputs, empty without a value; what was in the file stays."""
    (tmp_path / "output").write_text("earlier=1\n", encoding="utf-8")
    file = tmp_path / "record.json"
    engine = github_engine({**ACTION, **files, "INPUT_OUTPUT": str(file)})
    engine.publish(sample_output(HOSTILE_RECORD))
    outputs = read_outputs((tmp_path / "output").read_text("utf-8"))
    assert outputs.pop("earlier") == "1"
    assert json.loads(outputs.pop("record")) == HOSTILE_RECORD
    assert outputs == {
        "id": "80339",
        "title": "A | *b* <c> [d](e)",
        "owner": "",
        "url": PAGE,
        "history": "",
    }
    assert json.loads(file.read_bytes()) == HOSTILE_RECORD


def test_a_value_too_large_for_an_output_is_left_out(
    files: Mapping[str, str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What still fits is there, and a warning says where else the value can go."""
    output = sample_output({"id": 1, "x": "y" * 500_000}, history=[1])
    with caplog.at_level(logging.WARNING):
        github_engine({**ACTION, **files}).publish(output)
    outputs = read_outputs((tmp_path / "output").read_text("utf-8"))
    assert "record" not in outputs
    assert outputs["id"] == "1"
    assert outputs["history"] == "[1]"
    assert "output `record` is too large" in caplog.text
    assert "name a file in the input `output`" in caplog.text


def test_outputs_that_cannot_be_written_end_the_run_but_a_summary_does_not(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """$GITHUB_OUTPUT is required; the summary is optional, and may be unset."""
    github_engine({**ACTION, "GITHUB_OUTPUT": "/dev/null"}).publish(sample_output())
    files = {"GITHUB_OUTPUT": "/dev/full", "GITHUB_STEP_SUMMARY": "/dev/full"}
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(OutputError, match="could not be written") as caught,
    ):
        github_engine({**ACTION, **files}).publish(sample_output())
    assert caught.value.details == ("/dev/full: No space left on device",)
    assert "An output could not be written: /dev/full" in caplog.text


def test_outputs_are_checked_before_but_a_summary_is_not(tmp_path: Path) -> None:
    """What the runner gives, and what the workflow names; both stay as they are."""
    (tmp_path / "output").write_text("earlier=1\n", encoding="utf-8")
    environ = {
        **ACTION,
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "output" / "x"),
        "INPUT_OUTPUT": str(tmp_path / "record.json"),
    }
    github_engine(environ).check_outputs()
    assert [path.name for path in tmp_path.iterdir()] == ["output"]
    assert (tmp_path / "output").read_text("utf-8") == "earlier=1\n"
    with pytest.raises(ConfigError) as caught:
        github_engine({**environ, "GITHUB_OUTPUT": str(tmp_path)}).check_outputs()
    assert caught.value.details == (f"{tmp_path}: Is a directory",)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[TextIO]:
    """Return a stream for the log; afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    with (tmp_path / "log").open("w+", encoding="utf-8") as stream:
        yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def test_errors_are_annotations(log: TextIO, capsys: pytest.CaptureFixture[str]) -> None:
    """An error is one command in one line, cleaned like the log, without its traceback."""
    redactor = Redactor()
    redactor.add_secrets(["the-token"])
    configure_logging(redactor, log)
    install_error_annotations({"GITHUB_ACTIONS": "true", "INPUT_REQUEST": "x"}, redactor)
    logger = logging.getLogger("step")
    logger.warning("Only a warning")
    logger.critical("50%% of the-token\n  - \x1b[2J%s", "x" * 9000, exc_info=RuntimeError("hidden"))
    out = capsys.readouterr().out
    command, newline, rest = out.partition("\n")
    assert (newline, rest) == ("\n", "")
    assert command.startswith("::error title=4me-step-requests::")
    message = unescaped(command.split("::")[2])
    assert message.startswith("50% of ***\n  - \\x1b[2Jxxxx")
    assert message.endswith(" ... (cut)")
    assert "hidden" not in out
    assert len(command) <= MAX_LINE_BYTES


@pytest.mark.parametrize("length", range(4_000, 4_006))
def test_an_annotation_is_cut_between_characters(
    log: TextIO, capsys: pytest.CaptureFixture[str], length: int
) -> None:
    """Escapes are not cut in two, and the limit of log readers is kept."""
    configure_logging(Redactor(), log)
    install_error_annotations({"GITHUB_ACTIONS": "true", "INPUT_REQUEST": "x"}, Redactor())
    logging.getLogger("step").error("%s", "x" * length + "%" * 3_000)
    command = capsys.readouterr().out.removesuffix("\n")
    assert len(command) <= MAX_LINE_BYTES
    assert re.fullmatch(r"::error title=[0-9a-z-]+::x+(%25)* \.\.\. \(cut\)", command)


HOSTILE = ["x\n::add-mask::y", "x\r##[error]z", "::stop-commands::a", "%0A::error::b", "##[debug]c"]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_is_a_command(log: TextIO, capsys: pytest.CaptureFixture[str], name: str) -> None:
    """Whatever inputs are called, the step's own command is the only one, also in its data."""
    configure_logging(Redactor(), log)
    install_error_annotations({"GITHUB_ACTIONS": "true", "INPUT_REQUEST": "x"}, Redactor())
    spec = {"connection": CONNECTION, "request": {"request_id": 1, name: 1}}
    with pytest.raises(SpecError) as caught:
        validate(spec, load_spec_schema(), load_operation("update").problems)
    logging.getLogger("step").error("%s", caught.value)
    ((command, data),) = commands_in(capsys.readouterr().out)
    log.seek(0)
    assert command == "error"
    assert "is not a known input" in data
    assert commands_in(log.read()) == []
    assert "##[" not in data


def test_a_secret_that_looks_like_a_command_is_masked_in_parts(
    files: Mapping[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Both parts are masked, unless one is so short that the log would become unreadable."""
    secret = "abc##[add-mask]xyz\n##[debug]\n::stop-commands::x"
    github_engine({**ACTION, **files, "INPUT_ACCESS_TOKEN": secret}).read_spec()
    out = capsys.readouterr().out
    assert commands_in(out) == [
        ("add-mask", "abc##"),
        ("add-mask", "[add-mask]xyz"),
        ("add-mask", "[debug]"),
        ("add-mask", "::stop-commands::x"),
    ]
    assert "##[" not in out


@pytest.mark.parametrize("name", HOSTILE)
def test_json_on_standard_output_is_no_command(
    files: Mapping[str, str], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    """With `output: -` the log has the same JSON value, and no command."""
    record = {**HOSTILE_RECORD, name: [name]}
    github_engine({**ACTION, **files, "INPUT_OUTPUT": "-"}).publish(sample_output(record))
    out = capsys.readouterr().out
    assert json.loads(out) == record
    assert commands_in(out) == []


def test_elsewhere_there_are_no_annotations(
    log: TextIO, capsys: pytest.CaptureFixture[str]
) -> None:
    """Outside an action, standard output is left alone."""
    configure_logging(Redactor(), log)
    install_error_annotations({"GITHUB_ACTIONS": "true"}, Redactor())
    logging.getLogger("step").error("An error")
    assert capsys.readouterr().out == ""
