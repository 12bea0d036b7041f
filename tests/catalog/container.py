"""A container of the image, as an engine starts it: its own root, user, mounts and environment.

The root is a tmpfs that holds the interpreter, the step and its packages where the image has them,
and nothing else; it is read-only. Needs root, or the right to create namespaces.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.step_process import ROOT, Ended

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_UNSHARE = ("unshare", "--mount", "--propagation", "private")
_PACKAGES = "/opt/packages"
_STEP = (
    "engines",
    "fourme",
    "operations",
    "process",
    "spec",
    "steps",
    "transport",
    "step.py",
    "spec.schema.json",
    "outputs.schema.json",
)

# Each line of $MOUNTS: ro or rw, the path outside, the path inside.
_SCRIPT = """
set -eu
mount -t tmpfs -o mode=0755 tmpfs "$OUT"
for link in bin lib lib32 lib64 sbin; do
  if [ -L "/$link" ]; then ln -s "usr/$link" "$OUT/$link"; fi
done
while read -r mode from to; do
  if [ -d "$from" ]; then mkdir -p "$OUT$to"
  else mkdir -p "$OUT$(dirname "$to")"; touch "$OUT$to"; fi
  mount --bind "$from" "$OUT$to"
  if [ "$mode" = ro ]; then mount -o remount,ro,bind "$OUT$to"; fi
done <<< "$MOUNTS"
mount -o remount,ro "$OUT"
exec setpriv --no-new-privs chroot --userspec="$ID:$ID" --groups= "$OUT" /usr/bin/env -i "$@"
"""


@dataclass(frozen=True)
class Container:
    """A container as an engine starts it from a manifest.

    Attributes:
        command: the program and its arguments.
        environment: all of its variables.
        folders: the folders that are mounted writable, by their path inside; their owners and
            modes decide who may write them.
        user: the number of its user and of its group.
        workdir: where it starts.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    folders: Mapping[str, Path] = field(default_factory=dict)
    user: int = 65532
    workdir: str = "/"

    def run(self, scratch: Path) -> Ended:
        """Run it to its end.

        Args:
            scratch: an empty folder, for what belongs to this run alone.
        """
        outside = scratch / "root"
        outside.mkdir()
        mounts = [("ro", *mount) for mount in _image(scratch / "venv")]
        mounts += [("rw", folder, inside) for inside, folder in self.folders.items()]
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        start = [f"--chdir={self.workdir}", *variables]
        process = subprocess.run(
            [*_UNSHARE, "bash", "-c", _SCRIPT, "bash", *start, *self.command],
            env={
                "PATH": os.environ["PATH"],
                "OUT": str(outside),
                "ID": str(self.user),
                "MOUNTS": "\n".join(" ".join(map(str, mount)) for mount in mounts),
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ended(process.returncode, process.stdout, process.stderr)


def volume(folder: Path) -> Path:
    """Return a folder as Kubernetes makes volumes that start empty: anyone may write it."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    return folder


def can_run_containers() -> bool:
    """Return whether this machine allows such containers."""
    if os.geteuid() != 0 or any(shutil.which(name) is None for name in ("unshare", "setpriv")):
        return False
    probe = [*_UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def entry_point() -> list[str]:
    """Return the image's entry point, as its Dockerfile has it."""
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.findall(r"^ENTRYPOINT (\[.*\])$", dockerfile, re.MULTILINE)
    command: list[str] = json.loads(lines[-1])
    return command


def image_user(image: str) -> int:
    """Return the number of the user that an image of the release workflow runs as.

    Its tag is `VERSION`, for the last stage of the Dockerfile, or `VERSION-STAGE`.
    """
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    stages = re.split(r"^FROM \S+ AS (\S+)$", dockerfile, flags=re.MULTILINE)[1:]
    users = {
        name: re.findall(r"^USER (\d+):\d+$", text, re.MULTILINE)
        for name, text in zip(stages[::2], stages[1::2], strict=True)
    }
    _, _, stage = image.rpartition(":")[2].partition("-")
    (user,) = users[stage or stages[-2]]
    return int(user)


def _image(venv: Path) -> Iterator[tuple[Path | str, str]]:
    """Yield what the root consists of, from outside to inside."""
    base = Path(sys.base_prefix)
    yield "/usr", "/usr"
    yield "/dev", "/dev"
    if not base.is_relative_to("/usr"):
        yield base, str(base)
    yield from ((ROOT / name, f"/opt/step/{name}") for name in _STEP)
    yield sysconfig.get_path("purelib"), _PACKAGES
    yield _virtual_environment(venv, base), "/opt/venv"


def _virtual_environment(venv: Path, base: Path) -> Path:
    """Make the image's /opt/venv: the interpreter, and its import path."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = venv / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    (packages / "step.pth").write_text(f"/opt/step\n{_PACKAGES}\n", encoding="utf-8")
    (venv / "pyvenv.cfg").write_text(f"home = {base / 'bin'}\n", encoding="utf-8")
    (venv / "bin").mkdir()
    (venv / "bin" / "python").symlink_to(base / "bin" / version)
    return venv
