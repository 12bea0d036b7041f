"""Lock the requirements: `make lock`.

Each file contains every package with its version and hashes, and no registry's address.
requirements.txt is for the image; the others add what developers need, with the same versions.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PYTHON = "3.11"  # the oldest that is supported
HEADER = "# Made by `make lock` from pyproject.toml; do not edit.\n"
FILES = (
    ("requirements.txt", ()),
    ("requirements-dev.txt", ("dev",)),
    ("requirements-lint.txt", ("dev", "lint")),
)
NODE_FILE = ROOT / "package-lock.json"
BUILD_FILE = "tools/image/requirements.txt"
BUILD_HEADER = "# Builds what has no wheel for the image's Python: PyYAML, on Python 3.15.\n"
BUILD_TOOLS = "setuptools\n"


def compile_requirements(source: str, *options: str, text: str = "") -> str:
    """Return locked requirements.

    Args:
        source: the file with the direct requirements; `-` for `text`.
        options: more options for `uv pip compile`.
        text: the standard input.
    """
    command = ["uv", "pip", "compile", source, "--quiet", "--upgrade", "--universal"]
    command += ["--python-version", PYTHON, "--generate-hashes", "--no-header", *options]
    return subprocess.run(  # noqa: S603  a fixed command
        command, cwd=ROOT, check=True, capture_output=True, text=True, input=text
    ).stdout


def main() -> int:
    """Lock all files, each with the versions of those before it."""
    locked: list[str] = []
    for name, extras in FILES:
        options = [f"--extra={extra}" for extra in extras] + locked
        (ROOT / name).write_text(
            HEADER + compile_requirements("pyproject.toml", *options), encoding="utf-8"
        )
        locked.append(f"--constraint={name}")
    tools = compile_requirements("-", "--no-annotate", text=BUILD_TOOLS)
    (ROOT / BUILD_FILE).write_text(BUILD_HEADER + tools, encoding="utf-8")
    lock_node()
    return 0


def lock_node() -> None:
    """Lock the linters that are not on PyPI, without addresses."""
    command = ["npm", "update", "--package-lock-only", "--silent", "--no-audit", "--no-fund"]
    subprocess.run(command, cwd=ROOT, check=True)  # noqa: S603  a fixed command
    locked = json.loads(NODE_FILE.read_text(encoding="utf-8"))
    text = json.dumps(without_addresses(locked), indent=2)
    NODE_FILE.write_text(text + "\n", encoding="utf-8")


def without_addresses(value: Any) -> Any:  # noqa: ANN401  any JSON value
    """Return a JSON value without the members that hold addresses."""
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if name not in ("funding", "resolved")}
        return {name: without_addresses(item) for name, item in kept.items()}
    return [without_addresses(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    sys.exit(main())
