"""A spec that is nested too deep ends in 65 at once, wherever it comes from."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from process.exit_codes import ExitCode
from tests.step_process import STEP, run_step

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEPTHS = [900, 5000, 100_000]
ENVIRONMENT = {
    "FOURME_HOST": "https://api.4me.com",
    "FOURME_ACCOUNT": "wdc",
    "FOURME_ACCESS_TOKEN": "a-token",
}
MAX_VARIABLE = 131_000  # bytes; Linux allows no longer one
MAX_SECONDS = 5.0  # most of which are the start of Python on a busy machine


def nested(depth: int, kind: str) -> str:
    """Return JSON text with this many levels."""
    return "[" * depth + "]" * depth if kind == "list" else '{"a":' * depth + "1" + "}" * depth


def error_of(environ: Mapping[str, str], *arguments: str) -> str:
    """Run the step, which must reject its spec for its depth at once; return its log."""
    began = time.monotonic()
    ended = run_step({**ENVIRONMENT, **environ}, program=[str(STEP), *arguments])
    assert time.monotonic() - began < MAX_SECONDS
    assert ended.code == ExitCode.DATA, ended.log
    assert "nested deeper than 100 levels" in ended.log
    assert "Traceback" not in ended.log
    assert max(map(len, ended.log.splitlines())) < 400
    return ended.log


@pytest.mark.parametrize("kind", ["list", "object"])
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("template", ['{{"request": {}}}', "request: {}"], ids=["json", "yaml"])
def test_a_file(template: str, depth: int, kind: str, tmp_path: Path) -> None:
    """JSON or YAML; the message names the file."""
    file = tmp_path / "spec"
    file.write_text(template.format(nested(depth, kind)), encoding="ascii")
    assert f"The spec file {file} is nested" in error_of({}, "--spec", str(file))


@pytest.mark.parametrize("kind", ["list", "object"])
@pytest.mark.parametrize("depth", DEPTHS)
@pytest.mark.parametrize("member", ["custom_fields", "additional_fields", "connection"])
def test_json_text_inside_a_value(member: str, depth: int, kind: str, tmp_path: Path) -> None:
    """Also in place of the connection, which is searched for secrets before it is validated."""
    file = tmp_path / "spec.json"
    text = nested(depth, kind)
    request: dict[str, object] = {"request_id": 1, "impact": "low"}
    spec = {member: text} if member == "connection" else {}
    if not spec:
        request[member] = text
    file.write_text(json.dumps({**spec, "request": request}), encoding="ascii")
    place = member if spec else f"request.{member}"
    environ = dict.fromkeys(ENVIRONMENT, "") if spec else {}
    assert f"- {place} is nested" in error_of(environ, "--spec", str(file))


@pytest.mark.parametrize("kind", ["list", "object"])
@pytest.mark.parametrize("depth", [900, 5000, 60_000])
def test_variables(depth: int, kind: str, tmp_path: Path) -> None:
    """Both of the environment and of GitHub; a truncated text is as deep."""
    text = nested(depth, kind)[:MAX_VARIABLE]
    assert "FOURME_REQUEST is nested" in error_of({"FOURME_REQUEST": text})
    outputs = tmp_path / "outputs"
    outputs.touch()
    action = {"GITHUB_ACTIONS": "true", "INPUT_REQUEST": text, "GITHUB_OUTPUT": str(outputs)}
    assert "INPUT_REQUEST is nested" in error_of(action)
