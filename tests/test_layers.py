"""Data flows one way: modules import downwards only."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

import pytest

from tests.step_process import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULES = sorted((ROOT / "fourme").glob("[a-z]*.py"))
ORDER = re.findall(
    r"^([a-z_]+)  +\S", (ROOT / "fourme" / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE
)


def imported_by(source: str) -> Iterator[str]:
    """Yield the modules that a source imports when it runs; those for types alone are left out."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_a_module_imports_only_what_is_introduced_before_it(path: Path) -> None:
    """`fourme` is introduced bottom up, and knows neither engines nor the step."""
    imported = list(imported_by(path.read_text(encoding="utf-8")))
    ours = [name.removeprefix("fourme.") for name in imported if name.startswith("fourme.")]
    assert [name for name in ours if ORDER.index(name) >= ORDER.index(path.stem)] == []
    assert {name.partition(".")[0] for name in imported} & {"engines", "step", "sandbox"} == set()


def test_the_step_knows_neither_engine_nor_http() -> None:
    """Which engine it has, and that there is HTTP, is none of its business."""
    imported = set(imported_by((ROOT / "step.py").read_text(encoding="utf-8")))
    assert not {name for name in imported if name.startswith("engines.")}
    assert not imported & {"requests", "urllib3", "relay_sdk"}
