"""Open files with their parent folders, and check beforehand that this will work."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack
    from typing import IO

MIN_FREE_SPACE = 256 * 1024  # bytes; more than a request needs
_ATTEMPTS = 20
# As in open(), but do not truncate, and do not block if the file has been replaced by a FIFO.
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_Result = TypeVar("_Result")


def open_to_write(path: Path, *, append: bool = False) -> IO[bytes]:
    """Open a file for writing; create it and its parent folders if needed."""
    return _retry_races(partial(_open, path, "ab" if append else "wb"))


def write_problem(path: Path, undo: ExitStack) -> str | None:
    """Return why a file cannot be written; None if it can.

    An existing file is opened, and stays as it is. One that does not exist is really created, with
    its parent folders: the rules of permissions, mounts, quotas and names are too many to predict
    the outcome. Anything but a regular file, such as a FIFO or a device, is not opened.

    Args:
        path: the file.
        undo: removes what has been created when it is closed. Files that are checked with the same
            stack see what was created for each other.
    """
    try:
        _retry_races(partial(_check_file, path, undo))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return reason if error.filename in (None, str(path)) else f"{error.filename}: {reason}"
    return None


def _retry_races(attempt: Callable[[], _Result]) -> _Result:
    """Return the result of an attempt; repeat it when another process interferes.

    Steps that run at the same time may create and remove the same folders in their checks.
    """
    for _ in range(_ATTEMPTS - 1):
        with suppress(FileExistsError, FileNotFoundError):
            return attempt()
    return attempt()


def _open(path: Path, mode: str) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    stream: IO[bytes] = path.open(mode)
    return stream


def _check_file(path: Path, undo: ExitStack) -> None:
    for folder in reversed(path.parents):
        _check_folder(folder, undo)
    descriptor = _open_unchanged(path, undo)
    if descriptor is not None:
        try:
            _check_free_space(descriptor)
        finally:
            os.close(descriptor)


def _check_folder(path: Path, undo: ExitStack) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        path.mkdir()
        undo.callback(_remove_folder, path)
        return
    if not stat.S_ISDIR(mode):
        raise _error(errno.ENOTDIR, path)


def _open_unchanged(path: Path, undo: ExitStack) -> int | None:
    """Return a descriptor of a regular file; None for anything that must not be opened."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        file = Path(os.path.realpath(path))  # the target of a link may not exist yet
        descriptor = os.open(file, _FLAGS | os.O_EXCL, 0o666)
        undo.callback(_remove_file, file)
        return descriptor
    if stat.S_ISDIR(mode):
        raise _error(errno.EISDIR, path)
    if stat.S_ISSOCK(mode):
        raise _error(errno.ENXIO, path)  # as open() would raise
    return os.open(path, _FLAGS, 0o666) if stat.S_ISREG(mode) else None


def _check_free_space(descriptor: int) -> None:
    try:
        system = os.fstatvfs(descriptor)
    except OSError:
        return
    # Many file systems reserve some blocks for root.
    blocks = system.f_bavail if os.geteuid() else system.f_bfree
    if system.f_blocks and blocks * system.f_frsize < MIN_FREE_SPACE:
        raise OSError(
            errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}, or less than {MIN_FREE_SPACE} bytes"
        )


def _remove_folder(path: Path) -> None:
    with suppress(OSError):  # it is not empty any more
        path.rmdir()


def _remove_file(path: Path) -> None:
    with suppress(OSError):
        if path.stat().st_size == 0:  # otherwise another process has written it
            path.unlink()


def _error(number: int, path: Path) -> OSError:
    return OSError(number, os.strerror(number), str(path))
