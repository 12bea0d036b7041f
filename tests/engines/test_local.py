"""`engines.local`: what the files contain, and what if they cannot be written."""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING

import pytest

from engines import Arguments
from engines.local import file_engine
from process.errors import ConfigError, OutputError
from tests.engines.gitlab_rules import read_dotenv
from tests.engines.sample_output import INPUTS, OUTPUTS, PAGE, RECORD, sample_output

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engines.local import LocalEngine
    from process.output import Output


def engine_for(environ: Mapping[str, str], output: str | None = None) -> LocalEngine:
    """Return the engine of an environment, and of an argument of --output."""
    return file_engine(environ, Arguments(output=output), OUTPUTS, INPUTS)


def publish(
    environ: Mapping[str, str], argument: str | None = None, output: Output | None = None
) -> None:
    """Publish an output to the places that an environment and --output name."""
    engine_for(environ, argument).publish(output or sample_output())


def test_the_main_value_goes_to_one_file(tmp_path: Path) -> None:
    """--output comes before FOURME_OUTPUT; folders that lead to the file are made."""
    file = tmp_path / "deep" / "er" / "out.json"
    publish({"FOURME_OUTPUT": str(tmp_path / "other.json")}, str(file))
    assert json.loads(file.read_bytes()) == RECORD
    assert file.read_bytes().endswith(b"\n}\n")
    assert not (tmp_path / "other.json").exists()


def test_a_folder_gets_a_file_for_each_value(tmp_path: Path) -> None:
    """An existing folder, or a path that ends in a slash; null where there is no value."""
    publish({"FOURME_OUTPUT": str(tmp_path)})
    publish({"FOURME_OUTPUT": f"{tmp_path}/new/"})
    assert json.loads((tmp_path / "record.json").read_bytes()) == RECORD
    assert json.loads((tmp_path / "history.json").read_bytes()) is None
    assert json.loads((tmp_path / "new" / "record.json").read_bytes()) == RECORD
    publish({}, str(tmp_path), sample_output(history=[1]))
    assert json.loads((tmp_path / "history.json").read_bytes()) == [1]


def test_without_a_place_the_main_value_goes_to_standard_output(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Nothing named, or a dash, is standard output; blank variables name nothing."""
    blank = dict.fromkeys(("FOURME_OUTPUT", "FOURME_RESULTS_DIR", "FOURME_DOTENV"), " ")
    publish({**blank, "FOURME_ANNOTATIONS": ""})
    assert json.loads(capfd.readouterr().out) == RECORD
    publish({}, "-")
    assert json.loads(capfd.readouterr().out) == RECORD


def test_results_are_files_without_a_line_break(tmp_path: Path) -> None:
    """One file for each result, empty where there is no value."""
    publish({"FOURME_RESULTS_DIR": str(tmp_path / "results")})
    written = {file.name: file.read_text("utf-8") for file in (tmp_path / "results").iterdir()}
    assert written == {
        "id": "80339",
        "title": 'Half \\ud83d, é & "$HOME"',
        "owner": "",
        "url": PAGE,
    }


def test_a_dotenv_says_the_same_in_gitlab(tmp_path: Path) -> None:
    """GitLab reads the results back, and expands no variable that a title names."""
    publish({"FOURME_DOTENV": str(tmp_path / "request.env")})
    variables = read_dotenv((tmp_path / "request.env").read_bytes(), {"HOME": "/expanded"})
    assert variables["FOURME_RESULT_ID"] == "80339"
    assert variables["FOURME_RESULT_TITLE"] == 'Half \\ud83d, é & "$HOME"'
    assert variables["FOURME_RESULT_OWNER"] == ""
    assert len(variables) == 4


def test_an_annotation_has_the_link(tmp_path: Path) -> None:
    """The file is what GitLab shows on a job's page; without a link it is empty."""
    file = tmp_path / "annotations.json"
    publish({"FOURME_ANNOTATIONS": str(file)})
    link = {"external_link": {"label": "Record 80339 in 4me", "url": PAGE}}
    assert json.loads(file.read_bytes()) == {"4me": [link]}
    publish({"FOURME_ANNOTATIONS": str(file)}, output=sample_output()._replace(link=None))
    assert json.loads(file.read_bytes()) == {"4me": []}


def test_every_place_is_written_and_every_failure_named(tmp_path: Path) -> None:
    """A place that fails does not affect the others; the run ends in 74."""
    file = tmp_path / "file"
    file.write_text("in the way", encoding="utf-8")
    environ = {
        "FOURME_OUTPUT": "/dev/full",
        "FOURME_RESULTS_DIR": str(tmp_path / "results"),
        "FOURME_DOTENV": str(file / "request.env"),
    }
    with pytest.raises(OutputError) as caught:
        publish(environ)
    assert caught.value.details == (
        "/dev/full: No space left on device",
        f"{file}/request.env: File exists",
    )
    assert caught.value.applied == "yes"
    assert "running the step again would repeat what it adds, such as notes" in caught.value.fix
    assert (tmp_path / "results" / "id").read_text("utf-8") == "80339"


def test_where_nothing_was_changed_the_step_can_be_run_again() -> None:
    """The advice depends on whether the run has applied anything."""
    with pytest.raises(OutputError) as caught:
        publish({"FOURME_OUTPUT": "/dev/full"}, output=sample_output(applied="no"))
    assert (caught.value.applied, caught.value.fix) == ("no", "Run the step again.")


def test_a_link_is_optional(caplog: pytest.LogCaptureFixture) -> None:
    """A run does not fail because a link cannot be written; it warns."""
    with caplog.at_level(logging.WARNING):
        publish({"FOURME_ANNOTATIONS": "/dev/full", "FOURME_OUTPUT": "/dev/null"})
    assert "An output could not be written: /dev/full: No space left" in caplog.text


def check(environ: Mapping[str, str]) -> None:
    """Check the places that an environment names."""
    engine_for(environ).check_outputs()


def test_places_that_can_be_written_are_left_as_they_are(tmp_path: Path) -> None:
    """Nothing is made, nothing is truncated, standard output stays empty."""
    (tmp_path / "record.json").write_text("earlier", encoding="utf-8")
    check(
        {
            "FOURME_OUTPUT": str(tmp_path),
            "FOURME_RESULTS_DIR": str(tmp_path / "results"),
            "FOURME_DOTENV": str(tmp_path / "deep" / "er" / "request.env"),
        }
    )
    check({})
    assert [path.name for path in tmp_path.iterdir()] == ["record.json"]
    assert (tmp_path / "record.json").read_text("utf-8") == "earlier"


def test_every_place_that_cannot_be_written_is_named_before(tmp_path: Path) -> None:
    """All of them at once, with their reasons; the others leave no trace."""
    (tmp_path / "file").touch()
    (tmp_path / "folder" / "record.json").mkdir(parents=True)
    environ = {
        "FOURME_OUTPUT": str(tmp_path / "folder"),
        "FOURME_RESULTS_DIR": str(tmp_path / "results"),
        "FOURME_DOTENV": str(tmp_path / "file" / "request.env"),
    }
    with pytest.raises(ConfigError) as caught:
        check(environ)
    assert caught.value.details == (
        f"{tmp_path}/folder/record.json: Is a directory",
        f"{tmp_path}/file/request.env: {tmp_path}/file: Not a directory",
    )
    assert caught.value.applied == "no"
    assert {path.name for path in tmp_path.iterdir()} == {"file", "folder"}


def test_places_that_contradict_each_other_are_found(tmp_path: Path) -> None:
    """A file for one output cannot be a folder for another, though each alone would do."""
    place = str(tmp_path / "new")
    check({"FOURME_OUTPUT": place})
    check({"FOURME_RESULTS_DIR": place})
    with pytest.raises(ConfigError) as caught:
        check({"FOURME_OUTPUT": place, "FOURME_RESULTS_DIR": place})
    assert len(caught.value.details) == 4
    assert [*tmp_path.iterdir()] == []


def test_a_closed_standard_output_is_detected_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """sys.stdout is None then; that matters only if the output goes there."""
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(ConfigError) as caught:
        check({})
    assert caught.value.details == ("standard output: Bad file descriptor",)
    with pytest.raises(OutputError, match="could not be written"):
        publish({})
    check({"FOURME_OUTPUT": "/dev/null"})


def test_a_link_is_not_checked(tmp_path: Path) -> None:
    """A run does not fail because a link cannot be written."""
    (tmp_path / "file").touch()
    check({"FOURME_ANNOTATIONS": str(tmp_path / "file" / "x"), "FOURME_OUTPUT": "/dev/null"})
