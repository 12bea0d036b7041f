"""Run an image's own command as an engine would: its user, a read-only root, process number 1.

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

from tools.image.problems import ImageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tools.image.archive import Config

_LIMIT = 60  # seconds for one run
_TOOLS = ("unshare", "setpriv", "chroot", "mount", "bash")
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
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    log: str


def check_machine() -> None:
    """Make sure that this machine can run containers in this way.

    Raises:
        ImageError: it cannot.
    """
    if os.geteuid() != 0:
        raise ImageError("Running the image takes root.", "Run this as root, or with sudo.")
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
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
            f"This machine lets nobody make namespaces: {ended.stderr.strip()}",
            "Run this on a machine, or in a container, with CAP_SYS_ADMIN.",
        )


@dataclass(frozen=True)
class Container:
    """An image, unpacked and ready to run.

    Attributes:
        root: where its files are.
        config: how it wants to be run.
    """

    root: Path
    config: Config

    def run(
        self,
        environ: Mapping[str, str],
        *,
        user: str | None = None,
        command: Sequence[str] | None = None,
    ) -> Ended:
        """Run a command to its end.

        Args:
            environ: environment variables beyond the image's own.
            user: who runs it, `user:group`; None for the image's own user.
            command: what to run; None for the image's own command.
        """
        process = self._start(environ, user, command)
        out, log = process.communicate(timeout=_LIMIT)
        return Ended(process.returncode, out, log)

    def terminate_at(self, words: str, environ: Mapping[str, str]) -> Ended:
        """Run the image's command, and send it SIGTERM when its log has these words."""
        process = self._start(environ, None, None)
        log = ""
        for line in process.stderr or ():
            log += line
            if words in line:
                os.kill(_child_of(process.pid), signal.SIGTERM)
                break
        out, rest = process.communicate(timeout=_LIMIT)
        return Ended(process.returncode, out, log + rest)

    def _start(
        self, environ: Mapping[str, str], user: str | None, command: Sequence[str] | None
    ) -> subprocess.Popen[str]:
        known = {**self.config.environ, **environ}
        return subprocess.Popen(  # noqa: S603  the image's own command
            [
                *("unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child"),
                *("--propagation", "private", "bash", "-c", _SCRIPT, "container"),
                str(self.root),
                *("env", "-i", *(f"{name}={value}" for name, value in known.items())),
                *enter(self.root, user or self.config.user),
                *(command or self.config.command),
            ],
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def enter(root: Path, user: str) -> list[str]:
    """Return how a command is started with another root, as another user; by an absolute path."""
    return [
        shutil.which("chroot") or "chroot",
        f"--userspec={user or '0:0'}",
        "--groups=",
        str(root),
    ]


def _child_of(process: int) -> int:
    children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    return int(children.split()[0])
