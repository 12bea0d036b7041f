"""The examples work as their guide says."""

from __future__ import annotations

import re
import shlex
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from relay_sdk import Interface
from relay_sdk.interface import UnresolvableException

from sandbox import FourMeOptions, Sandbox, load, parse
from sandbox.cli import main
from sandbox.faults import parse as parse_fault
from sandbox.fourme.data_files import sample

EXAMPLES = Path(__file__).parents[2] / "catalog" / "relay"


def test_the_example_is_evaluated_as_by_relay() -> None:
    """Parameters are text, templates are filled in, and the connection is complete."""
    with Sandbox(load(EXAMPLES / "update-request.yaml"), fourme=FourMeOptions()) as sandbox:
        spec = Interface(sandbox.metadata_url).get()
    assert spec["connection"]["accessToken"] in str(sample()["tokens"])
    assert spec["request"]["request_id"] == "80339"
    assert spec["request"]["note"].startswith("Build 1188 was deployed to production.\n")


def test_the_second_step_waits_for_the_first() -> None:
    """Before the first step has published, the second one's spec is incomplete."""
    document = load(EXAMPLES / "update-request.yaml")
    with Sandbox(document, step="follow-up") as sandbox, pytest.raises(UnresolvableException):
        Interface(sandbox.metadata_url).get()
    request = {
        "id": 80339,
        "status": "completed",
        "completion_reason": "solved",
        "team": {"id": 14},
    }
    later = parse(document.with_outputs("1", "default", {"request": request}))
    with Sandbox(later, step="follow-up") as sandbox:
        spec = Interface(sandbox.metadata_url).get()["request"]
    assert spec["team"] == {"id": 14}
    assert spec["note"].startswith("Request 80339 is completed (solved); the cluster")


def test_the_guides_commands_are_right() -> None:
    """Every command of the guide parses, and every rule in it is one."""
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8").replace("\\\n", " ")
    commands = [line.strip() for line in text.splitlines() if re.match(r" {4}\S*python -m", line)]
    assert len(commands) >= 6
    for command in commands:
        words = shlex.split(command)
        assert words[:3] == [".venv/bin/python", "-m", "sandbox"]
        for name, value in pairwise(words):
            if name == "--fault" and value != "help":
                parse_fault(value)


def test_get_reads_the_request_of_the_example(capsys: pytest.CaptureFixture[str]) -> None:
    """The operation `get` runs on the step that the guide names, and publishes the notes, too."""
    example = ["--input", str(EXAMPLES / "update-request.yaml"), "--step", "get"]
    step = [sys.executable, str(EXAMPLES.parents[1] / "step.py"), "get"]
    assert main([*example, "--fourme", "--report", "--", *step]) == 0
    report = capsys.readouterr().out
    assert "Nothing was changed." in report
    assert "  found: true\n" in report
    assert '"text": ' in report.partition("  notes: ")[2]


def test_the_preview_of_the_example_changes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """It runs on the step that the guide names, and publishes what `ensure` would change."""
    example = ["--input", str(EXAMPLES / "update-request.yaml"), "--step", "preview"]
    step = [sys.executable, str(EXAMPLES.parents[1] / "step.py")]
    assert main([*example, "--fourme", "--report", "--", *step]) == 0
    report = capsys.readouterr().out
    assert "Nothing was changed." in report
    assert "  changed: true\n" in report
    changes = report.partition("  changes: ")[2]
    assert [name for name in ("impact", "team", "note") if f'"{name}"' not in changes] == []


def test_the_guide_lists_the_tokens() -> None:
    """The table of access tokens is the one of the packaged data."""
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(\S+)` \|", text, re.MULTILINE))
    tokens = sample()["tokens"]
    assert isinstance(tokens, dict)
    assert listed == set(tokens)


def test_the_guide_is_about_an_existing_file() -> None:
    """The file that the guide names can be served."""
    assert main(["--input", str(EXAMPLES / "update-request.yaml"), "--", "true"]) == 0
