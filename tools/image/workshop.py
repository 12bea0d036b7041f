"""Build the image, and lay it out to be run: what tests and measurements start from."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from fourme import VERSION
from tools.image.archive import Archive
from tools.image.builders import CONTEXT, STORES, Builder, Docker, find_builder, in_folder
from tools.image.container import Container
from tools.image.debian import Release, make_stand_in
from tools.image.problems import ImageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from tarfile import TarInfo

    from tools.image.archive import Config

NAME = "4me-step-requests-update"
STAND_IN = "debian"
ACTION = "github"  # the stage of the Dockerfile that GitHub's action runs
FOLDER = CONTEXT / "build" / "image"
_ROOT_MODE = 0o755


@dataclass(frozen=True)
class Built:
    """An image that was built, unpacked.

    Attributes:
        container: runs it.
        layers: the digests of the layers that it adds to its base.
        size: their uncompressed size, in bytes.
        files: what is in them, by path.
        base: what it was built on.
    """

    container: Container
    layers: tuple[str, ...]
    size: int
    files: dict[str, TarInfo]
    base: str


class Workshop:
    """Builds the image with the tool that works here, in a folder of the checkout.

    A context manager: afterwards the tool's store is gone, and the unpacked image stays.
    """

    def __init__(self, say: Callable[[str], None], base: str | None = None) -> None:
        """Take the base to build on; None for the Dockerfile's or, failing that, a stand-in.

        Raises:
            ImageError: no tool works here.
        """
        FOLDER.mkdir(parents=True, exist_ok=True)
        self._say = say
        self._builder = in_folder(find_builder(say), FOLDER)
        self._base = self._found_base(base)
        # Once for all builds: what is built again must not depend on a commit in between.
        self._arguments = {**facts_of_checkout(), "PYTHON_IMAGE": self._base}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in STORES:
            shutil.rmtree(FOLDER / name, ignore_errors=True)

    def _found_base(self, wanted: str | None) -> str:
        if wanted is not None:
            return find_base(self._builder, wanted)
        try:
            return find_base(self._builder, default_base())
        except ImageError:
            self._say(f"{default_base()} cannot be pulled; a stand-in of Debian's packages is made")
            return find_base(self._builder, STAND_IN)

    def build(self, *, again: bool = False) -> tuple[str, ...]:
        """Build the image; return the digests of the layers that it adds to its base."""
        tag = f"localhost/{NAME}:test"
        self._builder.build(tag, self._arguments, again=again)
        return self._builder.layers(tag)[len(self._builder.layers(self._base)) :]

    def lay_out(self) -> Built:
        """Build the image, and unpack it."""
        self._say(f"building with {self._builder.name} on {self._base} ...")
        layers = self.build()
        root = FOLDER / "root"
        with self._unpacked(f"localhost/{NAME}:test", root) as archive:
            config, sizes = archive.config, archive.layer_sizes()
            added = range(len(sizes) - len(layers), len(sizes))
            files = {
                path: entry for each in added for path, entry in archive.layer_files(each).items()
            }
        size = sum(sizes[each] for each in added)
        return Built(Container(root, config), layers, size, files, self._base)

    def config_of(self, target: str) -> Config:
        """Build a stage of the Dockerfile; return how it wants to be run."""
        tag = f"localhost/{NAME}:{target}"
        self._builder.build(tag, self._arguments, target=target)
        with self._exported(tag) as archive:
            return archive.config

    def lay_out_base(self, root: Path) -> None:
        """Unpack the base alone."""
        with self._unpacked(self._base, root):
            pass

    @contextmanager
    def _unpacked(self, tag: str, root: Path) -> Iterator[Archive]:
        """Unpack an image into a folder, anew; yield its archive."""
        shutil.rmtree(root, ignore_errors=True)
        with self._exported(tag) as archive:
            archive.unpack(root)
            root.chmod(_ROOT_MODE)
            yield archive

    @contextmanager
    def _exported(self, tag: str) -> Iterator[Archive]:
        """Yield an image's archive."""
        exported = FOLDER / "image.tar"
        exported.unlink(missing_ok=True)
        self._builder.export(tag, exported)
        with Archive(exported) as archive:
            yield archive
        exported.unlink()


def default_base() -> str:
    """Return the base that the Dockerfile names."""
    text = (CONTEXT / "Dockerfile").read_text(encoding="utf-8")
    match = re.search(r"^ARG PYTHON_IMAGE=(\S+)$", text, re.MULTILINE)
    if match is None:
        raise TypeError("the Dockerfile names no base")
    return match[1]


def find_base(builder: Builder, wanted: str) -> str:
    """Return the name of a base that is in the builder's store.

    Args:
        builder: the tool.
        wanted: an image; `debian` for a stand-in made of Debian's packages.

    Raises:
        ImageError: it is not to be had.
    """
    if wanted != STAND_IN:
        if not builder.has(wanted):
            builder.pull(wanted)
        return wanted
    release = Release()
    tag = f"localhost/{release.python}:{release.suite}"
    if not builder.has(tag):
        FOLDER.mkdir(parents=True, exist_ok=True)
        tar = FOLDER / f"{release.suite}-{release.python}.tar"
        make_stand_in(tar, release)
        builder.load_root(tar, tag)
    return tag


def facts_of_checkout() -> dict[str, str]:
    """Return the Dockerfile's ARGs that follow from the checkout."""
    commit_time = _git("log", "-1", "--format=%ct")
    return {
        "VERSION": VERSION,
        "REVISION": _git("rev-parse", "HEAD") or "unknown",
        "SOURCE": _address(_git("config", "remote.origin.url")),
        "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH") or commit_time or "0",
    }


def build_for_use(tag: str, base: str | None, say: Callable[[str], None]) -> None:
    """Build the image into the tool's own store.

    Raises:
        ImageError: it cannot be built here.
    """
    builder = find_builder(say)
    found = find_base(builder, base or default_base())
    say(f"building {tag} with {builder.name} on {found} ...")
    builder.build(tag, {**facts_of_checkout(), "PYTHON_IMAGE": found})
    say(f"built; try it: {_trial(builder, tag)}")


def _trial(builder: Builder, tag: str) -> str:
    if builder.name == "buildah":
        return f"buildah push {tag} oci-archive:{NAME}.tar"
    name = Docker.name if isinstance(builder, Docker) else builder.name
    return f"{name} run --rm {tag}"


def _git(*arguments: str) -> str:
    """Return what git says about this checkout; nothing where there is no git, or no checkout."""
    if shutil.which("git") is None:
        return ""
    ended = subprocess.run(  # noqa: S603  a fixed program
        ["git", "-C", str(CONTEXT), *arguments],  # noqa: S607  as found on the path
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stdout.strip() if ended.returncode == 0 else ""


def _address(remote: str) -> str:
    """Return a repository's address for people; nothing where it is not one, or holds a secret."""
    plain = remote.startswith("https://") and "@" not in remote
    return remote.removesuffix(".git") if plain else ""


def data_file(name: str) -> Path:
    """Return the path of one of the tests' data files."""
    return CONTEXT / "tests" / "data" / name
