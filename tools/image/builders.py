"""docker, podman and buildah, as one: whichever is there and works builds the image."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tools.image.problems import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONTEXT = Path(__file__).resolve().parents[2]
STORES = ("store", "running")  # folders for images, and for what is running
_ABSENT = "not installed"
_SHOWN_LINES = 30  # of a tool's output, when it fails


@dataclass(frozen=True)
class Builder:
    """A tool that builds images.

    Attributes:
        folder: where its images lie; None for the tool's own place.
    """

    name: ClassVar[str]
    folder: Path | None = None

    @classmethod
    def works(cls) -> str | None:
        """Return None when the tool works here, and otherwise why it does not."""
        if shutil.which(cls.name) is None:
            return _ABSENT
        probe = subprocess.run(  # noqa: S603  the tool that was found
            [cls.name, *cls._PROBE], capture_output=True, text=True, check=False, timeout=60
        )
        return None if probe.returncode == 0 else (probe.stderr.strip() or "fails").splitlines()[-1]

    _PROBE: ClassVar[tuple[str, ...]] = ("info",)
    _TIMESTAMPED: ClassVar[bool] = True
    _ISOLATION: ClassVar[tuple[str, ...]] = ("--isolation", "chroot")

    def run(self, *arguments: str, quiet: bool = False) -> str:
        """Run the tool; return what it prints on standard output.

        Raises:
            ImageError: it failed.
        """
        ended = subprocess.run(  # noqa: S603  the tool that was found
            [self.name, *self._store, *arguments],
            env=os.environ if self.folder is None else {**os.environ, "TMPDIR": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if quiet else subprocess.STDOUT,
            text=True,
            check=False,
        )
        if ended.returncode == 0:
            return ended.stdout
        said = f"{ended.stdout}{ended.stderr or ''}".strip().splitlines()
        raise ImageError(
            f"`{self.name} {arguments[0]}` failed ({ended.returncode}):\n  "
            + "\n  ".join(said[-_SHOWN_LINES:]),
            "See the lines above.",
        )

    @property
    def _store(self) -> tuple[str, ...]:
        if self.folder is None:
            return ()
        kept, running = (str(self.folder / name) for name in STORES)
        return ("--root", kept, "--runroot", running)

    def build(
        self,
        tag: str,
        arguments: Mapping[str, str],
        *,
        target: str | None = None,
        again: bool = False,
    ) -> None:
        """Build the image.

        Args:
            tag: the image's name.
            arguments: the Dockerfile's ARGs; SOURCE_DATE_EPOCH is the time of all that is in it.
            target: the stage of the Dockerfile to build; None for the last one.
            again: whether to do all of it anew.

        Raises:
            ImageError: it cannot be built.
        """
        times = ("--timestamp", arguments["SOURCE_DATE_EPOCH"]) if self._TIMESTAMPED else ()
        given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        stage = ("--target", target) if target else ()
        anew = ("--no-cache",) if again else ()
        named = (*given, *stage, "--tag", tag)
        self.run("build", *self._ISOLATION, *times, *anew, *named, str(CONTEXT))

    def pull(self, image: str) -> None:
        """Fetch an image from its registry.

        Raises:
            ImageError: it cannot be fetched.
        """
        try:
            self.run("pull", "--quiet", image, quiet=True)
        except ImageError as error:
            raise ImageError(
                f"The base image {image} is not here and cannot be pulled.\n{error.what}",
                "Make its registry reachable, name another base (make image BASE=...), or try "
                "with a stand-in made of Debian's packages (make image BASE=debian).",
            ) from error

    def has(self, image: str) -> bool:
        """Return whether an image is in the tool's store."""
        try:
            self.layers(image)
        except ImageError:
            return False
        return True

    def layers(self, image: str) -> tuple[str, ...]:
        """Return the digests of an image's uncompressed layers, from the base upwards."""
        form = "{{json .RootFS.Layers}}"
        return tuple(
            json.loads(self.run("image", "inspect", "--format", form, image, quiet=True) or "[]")
        )

    def load_root(self, tar: Path, tag: str) -> None:
        """Make an image of one layer from the files of a tar archive."""
        self.run("import", str(tar), tag, quiet=True)

    def export(self, image: str, archive: Path) -> None:
        """Write an image to an archive in OCI's layout."""
        self.run("save", "--format", "oci-archive", "--output", str(archive), image, quiet=True)


@dataclass(frozen=True)
class Docker(Builder):
    """docker, whose client may be there without its engine."""

    name = "docker"
    _PROBE = ("version", "--format", "{{.Server.Version}}")
    _TIMESTAMPED = False  # the build argument SOURCE_DATE_EPOCH alone does it
    _ISOLATION = ()

    def export(self, image: str, archive: Path) -> None:
        """Write an image to an archive; docker does it in OCI's layout from version 25 on."""
        self.run("save", "--output", str(archive), image, quiet=True)


@dataclass(frozen=True)
class Podman(Builder):
    """podman, which needs no engine."""

    name = "podman"


@dataclass(frozen=True)
class Buildah(Builder):
    """buildah, which needs neither engine nor container runtime."""

    name = "buildah"

    def layers(self, image: str) -> tuple[str, ...]:
        """Return the digests of an image's uncompressed layers, from the base upwards."""
        answer = json.loads(self.run("inspect", "--type", "image", image, quiet=True))
        return tuple(answer["OCIv1"]["rootfs"]["diff_ids"])

    def load_root(self, tar: Path, tag: str) -> None:
        """Make an image of one layer from the files of a tar archive."""
        container = self.run("from", "scratch", quiet=True).strip()
        self.run("add", "--quiet", container, str(tar), "/", quiet=True)
        self.run("commit", "--quiet", "--rm", container, tag, quiet=True)

    def export(self, image: str, archive: Path) -> None:
        """Write an image to an archive in OCI's layout."""
        self.run("push", "--quiet", image, f"oci-archive:{archive}", quiet=True)


KINDS: tuple[type[Builder], ...] = (Docker, Podman, Buildah)


def find_builder(say: Callable[[str], None]) -> Builder:
    """Return the first tool that works here; `say` is told of those that are there and do not.

    Raises:
        ImageError: none does; says why, tool by tool.
    """
    reasons = []
    for kind in KINDS:
        reason = kind.works()
        if reason is None:
            return kind()
        reasons.append(f"  {kind.name}: {reason}")
        if reason is not _ABSENT:
            say(f"{kind.name} is passed over: {reason}")
    raise ImageError(
        "No tool that builds images works on this machine:\n" + "\n".join(reasons),
        "Install one. On Debian or Ubuntu, without any daemon: apt-get install buildah",
    )


def in_folder(builder: Builder, folder: Path) -> Builder:
    """Return a builder whose images lie in a folder of ours; docker cannot do that."""
    return builder if isinstance(builder, Docker) else replace(builder, folder=folder)
