"""Build the image, and unpack it: tests and measurements run the unpacked files."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from process import VERSION
from tools.image.archive import ImageArchive
from tools.image.builders import (
    CONTEXT,
    STORAGE_FOLDERS,
    Builder,
    Docker,
    find_builder,
    with_storage,
)
from tools.image.container import Container
from tools.image.debian import Release, make_root_filesystem
from tools.image.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from tarfile import TarInfo

    from tools.image.archive import ImageConfig

NAME = "4me-step-requests-update"
DEBIAN = "debian"
ACTION = "github"  # the stage of the Dockerfile that GitHub's action runs
WORK_FOLDER = CONTEXT / "build" / "image"
_ROOT_MODE = 0o755


@dataclass(frozen=True)
class BuiltImage:
    """An image that was built and unpacked.

    Attributes:
        container: runs it.
        layers: the digests of the layers that it adds to its base.
        size: their uncompressed size, in bytes.
        files: their files, by path.
        base: the name of the base image.
    """

    container: Container
    layers: tuple[str, ...]
    size: int
    files: dict[str, TarInfo]
    base: str


class ImageBuild:
    """Builds the image with the tool that works here, in a folder of the checkout.

    A context manager: it deletes the tool's storage at the end, and keeps the unpacked image.
    """

    def __init__(self, echo: Callable[[str], None], base: str | None = None) -> None:
        """Find the base image; None for the Dockerfile's or, failing that, Debian's.

        Raises:
            ImageError: no tool works here.
        """
        WORK_FOLDER.mkdir(parents=True, exist_ok=True)
        self._echo = echo
        self._builder = with_storage(find_builder(echo), WORK_FOLDER)
        self._base = self._resolve_base(base)
        # Once for all builds: a later build must not depend on a commit in between.
        self._arguments = {**checkout_build_args(), "PYTHON_IMAGE": self._base}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in STORAGE_FOLDERS:
            shutil.rmtree(WORK_FOLDER / name, ignore_errors=True)

    def _resolve_base(self, wanted: str | None) -> str:
        if wanted is not None:
            return resolve_base(self._builder, wanted)
        try:
            return resolve_base(self._builder, default_base())
        except ImageError:
            self._echo(f"{default_base()} cannot be pulled; using Debian's packages instead")
            return resolve_base(self._builder, DEBIAN)

    def build(self, *, no_cache: bool = False) -> tuple[str, ...]:
        """Build the image; return the digests of the layers that it adds to its base."""
        tag = f"localhost/{NAME}:test"
        self._builder.build(tag, self._arguments, no_cache=no_cache)
        return self._builder.layers(tag)[len(self._builder.layers(self._base)) :]

    def build_and_unpack(self) -> BuiltImage:
        """Build the image, and unpack it."""
        self._echo(f"building with {self._builder.name} on {self._base} ...")
        layers = self.build()
        root = WORK_FOLDER / "root"
        with self._unpacked(f"localhost/{NAME}:test", root) as archive:
            config, sizes = archive.config, archive.layer_sizes()
            added = range(len(sizes) - len(layers), len(sizes))
            files = {
                path: entry for each in added for path, entry in archive.layer_files(each).items()
            }
        size = sum(sizes[each] for each in added)
        return BuiltImage(Container(root, config), layers, size, files, self._base)

    def config_of(self, target: str) -> ImageConfig:
        """Build a stage of the Dockerfile; return its configuration."""
        tag = f"localhost/{NAME}:{target}"
        self._builder.build(tag, self._arguments, target=target)
        with self._exported(tag) as archive:
            return archive.config

    def unpack_base(self, root: Path) -> None:
        """Unpack the base alone."""
        with self._unpacked(self._base, root):
            pass

    @contextmanager
    def _unpacked(self, tag: str, root: Path) -> Iterator[ImageArchive]:
        """Unpack an image into a folder, which is emptied first; yield its archive."""
        shutil.rmtree(root, ignore_errors=True)
        with self._exported(tag) as archive:
            archive.unpack(root)
            root.chmod(_ROOT_MODE)
            yield archive

    @contextmanager
    def _exported(self, tag: str) -> Iterator[ImageArchive]:
        """Export an image; yield its archive."""
        exported = WORK_FOLDER / "image.tar"
        exported.unlink(missing_ok=True)
        self._builder.export(tag, exported)
        with ImageArchive(exported) as archive:
            yield archive
        exported.unlink()


def default_base() -> str:
    """Return the base image that the Dockerfile names."""
    text = (CONTEXT / "Dockerfile").read_text(encoding="utf-8")
    match = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", text, re.MULTILINE)
    if match is None:
        raise TypeError("the Dockerfile names no base")
    return match[1]


def resolve_base(builder: Builder, wanted: str) -> str:
    """Pull or make a base image, unless the builder has it; return its name there.

    Args:
        builder: the tool.
        wanted: an image; `debian` for one made of Debian's packages.

    Raises:
        ImageError: it is not available.
    """
    if wanted == DEBIAN:
        return _debian_base(builder, Release())
    if not builder.has(wanted):
        builder.pull(wanted)
    return wanted


def _debian_base(builder: Builder, release: Release) -> str:
    tag = f"localhost/{release.python}:{release.suite}"
    if not builder.has(tag):
        WORK_FOLDER.mkdir(parents=True, exist_ok=True)
        tar = WORK_FOLDER / f"{release.suite}-{release.python}.tar"
        make_root_filesystem(tar, release)
        builder.import_root_filesystem(tar, tag)
    return tag


def checkout_build_args() -> dict[str, str]:
    """Return the Dockerfile's ARGs that follow from the checkout."""
    commit_time = _git("log", "-1", "--format=%ct")
    return {
        "VERSION": VERSION,
        "REVISION": _git("rev-parse", "HEAD") or "unknown",
        "SOURCE": _public_url(_git("config", "remote.origin.url")),
        "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH") or commit_time or "0",
    }


def build_for_use(tag: str, base: str | None, echo: Callable[[str], None]) -> None:
    """Build the image into the tool's own storage.

    Raises:
        ImageError: it cannot be built here.
    """
    builder = find_builder(echo)
    base_image = resolve_base(builder, base or default_base())
    echo(f"building {tag} with {builder.name} on {base_image} ...")
    builder.build(tag, {**checkout_build_args(), "PYTHON_IMAGE": base_image})
    echo(f"built; try it: {_usage_hint(builder, tag)}")


def _usage_hint(builder: Builder, tag: str) -> str:
    if builder.name == "buildah":
        return f"buildah push {tag} oci-archive:{NAME}.tar"
    name = Docker.name if isinstance(builder, Docker) else builder.name
    return f"{name} run --rm {tag}"


def _git(*arguments: str) -> str:
    """Return what git prints about this checkout; empty without git, or without a checkout."""
    if shutil.which("git") is None:
        return ""
    ended = subprocess.run(  # noqa: S603  a fixed program
        ["git", "-C", str(CONTEXT), *arguments],  # noqa: S607  as found on the path
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stdout.strip() if ended.returncode == 0 else ""


def _public_url(remote: str) -> str:
    """Return the URL of a repository's page; empty where there is none, or it has a password."""
    is_public = remote.startswith("https://") and "@" not in remote
    return remote.removesuffix(".git") if is_public else ""


def data_file(name: str) -> Path:
    """Return the path of one of the tests' data files."""
    return CONTEXT / "tests" / "data" / name
