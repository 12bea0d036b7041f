"""tools.image.archive: what is read from an image, and how its layers make up its files."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from tools.image.archive import ImageArchive
from tools.image.errors import ImageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

LOWER = {"etc/kept": b"1", "etc/removed": b"2", "emptied/old": b"3", "folder/inside": b"4"}
UPPER = {
    "etc/.wh.removed": b"",
    "emptied/.wh..wh..opq": b"",
    "emptied/new": b"5",
    ".wh.folder": b"",
}
CONFIG = {
    "config": {
        "Entrypoint": ["/bin/run", "-x"],
        "Cmd": ["word"],
        "Env": ["PATH=/bin", "A=b=c"],
        "User": "65532:65532",
        "Labels": {"a": "b"},
    },
    "rootfs": {"diff_ids": ["sha256:1", "sha256:2"]},
}


def tar_of(files: Mapping[str, bytes]) -> bytes:
    """Return a tar archive of some files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def archive_of(path: Path, layers: Sequence[bytes], *, wrapped: bool = False) -> Path:
    """Write an image in OCI's layout, its layers as given; docker wraps its index in another."""
    files = {f"blobs/sha256/layer{number}": layer for number, layer in enumerate(layers)}
    manifest = {
        "config": {"digest": "sha256:config"},
        "layers": [{"digest": f"sha256:layer{number}"} for number in range(len(layers))],
    }
    files["blobs/sha256/config"] = json.dumps(CONFIG).encode()
    files["blobs/sha256/manifest"] = json.dumps(manifest).encode()
    index = json.dumps({"manifests": [{"digest": "sha256:manifest"}]}).encode()
    if wrapped:
        files["blobs/sha256/inner"] = index
        index = json.dumps({"manifests": [{"digest": "sha256:inner"}]}).encode()
    path.write_bytes(tar_of({"index.json": index, **files}))
    return path


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_upper_layer_adds_and_removes(tmp_path: Path, *, wrapped: bool) -> None:
    """Files that an upper layer removes are gone, whether compressed or not; no others are."""
    layers = [tar_of(LOWER), gzip.compress(tar_of(UPPER))]
    root = tmp_path / "root"
    with ImageArchive(archive_of(tmp_path / "image.tar", layers, wrapped=wrapped)) as archive:
        archive.unpack(root)
    found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
    assert found == {"etc/kept", "emptied/new"}


def test_sizes_are_those_of_uncompressed_layers(tmp_path: Path) -> None:
    """A compressed layer counts with its full size; its files are listed."""
    layer = tar_of({"./etc/large": b"0" * 100_000})
    with ImageArchive(archive_of(tmp_path / "image.tar", [gzip.compress(layer)])) as archive:
        assert archive.layer_sizes() == [len(layer)]
        assert archive.layer_files(0)["etc/large"].size == 100_000


def test_the_configuration_is_read(tmp_path: Path) -> None:
    """Entry point and arguments make the command; a value may have an equals sign."""
    with ImageArchive(archive_of(tmp_path / "image.tar", [tar_of(LOWER)])) as archive:
        config = archive.config
    assert config.command == ("/bin/run", "-x", "word")
    assert config.environ == {"PATH": "/bin", "A": "b=c"}
    assert config.user == "65532:65532"
    assert config.layers == ("sha256:1", "sha256:2")


def test_another_layout_is_rejected_with_a_remedy(tmp_path: Path) -> None:
    """The error about an archive of an old docker names the version that is needed."""
    path = tmp_path / "old.tar"
    path.write_bytes(tar_of({"manifest.json": b"[]"}))
    with pytest.raises(ImageError) as caught:
        ImageArchive(path)
    assert "docker 25" in caught.value.remedy
