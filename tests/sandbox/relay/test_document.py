"""Input documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.relay.document import DocumentError, document_for, load, parse

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """
connections:
  4me/main: {host: h, accessToken: t, account: a}
secrets: {x: y}
runs:
  1:
    parameters: {p: v}
    steps:
      default:
        spec: {when: 2026-11-21T10:00:00, secret: !Secret x}
      other:
        spec: {}
        outputs: {key: value}
"""


def test_every_part_is_read() -> None:
    """Connections, secrets, parameters, specs and outputs are in their attributes."""
    document = parse(TEXT)
    assert document.connections["4me", "main"]["account"] == "a"
    assert document.secrets == {"x": "y"}
    assert document.runs["1"].parameters == {"p": "v"}
    assert document.step("1", "default").spec == {
        "when": "2026-11-21T10:00:00",
        "secret": {"$type": "Secret", "name": "x"},
    }
    assert document.step("1", "other").outputs == {"key": "value"}


@pytest.mark.parametrize(
    ("run", "step", "listed"), [("2", "default", "1"), ("1", "nope", "default, other")]
)
def test_an_unknown_run_or_step_lists_those_there_are(run: str, step: str, listed: str) -> None:
    """The error for an unknown run or step lists the known ones."""
    with pytest.raises(DocumentError, match=f"choose one of: {listed}"):
        parse(TEXT).step(run, step)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "line 1, column 5"),
        ("[" * 5000, "nested too deeply"),
        ("[]", "the document: must be a mapping"),
        ("conections: {}", "unknown key 'conections'"),
        ("connections: {main: {}}", "<type>/<name>"),
        ("runs: [1]", "runs: must be a mapping, not a list"),
        ("runs: {'1': {steps: {a: {spec: text}}}}", "runs.1.steps.a.spec: must be a mapping"),
    ],
)
def test_a_wrong_structure_is_located(text: str, message: str) -> None:
    """The error for a document of the wrong structure has the place and the reason."""
    with pytest.raises(DocumentError, match=message.replace("[", r"\[")):
        parse(text)


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    """The error for a file that can't be read starts with its name."""
    path = tmp_path / "input.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DocumentError, match=r"input\.yaml: "):
        load(path)


def test_outputs_are_added_to_the_document() -> None:
    """The saved document is the old one, with the step's new outputs beside its old ones."""
    saved = parse(parse(TEXT).with_outputs("1", "other", {"request": {"id": 1}}))
    assert saved.step("1", "other").outputs == {"key": "value", "request": {"id": 1}}
    assert saved.step("1", "default") == parse(TEXT).step("1", "default")
    assert saved.connections == parse(TEXT).connections


def test_a_literal_spec_is_not_evaluated() -> None:
    """In a document built around a spec, expressions are not evaluated."""
    spec = {"note": "${not.mine}", "data": b"\xff"}
    step = document_for(spec).step("1", "default")
    assert (step.spec, step.literal) == (spec, True)
