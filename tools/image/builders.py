"""One interface to docker, podman and buildah: the first one that works builds the image."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from tools.image.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CONTEXT = Path(__file__).resolve().parents[2]
STORAGE_FOLDERS = ("storage", "runroot")  # for images, and for the state of containers
_NOT_INSTALLED = "not installed"
_MAX_SHOWN_LINES = 30  # of a tool's output, when it fails


@dataclass(frozen=True)
class Builder:
    """A tool that builds images.

    Attributes:
        folder: where it stores images; None for the tool's own storage.
    """

    name: ClassVar[str]
    folder: Path | None = None

    @classmethod
    def why_unusable(cls) -> str | None:
        """Return why the tool does not work here; None when it does."""
        if shutil.which(cls.name) is None:
            return _NOT_INSTALLED
        probe = subprocess.run(  # noqa: S603  the tool that was found
            [cls.name, *cls._PROBE_ARGUMENTS],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return None if probe.returncode == 0 else (probe.stderr.strip() or "fails").splitlines()[-1]

    _PROBE_ARGUMENTS: ClassVar[tuple[str, ...]] = ("info",)
    _HAS_TIMESTAMP_OPTION: ClassVar[bool] = True
    _ISOLATION_OPTIONS: ClassVar[tuple[str, ...]] = ("--isolation", "chroot")

    def run(self, *arguments: str, quiet: bool = False) -> str:
        """Run the tool; return what it prints on standard output.

        Raises:
            ImageError: it failed.
        """
        ended = subprocess.run(  # noqa: S603  the tool that was found
            [self.name, *self._storage_options, *arguments],
            env=os.environ if self.folder is None else {**os.environ, "TMPDIR": str(self.folder)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if quiet else subprocess.STDOUT,
            text=True,
            check=False,
        )
        if ended.returncode == 0:
            return ended.stdout
        output = f"{ended.stdout}{ended.stderr or ''}".strip().splitlines()
        raise ImageError(
            f"`{self.name} {arguments[0]}` failed ({ended.returncode}):\n  "
            + "\n  ".join(output[-_MAX_SHOWN_LINES:]),
            "See the lines above.",
        )

    @property
    def _storage_options(self) -> tuple[str, ...]:
        if self.folder is None:
            return ()
        storage, runroot = (str(self.folder / name) for name in STORAGE_FOLDERS)
        return ("--root", storage, "--runroot", runroot)

    def build(
        self,
        tag: str,
        arguments: Mapping[str, str],
        *,
        target: str | None = None,
        no_cache: bool = False,
    ) -> None:
        """Build the image.

        Args:
            tag: the image's name.
            arguments: the Dockerfile's ARGs; SOURCE_DATE_EPOCH is the time of all files.
            target: the stage of the Dockerfile to build; None for the last one.
            no_cache: whether to build every stage again.

        Raises:
            ImageError: it cannot be built.
        """
        options = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        if self._HAS_TIMESTAMP_OPTION:
            options += ["--timestamp", arguments["SOURCE_DATE_EPOCH"]]
        if target is not None:
            options += ["--target", target]
        if no_cache:
            options.append("--no-cache")
        self.run("build", *self._ISOLATION_OPTIONS, *options, "--tag", tag, str(CONTEXT))

    def pull(self, image: str) -> None:
        """Pull an image from its registry.

        Raises:
            ImageError: it cannot be pulled.
        """
        try:
            self.run("pull", "--quiet", image, quiet=True)
        except ImageError as error:
            raise ImageError(
                f"The base image {image} is not here and cannot be pulled.\n{error.problem}",
                "Make its registry reachable, name another base (make image BASE=...), or use "
                "one made of Debian's packages (make image BASE=debian).",
            ) from error

    def has(self, image: str) -> bool:
        """Return whether an image is in the tool's storage."""
        try:
            self.layers(image)
        except ImageError:
            return False
        return True

    def layers(self, image: str) -> tuple[str, ...]:
        """Return the digests of an image's uncompressed layers, from the base upwards."""
        template = "{{json .RootFS.Layers}}"
        answer = self.run("image", "inspect", "--format", template, image, quiet=True)
        return tuple(json.loads(answer or "[]"))

    def import_root_filesystem(self, tar: Path, tag: str) -> None:
        """Make an image of one layer from the files of a tar archive."""
        self.run("import", str(tar), tag, quiet=True)

    def export(self, image: str, archive: Path) -> None:
        """Write an image to an archive in OCI's layout."""
        self.run("save", "--format", "oci-archive", "--output", str(archive), image, quiet=True)


@dataclass(frozen=True)
class Docker(Builder):
    """docker, whose client may be installed without its engine."""

    name = "docker"
    _PROBE_ARGUMENTS = ("version", "--format", "{{.Server.Version}}")
    _HAS_TIMESTAMP_OPTION = False  # the build argument SOURCE_DATE_EPOCH does it
    _ISOLATION_OPTIONS = ()

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

    def import_root_filesystem(self, tar: Path, tag: str) -> None:
        """Make an image of one layer from the files of a tar archive."""
        container = self.run("from", "scratch", quiet=True).strip()
        self.run("add", "--quiet", container, str(tar), "/", quiet=True)
        self.run("commit", "--quiet", "--rm", container, tag, quiet=True)

    def export(self, image: str, archive: Path) -> None:
        """Write an image to an archive in OCI's layout."""
        self.run("push", "--quiet", image, f"oci-archive:{archive}", quiet=True)


BUILDERS: tuple[type[Builder], ...] = (Docker, Podman, Buildah)


def find_builder(echo: Callable[[str], None]) -> Builder:
    """Return the first tool that works here; `echo` reports those that are installed but do not.

    Raises:
        ImageError: none works; gives the reason for each tool.
    """
    reasons = []
    for kind in BUILDERS:
        reason = kind.why_unusable()
        if reason is None:
            return kind()
        reasons.append(f"  {kind.name}: {reason}")
        if reason is not _NOT_INSTALLED:
            echo(f"{kind.name} is skipped: {reason}")
    raise ImageError(
        "No tool that builds images works on this machine:\n" + "\n".join(reasons),
        "Install one. On Debian or Ubuntu, without any daemon: apt-get install buildah",
    )


def with_storage(builder: Builder, folder: Path) -> Builder:
    """Return a builder that stores images in this folder; docker cannot do that."""
    return builder if isinstance(builder, Docker) else replace(builder, folder=folder)
