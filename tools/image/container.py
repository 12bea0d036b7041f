"""Run an image's own command as an engine would: with its user, a read-only root, process number 1.

No container runtime is needed, but root is: the files of the image are unpacked in a folder, and
the command runs in namespaces of its own, where that folder is the root.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tools.image.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.image.archive import ImageConfig

_TIMEOUT = 60  # seconds for one run
_PROGRAMS = ("unshare", "setpriv", "chroot", "mount", "bash")
# $1: the root; the rest: a command that goes there, and becomes process number 1.
_SCRIPT = """
set -e
root=$1
shift
mount --bind "$root" "$root"
mount -o remount,ro,bind "$root"
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
exec setpriv --no-new-privs "$@"
"""


@dataclass(frozen=True)
class RunResult:
    """A command's exit code, and what it printed."""

    exit_code: int
    stdout: str
    stderr: str


def check_requirements() -> None:
    """Check that this machine can run containers in this way.

    Raises:
        ImageError: it cannot.
    """
    if os.geteuid() != 0:
        raise ImageError("Running the image requires root.", "Run this as root, or with sudo.")
    missing = [program for program in _PROGRAMS if shutil.which(program) is None]
    if missing:
        raise ImageError(
            f"{', '.join(missing)} not installed.", "apt-get install util-linux coreutils bash"
        )
    probe = ["unshare", "--mount", "--pid", "--ipc", "--fork", "true"]
    ended = subprocess.run(  # noqa: S603  a fixed program
        probe, capture_output=True, text=True, check=False
    )
    if ended.returncode != 0:
        raise ImageError(
            f"This machine does not allow new namespaces: {ended.stderr.strip()}",
            "Run this on a machine, or in a container, with CAP_SYS_ADMIN.",
        )


@dataclass(frozen=True)
class Container:
    """An image, unpacked and ready to run.

    Attributes:
        root: where its files are.
        config: its user, environment and command.
    """

    root: Path
    config: ImageConfig

    def run(
        self,
        environ: Mapping[str, str],
        *,
        user: str | None = None,
        command: Sequence[str] | None = None,
    ) -> RunResult:
        """Run a command to its end.

        Args:
            environ: environment variables beyond the image's own.
            user: who runs it, `user:group`; None for the image's own user.
            command: what to run; None for the image's own command.
        """
        process = self._start(environ, user, command)
        stdout, stderr = process.communicate(timeout=_TIMEOUT)
        return RunResult(process.returncode, stdout, stderr)

    def terminate_on(self, text: str, environ: Mapping[str, str]) -> RunResult:
        """Run the image's command, and send it SIGTERM when it prints this text to stderr."""
        process = self._start(environ, None, None)
        stderr = ""
        for line in process.stderr or ():
            stderr += line
            if text in line:
                os.kill(_child_of(process.pid), signal.SIGTERM)
                break
        stdout, rest = process.communicate(timeout=_TIMEOUT)
        return RunResult(process.returncode, stdout, stderr + rest)

    def _start(
        self, environ: Mapping[str, str], user: str | None, command: Sequence[str] | None
    ) -> subprocess.Popen[str]:
        variables = {**self.config.environ, **environ}
        return subprocess.Popen(  # noqa: S603  the image's own command
            [
                *("unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child"),
                *("--propagation", "private", "bash", "-c", _SCRIPT, "container"),
                str(self.root),
                *("env", "-i", *(f"{name}={value}" for name, value in variables.items())),
                *chroot_command(self.root, user or self.config.user),
                *(command or self.config.command),
            ],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def chroot_command(root: Path, user: str) -> list[str]:
    """Return the start of a command line that changes root and user, with an absolute path."""
    return [
        shutil.which("chroot") or "chroot",
        f"--userspec={user or '0:0'}",
        "--groups=",
        str(root),
    ]


def _child_of(process: int) -> int:
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    return int(children.split()[0])
