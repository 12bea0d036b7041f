"""The summary of a job in GitHub Actions: a table, below GitHub's limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engines.github import github_engine
from process.output import Summary
from tests.engines.sample_output import INPUTS, OUTPUTS, PAGE, sample_output

if TYPE_CHECKING:
    from pathlib import Path

    from process.output import Output

HOSTILE_RECORD = {"id": 80339, "title": "A | *b* <c> [d](e)"}
TITLE = "4me record 80339"


def summary_of(output: Output, folder: Path) -> str:
    """Publish an output, and return the summary."""
    file = folder / "summary"
    environ = {"GITHUB_OUTPUT": str(folder / "output"), "GITHUB_STEP_SUMMARY": str(file)}
    github_engine(environ, OUTPUTS, INPUTS).publish(output)
    return file.read_text("utf-8")


def test_texts_are_shown_as_they_are(tmp_path: Path) -> None:
    """A title can neither end a table's cell nor make a link."""
    summary = summary_of(sample_output(HOSTILE_RECORD), tmp_path)
    assert summary.startswith(f"### [{TITLE}]({PAGE})\n\n| field | value |\n| --- | --- |\n")
    row = next(line for line in summary.splitlines() if line.startswith("| title"))
    assert row == "| title | A &#124; &#42;b&#42; &#60;c&#62; &#91;d&#93;&#40;e&#41; |"


def test_a_summary_needs_no_link_and_an_output_no_summary(tmp_path: Path) -> None:
    """Both are optional."""
    output = sample_output()._replace(link=None)
    assert summary_of(output, tmp_path).startswith(f"### {TITLE}\n\n| field")
    (tmp_path / "summary").unlink()
    assert summary_of(output._replace(summary=None), tmp_path) == ""


def test_a_table_may_have_any_columns(tmp_path: Path) -> None:
    """A table of changes has three, and a cell of several lines stays in its row."""
    rows = [("impact", "medium", "high"), ("note", "", "a\nb | c")]
    summary = Summary(TITLE, ("field", "from", "to"), rows)
    text = summary_of(sample_output()._replace(summary=summary), tmp_path)
    assert text.splitlines()[2:] == [
        "| field | from | to |",
        "| --- | --- | --- |",
        "| impact | medium | high |",
        "| note |  | a&#10;b &#124; c |",
    ]


@pytest.mark.parametrize("cell", ["x" * 1_000, "|" * 250, "é" * 500, "\ud83d" * 1_000])
def test_a_long_summary_ends_below_the_limit(tmp_path: Path, cell: str) -> None:
    """GitHub shows none above 1 MiB: whole rows are left out at the end, and counted."""
    rows = [(f"field {index}", cell) for index in range(2_000)]
    output = sample_output()._replace(summary=Summary(TITLE, ("field", "value"), rows))
    text = summary_of(output, tmp_path)
    assert 950_000 < len(text.encode()) < 1_024 * 1_024
    *shown, blank, last = text.splitlines()[4:]
    fields, cells = zip(*(line.split(" | ") for line in shown), strict=True)
    assert fields == tuple(f"| field {index}" for index in range(len(shown)))
    assert len({*cells}) == 1
    assert (blank, last) == ("", f"Rows that are not shown: {2_000 - len(shown)}")
