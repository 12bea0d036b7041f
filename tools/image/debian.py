"""A stand-in for the base where no registry can be reached: Python out of Debian's packages.

It is as bare as an official slim image: packages are unpacked without running their scripts, so
that the standard library has no bytecode either.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.image.problems import ImageError

if TYPE_CHECKING:
    from pathlib import Path

_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_PACKAGES = "{python},{python}-venv,ca-certificates,base-files,coreutils,dash"
# What the packages' own scripts would do, as far as the step or its build needs it.
_FINISH = (
    f'[ ! -e {_CERTIFICATES} ] || install -Dm644 {_CERTIFICATES} "$1{_CERTIFICATES}"',
    'mkdir -p "$1/root" "$1/tmp" "$1/proc" "$1/dev" "$1/sys" && chmod 1777 "$1/tmp"',
    '[ -e "$1/usr/bin/sh" ] || ln -s dash "$1/usr/bin/sh"',
    'echo root:x:0:0:root:/root:/bin/sh >"$1/etc/passwd"; echo root:x:0: >"$1/etc/group"',
    'ln -sf {python} "$1/usr/bin/python3"',
)


@dataclass(frozen=True)
class Release:
    """The release of Debian, and of Python in it, that a stand-in is made of."""

    suite: str = "forky"
    python: str = "python3.15"


def make_stand_in(tar: Path, release: Release) -> None:
    """Write the files of a stand-in to a tar archive, unless they are there.

    Raises:
        ImageError: this machine cannot make one.
    """
    if tar.exists():
        return
    _check_machine()
    unfinished = tar.with_name(f"unfinished-{tar.name}")
    ended = subprocess.run(  # noqa: S603  a fixed program
        _command(unfinished, release),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if ended.returncode != 0:
        raise ImageError(
            f"Debian {release.suite} has not given {release.python}:\n{ended.stdout.strip()}",
            "Make the machine's package mirror reachable (apt-get update), or a registry.",
        )
    unfinished.rename(tar)


def _check_machine() -> None:
    if shutil.which("apt-get") is None:
        raise ImageError(
            "A stand-in for the base can only be made on Debian or one of its kin.",
            "Make a registry reachable, and name the base there: make image BASE=...",
        )
    if shutil.which("mmdebstrap") is None:
        raise ImageError("mmdebstrap is not installed.", "apt-get install mmdebstrap")
    if os.geteuid() != 0:
        raise ImageError("A stand-in for the base takes root to make.", "Run this as root.")


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
        *(f"--extract-hook={line.replace('{python}', release.python)}" for line in _FINISH),
        release.suite,
        str(tar),
        f"deb {_mirror()} {release.suite} main",
    ]


def _mirror() -> str:
    """Return the mirror that this machine's own packages come from."""
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
