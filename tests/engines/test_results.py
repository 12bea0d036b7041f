"""`engines.results`: results never exceed their size."""

from __future__ import annotations

from engines.results import fit_results, json_size
from tests.engines.sample_output import OUTPUTS, PAGE, sample_output
from tests.engines.tekton_rules import termination_message


def test_sizes_are_those_that_go_writes() -> None:
    """A text's size is that of its JSON, with the characters of HTML escaped."""
    for text in ("plain", '"quoted" \\ <b>&amp;</b>', "\U0001f6a8 é"):
        entry = termination_message({"x": text})
        assert json_size(text) == len(entry.encode()) - len(termination_message({"x": ""}).encode())


def test_results_without_a_value_are_empty() -> None:
    """Every result of the operation is there, in its order, and no other."""
    output = sample_output()
    output = output._replace(results={**output.results, "unknown": "x"})
    assert fit_results(OUTPUTS.results, output) == {
        "id": "80339",
        "title": 'Half \\ud83d, é & "$HOME"',
        "owner": "",
        "url": PAGE,
    }


def test_truncatable_results_are_cut_and_others_are_left_empty() -> None:
    """A cut title can still be read; a cut address would lead elsewhere."""
    record = {"id": 1, "title": "é" * 1000}
    values = fit_results(OUTPUTS.results, sample_output(record, url="https://x/" + "y" * 512))
    assert values["id"] == "1"
    assert values["title"] == "é" * 763 + "…"
    assert values["url"] == ""
