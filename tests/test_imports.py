"""The import budget of a plain successful run (tests/data/import-budget.txt)."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec

from tests.step_process import REQUEST_ID, ROOT, STEP, sandbox_for
from tools.image.budget import Budget, read_budget
from tools.image.import_profile import Import, packages_of, read_profile

BUDGET = ROOT / "tests" / "data" / "import-budget.txt"
LAZY = sys.version_info >= (3, 15)
UPDATE = {"request_id": REQUEST_ID, "impact": "low", "note": "Deployed.", "custom_fields": {"a": 1}}


def imports_of_a_run(*options: str) -> list[Import]:
    """Return what the step imports in a run that succeeds, unmeasured by any other tool."""
    with sandbox_for(UPDATE) as sandbox:
        ended = subprocess.run(
            [sys.executable, *options, "-X", "importtime", str(STEP)],
            env={"PATH": os.environ["PATH"], **sandbox.environment()},
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr
    return read_profile(ended.stderr)


def installed(names: list[str]) -> list[str]:
    """Return those of some top-level names that are packages' or the step's own."""
    public = [name for name in names if not name.startswith("_")]
    specs = [(name, find_spec(name)) for name in public if name not in sys.stdlib_module_names]
    return [name for name, spec in specs if spec is not None and spec.origin is not None]


def unexpected(imports: list[Import], budget: Budget) -> list[str]:
    """Return what this Python should not have imported."""
    if LAZY:
        return budget.unexpected(imports)
    return sorted({*installed(packages_of(imports))} - budget.eager)


def test_a_plain_run_imports_what_the_budget_has() -> None:
    """A plain successful run imports nothing beyond the budget, and the step itself."""
    imports = imports_of_a_run(*(("-X", "lazy_imports=all") if LAZY else ()))
    assert "fourme" in packages_of(imports)
    assert unexpected(imports, read_budget(BUDGET)) == []


def test_an_unexpected_import_is_reported() -> None:
    """A package that is not in the budget is named; private modules are not."""
    imports = [Import(name, 1, 1) for name in ("fourme", "_ssl", "pytest", "asyncio.events")]
    assert "pytest" in unexpected(imports, read_budget(BUDGET))
    assert read_budget(BUDGET).unexpected(imports) == ["asyncio", "pytest"]


def test_what_a_plain_run_never_needs_is_not_in_the_budget() -> None:
    """Web server, validator, multipart encoder and parsers of XML and YAML are not allowed."""
    never = {"asyncio", "hypercorn", "h2", "jsonschema", "requests_toolbelt", "defusedxml", "xml"}
    assert not read_budget(BUDGET).lazy & {*never, "yaml", "mimetypes", "argparse", "difflib"}
