"""`engines.command_line`: the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engines import Arguments, read_arguments
from process.operation_help import OperationHelp, variable_meanings
from process.output import ResultSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

HELP = [
    OperationHelp(
        "update", "Update a record.", [ResultSpec("id", "its ID", 20)], {"ID": "`a.id`", "X": "`x`"}
    ),
    OperationHelp(
        "get",
        "Read a record.",
        [ResultSpec("id", "its ID", 20)],
        {"ID": "`id`", "X": "`x`", "Y": "`y`"},
    ),
]


def read(*words: str) -> Arguments:
    """Parse a command line; the help text is not needed."""
    return read_arguments(words, lambda: pytest.fail("operations have been imported"))


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ([], Arguments("update", None, None)),
        ([""], Arguments("update", None, None)),
        (["get"], Arguments("get", None, None)),
        (["", "--spec", "", "--output", ""], Arguments("update", None, None)),
        (["get", "--spec", "a.yaml"], Arguments("get", "a.yaml", None)),
        (["--spec", "-", "--output", "-", "get"], Arguments("get", "-", "-")),
        (["--spec=-"], Arguments("update", "-", None)),
    ],
)
def test_empty_arguments_count_as_left_out(words: Sequence[str], arguments: Arguments) -> None:
    """Manifests pass an empty text for an input that was left out."""
    assert read(*words) == arguments


def test_help_lists_the_operations_and_each_result_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Operations and results are those of the step, not of the engines."""
    with pytest.raises(SystemExit) as caught:
        read_arguments(["--help"], lambda: HELP)
    assert caught.value.code == 0
    text = capsys.readouterr().out
    assert "  update                    Update a record.\n" in text
    assert "  get                       Read a record.\n" in text
    assert text.count("  its ID\n") == 1


def test_variables_are_those_of_the_operations_inputs() -> None:
    """A variable that not every operation has, or has elsewhere, names its operations."""
    assert variable_meanings(HELP) == {
        "FOURME_ID": "`a.id` of `update`; `id` of `get`",
        "FOURME_X": "`x`",
        "FOURME_Y": "`y` of `get`",
    }
