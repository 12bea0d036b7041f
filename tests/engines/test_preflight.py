"""`engines.preflight`: files are checked by creating them, and no trace is left."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from engines.preflight import MIN_FREE_SPACE, open_to_write, write_problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOBODY = 65532


def problem_of(path: Path) -> str | None:
    """Return why a file cannot be written."""
    with ExitStack() as undo:
        return write_problem(path, undo)


def all_in(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Return all that is in a folder: by path, its kind and mode, its inode, its bytes."""
    return {
        str(path): (
            path.lstat().st_mode,
            path.lstat().st_ino,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in folder.rglob("*")
    }


@pytest.fixture
def own_folder() -> Iterator[Path]:
    """Return an empty folder; a test that runs as root is another user meanwhile, who owns it."""
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # others may enter that
        if root:
            os.chown(name, NOBODY, NOBODY)
            os.seteuid(NOBODY)
        try:
            yield Path(name)
        finally:
            if root:
                os.seteuid(0)


@pytest.mark.parametrize("name", ["out.json", "deep/er/out.json", "a/../b/out.json", "./a//b"])
def test_what_can_be_created_is_created_and_removed(tmp_path: Path, name: str) -> None:
    """Folders and the file exist until they are removed."""
    with ExitStack() as undo:
        assert write_problem(tmp_path / name, undo) is None
        assert (tmp_path / name).read_bytes() == b""
    assert all_in(tmp_path) == {}


def test_an_existing_file_is_not_changed(tmp_path: Path) -> None:
    """Neither its bytes nor its times change, and it is not replaced."""
    file = tmp_path / "existing"
    file.write_bytes(b"earlier")
    os.utime(file, (1, 1))
    before = all_in(tmp_path)
    assert problem_of(file) is None
    assert all_in(tmp_path) == before
    assert file.stat().st_mtime == 1


def test_a_link_to_a_missing_file_stays(tmp_path: Path) -> None:
    """Its target is checked, since that will be written."""
    link = tmp_path / "link"
    link.symlink_to("target")
    with ExitStack() as undo:
        assert write_problem(link, undo) is None
        assert (tmp_path / "target").exists()
    assert [*all_in(tmp_path)] == [str(link)]


def make_loop(folder: Path) -> Path:
    """Make a link that leads to itself."""
    (folder / "loop").symlink_to("loop")
    return folder / "loop"


def make_dangling_folder(folder: Path) -> Path:
    """Return a path below a link to a missing folder."""
    (folder / "link").symlink_to("nowhere")
    return folder / "link" / "out"


def make_link_into_nowhere(folder: Path) -> Path:
    """Make a link to a file in a missing folder."""
    (folder / "link").symlink_to("nowhere/out")
    return folder / "link"


def make_folder(folder: Path) -> Path:
    """Make a folder where a file is to be."""
    (folder / "out").mkdir()
    return folder / "out"


def make_file_in_the_way(folder: Path) -> Path:
    """Make a file where a folder is to be."""
    (folder / "file").touch()
    return folder / "file" / "deep" / "out"


def make_socket(folder: Path) -> Path:
    """Make a socket, which cannot be opened."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "socket"))
    return folder / "socket"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda folder: folder / ("x" * 256), "File name too long"),
        (lambda folder: folder / ("x" * 256) / "out", f"{'x' * 256}: File name too long"),
        (lambda folder: folder.joinpath(*["x" * 250] * 20), "File name too long"),
        (make_loop, "Too many levels of symbolic links"),
        (make_dangling_folder, "/link: File exists"),
        (make_link_into_nowhere, "/nowhere/out: No such file or directory"),
        (make_folder, "Is a directory"),
        (make_file_in_the_way, "/file: Not a directory"),
        (make_socket, "No such device or address"),
        (lambda _: Path("/proc/out"), "No such file or directory"),
    ],
)
def test_what_cannot_be_written_has_a_reason(make: Callable[[Path], Path], reason: str) -> None:
    """The reason names the path that fails if that is not the file; no trace is left."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name:  # a socket's path must be short
        path = make(Path(name))
        before = all_in(Path(name))
        problem = problem_of(path)
        assert problem is not None
        assert problem.endswith(reason)
        assert all_in(Path(name)) == before
        with pytest.raises(OSError):  # noqa: PT011  any reason; the check was right
            open_to_write(path)


@pytest.mark.parametrize(
    ("mode", "name", "reason"),
    [
        (0o500, "out", "Permission denied"),
        (0o500, "new/out", "/folder/new: Permission denied"),
        (0o600, "out", "Permission denied"),
        (0o600, "deep/er/out", "/folder/deep: Permission denied"),
        (0o000, "out", "Permission denied"),
    ],
)
def test_a_folder_that_may_not_be_written_or_entered(
    own_folder: Path, mode: int, name: str, reason: str
) -> None:
    """Modes apply, as they do to all users but root."""
    folder = own_folder / "folder"
    folder.mkdir(mode)
    problem = problem_of(folder / name)
    assert problem is not None
    assert problem.endswith(reason)
    folder.chmod(0o700)
    assert [*folder.iterdir()] == []


def test_a_file_that_may_only_be_read(own_folder: Path) -> None:
    """The folder of an existing file may be read-only."""
    file = own_folder / "out"
    file.write_bytes(b"earlier")
    own_folder.chmod(0o500)
    assert problem_of(file) is None
    file.chmod(0o444)
    assert problem_of(file) == "Permission denied"
    assert file.read_bytes() == b"earlier"
    own_folder.chmod(0o700)


def test_fifos_and_devices_are_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A FIFO's reader would see an end of file; opening some devices has effects."""
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.setattr(os, "open", lambda *_: pytest.fail("something was opened"))
    assert problem_of(tmp_path / "fifo") is None
    assert problem_of(Path("/dev/null")) is None
    assert problem_of(Path("/dev/full")) is None


@pytest.mark.parametrize(
    ("user", "blocks", "full"),
    [
        (1000, {"f_blocks": 99, "f_bavail": 63, "f_bfree": 99}, True),
        (1000, {"f_blocks": 99, "f_bavail": 64, "f_bfree": 99}, False),
        (0, {"f_blocks": 99, "f_bavail": 0, "f_bfree": 63}, True),
        (0, {"f_blocks": 99, "f_bavail": 0, "f_bfree": 64}, False),
        (1000, {"f_blocks": 0, "f_bavail": 0, "f_bfree": 0}, False),
    ],
)
def test_a_full_disk(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    user: int,
    blocks: dict[str, int],
    full: bool,  # noqa: FBT001  a parameter of the test
) -> None:
    """Root may use the blocks reserved for root; a file system without a size is not checked."""
    monkeypatch.setattr(os, "geteuid", lambda: user)
    status = SimpleNamespace(f_frsize=MIN_FREE_SPACE // 64, **blocks)
    monkeypatch.setattr(os, "fstatvfs", lambda _: status)
    problem = problem_of(tmp_path / "out")
    assert problem == (
        f"No space left on device, or less than {MIN_FREE_SPACE} bytes" if full else None
    )
    assert all_in(tmp_path) == {}


def test_a_file_system_of_unknown_size_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A check that is not possible does not fail a run."""

    def fail(_: int) -> None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(os, "fstatvfs", fail)
    assert problem_of(tmp_path / "out") is None


def test_an_error_without_a_text_has_a_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An OSError without strerror is named by its type."""

    def fail(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "open", fail)
    assert problem_of(tmp_path / "out") == "PermissionError"


def test_what_another_process_has_written_stays(tmp_path: Path) -> None:
    """Another step may have found the file and the folder, and used them."""
    file = tmp_path / "folder" / "out"
    with ExitStack() as undo:
        assert write_problem(file, undo) is None
        file.write_bytes(b"another's")
    assert file.read_bytes() == b"another's"


def test_what_another_process_has_removed_is_no_error(tmp_path: Path) -> None:
    """There is nothing left to remove."""
    file = tmp_path / "folder" / "out"
    with ExitStack() as undo:
        assert write_problem(file, undo) is None
        file.unlink()
        file.parent.rmdir()
    assert all_in(tmp_path) == {}


def test_concurrent_steps_do_not_disturb_each_other(tmp_path: Path) -> None:
    """They share a folder that each creates and removes; none fails, and no output is lost."""

    def run(number: int) -> str | None:
        file = tmp_path / "shared" / "folder" / f"{number}"
        for _ in range(20):
            problem = problem_of(file)
            if problem is not None:
                return problem
        with open_to_write(file) as stream:
            stream.write(b"done")
        return None

    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(run, range(40))] == [None] * 40
    assert {path.read_bytes() for path in (tmp_path / "shared" / "folder").iterdir()} == {b"done"}
    assert len([*(tmp_path / "shared" / "folder").iterdir()]) == 40
