"""Run every test on the image's base, with lazy imports: on the Python that ships."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tools.image.builders import CONTEXT
from tools.image.container import check_requirements, chroot_command
from tools.image.errors import ImageError
from tools.image.image_build import WORK_FOLDER, ImageBuild

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_ROOT = WORK_FOLDER / "suite"
_CHECKOUT = "/checkout"  # where the checkout is mounted
_NETWORK_FILES = ("/etc/resolv.conf", "/etc/hosts")  # for pip
_ENVIRON = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
# $1: the root; $2: the checkout; $3: where it is mounted; the rest: the command to run.
_MOUNTS = """
set -e
root=$1 checkout=$2 target=$3
shift 3
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mount --bind "$checkout" "$root$target"
mount -o remount,ro,bind "$root$target"
exec "$@"
"""
# Installs the tests' requirements, as the Dockerfile does the image's, and runs the tests.
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


def run_suite(arguments: Sequence[str], base: str | None, echo: Callable[[str], None]) -> int:
    """Run the tests; return pytest's exit code.

    Args:
        arguments: the arguments of pytest.
        base: the image to run them on; None for the Dockerfile's or, failing that, Debian's.
        echo: reports progress.

    Raises:
        ImageError: they cannot be run here.
    """
    check_requirements()
    with ImageBuild(echo, base) as image_build:
        echo("unpacking the base, and installing the tests' requirements in it ...")
        image_build.unpack_base(_ROOT)
    for path in _NETWORK_FILES:
        if Path(path).exists():
            shutil.copyfile(path, _ROOT / path.lstrip("/"))
    (_ROOT / _CHECKOUT.lstrip("/")).mkdir()
    try:
        return subprocess.run(_command(arguments), env=os.environ, check=False).returncode  # noqa: S603  fixed programs
    except OSError as error:
        raise ImageError(f"The tests could not be started: {error}", "See above.") from error


def _command(arguments: Sequence[str]) -> list[str]:
    return [
        *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"),
        *("bash", "-c", _MOUNTS, "mounts", str(_ROOT), str(CONTEXT), _CHECKOUT),
        *("env", "-i", *(f"{name}={value}" for name, value in _ENVIRON.items())),
        *chroot_command(_ROOT, ""),
        *("sh", "-c", _COMMANDS, "suite", _CHECKOUT, *arguments),
    ]
