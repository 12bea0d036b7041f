"""Lock the requirements: `make lock`.

Each file holds every package with its version and hashes, and no address of any registry.
requirements.txt is all that the image needs; the others hold what comes on top for developers,
with the same versions.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = "3.11"  # the oldest that is supported
HEADER = "# Made by `make lock` from pyproject.toml; do not edit.\n"
FILES = (
    ("requirements.txt", ()),
    ("requirements-dev.txt", ("dev",)),
    ("requirements-lint.txt", ("dev", "lint")),
)


def lock(name: str, extras: tuple[str, ...], constraints: tuple[str, ...]) -> None:
    """Write one file of locked requirements.

    Args:
        name: the file's name.
        extras: the optional dependencies that it takes.
        constraints: names of files whose versions it must keep.
    """
    command = ["uv", "pip", "compile", "pyproject.toml", "--quiet", "--upgrade", "--universal"]
    command += ["--python-version", PYTHON, "--generate-hashes", "--no-header"]
    command += [f"--extra={extra}" for extra in extras]
    command += [f"--constraint={constraint}" for constraint in constraints]
    compiled = subprocess.run(  # noqa: S603  a fixed command
        command, cwd=ROOT, check=True, capture_output=True, text=True
    )
    (ROOT / name).write_text(HEADER + compiled.stdout, encoding="utf-8")


def main() -> int:
    """Lock all files, each with the versions of those before it."""
    locked: tuple[str, ...] = ()
    for name, extras in FILES:
        lock(name, extras, locked)
        locked = (*locked, name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
