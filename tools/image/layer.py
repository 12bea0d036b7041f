"""Make what the image adds to its base: the environment, the step, and their bytecode.

Runs in the image's build stage:  python -m tools.image.layer FOLDER

An official slim image of Python has no bytecode of the standard library, and a step's user may not
write any: each run would compile all that it imports, which takes longer than everything else.
Bytecode of the whole library is 13 MB; so smoke runs find out which modules a run loads. They are
compiled beside their sources, where the interpreter finds them however it is started. The bytecode
is unchecked: it contains no file times, so that the same inputs make the same layer.
"""

from __future__ import annotations

import os
import py_compile
import shutil
import sys
import tempfile
import time
from importlib.util import cache_from_source
from pathlib import Path
from sysconfig import get_path
from typing import TYPE_CHECKING

from tools.image.smoke_run import run_smoke_cases

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STEP = Path("/opt/step")
VENV = Path(sys.prefix)
_FOLDER_MODE, _FILE_MODE, _PROGRAM_MODE = 0o755, 0o644, 0o755


def make_layer(out: Path) -> None:
    """Write everything under `out`, in the places that it has under the image's root."""
    # -I leaves the script's folder out of the path; this puts it back.
    Path(get_path("purelib"), "step.pth").write_text(f"{STEP}\n", encoding="utf-8")
    for folder in (VENV, STEP):
        shutil.copytree(
            folder, _under(out, folder), symlinks=True, ignore=shutil.ignore_patterns("__pycache__")
        )
    for source in sorted({*_loaded_sources(), *STEP.rglob("*.py")}):
        py_compile.compile(
            str(source),
            cfile=str(_under(out, Path(cache_from_source(str(source))))),
            doraise=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
    _normalize_metadata(out, float(os.environ.get("SOURCE_DATE_EPOCH", "0")))


def _loaded_sources() -> Iterator[Path]:
    """Yield the sources of all modules that the smoke runs load."""
    with tempfile.TemporaryDirectory() as name:
        cache = Path(name)
        run_smoke_cases(["-X", f"pycache_prefix={cache}"])
        for compiled in cache.rglob("*.pyc"):
            # As in PREFIX/usr/lib/python3.15/json/decoder.cpython-315.pyc.
            module = compiled.name.partition(".")[0]
            yield Path("/", compiled.relative_to(cache)).with_name(f"{module}.py")


def _under(out: Path, path: Path) -> Path:
    return out / path.relative_to("/")


def _normalize_metadata(out: Path, mtime: float) -> None:
    """Make every file readable for any user and writable for root alone, with the same time."""
    for path in [out, *out.rglob("*")]:
        if not path.is_symlink():
            path.chmod(_mode_of(path))
        os.utime(path, (mtime, mtime), follow_symlinks=False)


def _mode_of(path: Path) -> int:
    if path.is_dir():
        return _FOLDER_MODE
    return _PROGRAM_MODE if os.access(path, os.X_OK) else _FILE_MODE


def main(arguments: Sequence[str]) -> None:
    """Make the layer in the given folder, and print its size."""
    started = time.monotonic()
    out = Path(arguments[0])
    make_layer(out)
    files = [path for path in out.rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files)
    compiled = sum(path.suffix == ".pyc" for path in files)
    seconds = time.monotonic() - started
    print(  # noqa: T201  the build's log
        f"{len(files)} files, {compiled} of them bytecode: {size / 2**20:.1f} MiB, {seconds:.1f} s"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
