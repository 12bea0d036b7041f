"""Read an image from an archive in OCI's layout: its configuration, layers and files."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tools.image.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_INDEX = "index.json"
_WHITEOUT = ".wh."  # prefix of the name of a file that a layer removes
_OPAQUE_WHITEOUT = ".wh..wh..opq"  # removes all that the layers below have in the folder
_GZIP_MAGIC = b"\x1f\x8b"
_BLOCK_SIZE = 1 << 20  # bytes

# Python up to 3.11.3 has no filters yet; the archives are our own.
_FILTER: Any = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}


@dataclass(frozen=True)
class ImageConfig:
    """An image's configuration.

    Attributes:
        command: entry point and arguments.
        environ: environment variables.
        user: `user` or `user:group`, numbers or names; empty for root.
        labels: its metadata.
        layers: the digests of its uncompressed layers, from the base upwards.
    """

    command: tuple[str, ...]
    environ: Mapping[str, str]
    user: str
    labels: Mapping[str, str]
    layers: tuple[str, ...]


class ImageArchive:
    """An image in a tar archive in OCI's layout; a context manager."""

    def __init__(self, path: Path) -> None:
        self._tar = tarfile.open(path)  # noqa: SIM115  closed on leaving the context
        try:
            self._tar.getmember(_INDEX)
        except KeyError as error:
            self._tar.close()
            raise ImageError(
                "The tool's archive is not in OCI's layout.", "Use docker 25 or newer, or podman."
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._tar.close()

    @property
    def config(self) -> ImageConfig:
        """The image's configuration."""
        document = self._json(self._manifest["config"]["digest"])
        config = document["config"]
        return ImageConfig(
            command=(*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())),
            environ=dict(entry.split("=", 1) for entry in config.get("Env") or ()),
            user=config.get("User") or "",
            labels=config.get("Labels") or {},
            layers=tuple(document["rootfs"]["diff_ids"]),
        )

    def layer_sizes(self) -> list[int]:
        """Return the sizes of the uncompressed layers in bytes, from the base upwards."""
        return [self._layer_size(number) for number in range(len(self._manifest["layers"]))]

    def layer_files(self, number: int) -> dict[str, tarfile.TarInfo]:
        """Return the entries of one layer, numbered from 0, by their relative paths."""
        with self._layer(number) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
            return {_normalized(member.name): member for member in tar}

    def unpack(self, root: Path) -> None:
        """Unpack all files of the image into a folder; requires root."""
        for number in range(len(self._manifest["layers"])):
            with self._layer(number) as stream, tarfile.open(fileobj=stream, mode="r|") as tar:
                tar.extractall(root, _apply_whiteouts(tar, root), **_FILTER)  # noqa: S202  our own

    def _layer_size(self, number: int) -> int:
        with self._layer(number) as stream:
            return sum(len(block) for block in iter(lambda: stream.read(_BLOCK_SIZE), b""))

    @property
    def _manifest(self) -> Any:  # noqa: ANN401  JSON
        """The manifest of the one image; docker wraps it in further indexes."""
        document = json.loads(self._member(_INDEX).read())
        while "manifests" in document:
            document = self._json(document["manifests"][0]["digest"])
        return document

    def _json(self, digest: str) -> Any:  # noqa: ANN401  JSON
        return json.loads(self._member(_blob(digest)).read())

    def _layer(self, number: int) -> gzip.GzipFile | io.BufferedReader:
        member = self._member(_blob(self._manifest["layers"][number]["digest"]))
        compressed = member.peek(len(_GZIP_MAGIC))[: len(_GZIP_MAGIC)] == _GZIP_MAGIC
        return gzip.open(member) if compressed else member

    def _member(self, name: str) -> io.BufferedReader:
        stream = self._tar.extractfile(name)
        if not isinstance(stream, io.BufferedReader):
            raise TypeError(f"{name} is not a file")
        return stream


def _blob(digest: str) -> str:
    return f"blobs/{digest.replace(':', '/')}"


def _normalized(name: str) -> str:
    return name.removeprefix("./").strip("/")


def _apply_whiteouts(tar: tarfile.TarFile, root: Path) -> Iterator[tarfile.TarInfo]:
    """Yield the files that a layer adds; delete those that it removes."""
    for member in tar:
        folder, _, name = _normalized(member.name).rpartition("/")
        if name == _OPAQUE_WHITEOUT:
            for path in (root / folder).iterdir():
                _remove(path)
        elif name.startswith(_WHITEOUT):
            _remove(root / folder / name.removeprefix(_WHITEOUT))
        else:
            yield member


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
