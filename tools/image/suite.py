"""Run every test on the image's base, imports lazy: on what ships, not on what develops it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tools.image.builders import CONTEXT
from tools.image.container import check_machine, enter
from tools.image.problems import ImageError
from tools.image.workshop import FOLDER, Workshop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ROOT = FOLDER / "suite"
_INSIDE = "/checkout"  # where the checkout is in there
_NEEDED = ("/etc/resolv.conf", "/etc/hosts")  # for what is fetched
_ENVIRON = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
# $1: the root; $2: the checkout; $3: where it is to be; the rest: a command that goes there.
_MOUNTS = """
set -e
root=$1 checkout=$2 inside=$3
shift 3
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount --bind "$checkout" "$root$inside"
mount -o remount,ro,bind "$root$inside"
exec "$@"
"""
# What installs the tests' requirements, as the Dockerfile does the image's, and runs them.
_COMMANDS = """
set -e
cd "$1"
shift
python3 -m venv /opt/tests
pip="/opt/tests/bin/pip --quiet --disable-pip-version-check install --require-hashes"
$pip --requirement tools/image/requirements.txt
$pip --no-build-isolation --requirement requirements-dev.txt
exec /opt/tests/bin/python -B -m pytest -p tests.lazy_imports -p no:cacheprovider "$@"
"""


def run_suite(arguments: Sequence[str], base: str | None, say: Callable[[str], None]) -> int:
    """Run the tests; return pytest's exit code.

    Args:
        arguments: what pytest is given.
        base: the image to run them on; None for the Dockerfile's or, failing that, a stand-in.
        say: tells what is going on.

    Raises:
        ImageError: they cannot be run here.
    """
    check_machine()
    with Workshop(say, base) as workshop:
        say("unpacking the base, and installing the tests' requirements in it ...")
        workshop.lay_out_base(_ROOT)
    for path in _NEEDED:
        if Path(path).exists():
            shutil.copyfile(path, _ROOT / path.lstrip("/"))
    (_ROOT / _INSIDE.lstrip("/")).mkdir()
    namespaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child"]
    mounts = ["--propagation", "private", "bash", "-c", _MOUNTS, "mounts"]
    there = [*enter(_ROOT, ""), "sh", "-c", _COMMANDS, "suite", _INSIDE, *arguments]
    known = (f"{name}={value}" for name, value in _ENVIRON.items())
    command = [*namespaces, *mounts, str(_ROOT), str(CONTEXT), _INSIDE, "env", "-i", *known, *there]
    try:
        return subprocess.run(command, env=os.environ, check=False).returncode  # noqa: S603  fixed programs
    except OSError as error:
        raise ImageError(f"The tests could not be started: {error}", "See above.") from error
