"""A base image made of Debian's packages, for machines that reach no registry.

It is as minimal as an official slim image: packages are unpacked without running their scripts, so
that the standard library has no bytecode either.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.image.errors import ImageError

if TYPE_CHECKING:
    from pathlib import Path

_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_PACKAGES = "{python},{python}-venv,ca-certificates,base-files,coreutils,dash"
# Those parts of the packages' own scripts that the step or its build needs.
_EXTRACT_HOOKS = (
    f'[ ! -e {_CERTIFICATES} ] || install -Dm644 {_CERTIFICATES} "$1{_CERTIFICATES}"',
    'mkdir -p "$1/root" "$1/tmp" "$1/proc" "$1/dev" "$1/sys" && chmod 1777 "$1/tmp"',
    '[ -e "$1/usr/bin/sh" ] || ln -s dash "$1/usr/bin/sh"',
    'echo root:x:0:0:root:/root:/bin/sh >"$1/etc/passwd"; echo root:x:0: >"$1/etc/group"',
    'ln -sf {python} "$1/usr/bin/python3"',
)


@dataclass(frozen=True)
class Release:
    """A release of Debian, and its Python."""

    suite: str = "forky"
    python: str = "python3.15"


def make_root_filesystem(tar: Path, release: Release) -> None:
    """Write the files of the base image to a tar archive, unless it exists.

    Raises:
        ImageError: this machine cannot do that.
    """
    if tar.exists():
        return
    _check_requirements()
    partial = tar.with_name(f"partial-{tar.name}")
    ended = subprocess.run(  # noqa: S603  a fixed program
        _command(partial, release),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        raise ImageError(
            f"{release.python} of Debian {release.suite} is not available:\n{ended.stdout}",
            "Make the machine's package mirror reachable (apt-get update), or a registry.",
        )
    partial.rename(tar)


def _check_requirements() -> None:
    if shutil.which("apt-get") is None:
        raise ImageError(
            "A base image can only be made of packages on Debian and its derivatives.",
            "Make a registry reachable, and name the base there: make image BASE=...",
        )
    if shutil.which("mmdebstrap") is None:
        raise ImageError("mmdebstrap is not installed.", "apt-get install mmdebstrap")
    if os.geteuid() != 0:
        raise ImageError("Making a base image requires root.", "Run this as root.")


def _command(tar: Path, release: Release) -> list[str]:
    return [
        "mmdebstrap",
        "--quiet",
        "--mode=root",
        "--variant=extract",
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=Acquire::Check-Valid-Until "false"',
        f"--include={_PACKAGES.format(python=release.python)}",
        *(f"--extract-hook={line.replace('{python}', release.python)}" for line in _EXTRACT_HOOKS),
        release.suite,
        str(tar),
        f"deb {_mirror()} {release.suite} main",
    ]


def _mirror() -> str:
    """Return the mirror of this machine's own packages."""
    ended = subprocess.run(
        ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"],  # noqa: S607  as found on the path
        capture_output=True,
        text=True,
        check=False,
    )
    addresses = [line for line in ended.stdout.split() if "security" not in line]
    if not addresses:
        raise ImageError("This machine has no package mirror.", "apt-get update")
    return addresses[0]
