"""Files that are to be written: opened with the folders that lead to them, and tried beforehand."""

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

ROOM = 256 * 1024  # bytes that must be free where a file is to be: more than requests take
_ATTEMPTS = 20
# As open() has them, but nothing is truncated, and nothing blocks that is no regular file any more.
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_Result = TypeVar("_Result")


def open_to_write(path: Path, *, append: bool = False) -> IO[bytes]:
    """Open a file, with the folders that lead to it.

    Raises:
        OSError: it cannot be opened.
    """
    return _persistently(partial(_open, path, "ab" if append else "wb"))


def write_problem(path: Path, undo: ExitStack) -> str | None:
    """Return why a file cannot be written; None: it can.

    A file that is there is opened, and stays as it is. One that is not there is really made, with
    the folders that lead to it: permissions, mounts, quotas and names have too many rules to be
    foretold. What is no regular file, such as a FIFO or a device, is not opened.

    Args:
        path: the file.
        undo: removes what has been made, once it is closed. Files that are tried with the same
            one see what was made for each other.
    """
    try:
        _persistently(partial(_try, path, undo))
    except OSError as error:
        reason = error.strerror or type(error).__name__
        return reason if error.filename in (None, str(path)) else f"{error.filename}: {reason}"
    return None


def _persistently(attempt: Callable[[], _Result]) -> _Result:
    """Return what an attempt returns.

    Steps that run side by side may try, and so make and remove, the same folders.
    """
    for _ in range(_ATTEMPTS - 1):
        with suppress(FileExistsError, FileNotFoundError):
            return attempt()
    return attempt()


def _open(path: Path, mode: str) -> IO[bytes]:
    path.parent.mkdir(parents=True, exist_ok=True)
    stream: IO[bytes] = path.open(mode)
    return stream


def _try(path: Path, undo: ExitStack) -> None:
    for folder in reversed(path.parents):
        _try_folder(folder, undo)
    descriptor = _opened(path, undo)
    if descriptor is None:
        return
    try:
        _check_room(descriptor)
    finally:
        os.close(descriptor)


def _try_folder(path: Path, undo: ExitStack) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        path.mkdir()
        undo.callback(_remove_folder, path)
        return
    if not stat.S_ISDIR(mode):
        raise _error(errno.ENOTDIR, path)


def _opened(path: Path, undo: ExitStack) -> int | None:
    """Return the descriptor of a regular file; None for what must not be opened."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        file = Path(os.path.realpath(path))  # a link may lead to where no file is yet
        descriptor = os.open(file, _FLAGS | os.O_EXCL, 0o666)
        undo.callback(_remove_file, file)
        return descriptor
    if stat.S_ISDIR(mode):
        raise _error(errno.EISDIR, path)
    if stat.S_ISSOCK(mode):
        raise _error(errno.ENXIO, path)  # no socket can be opened
    return os.open(path, _FLAGS, 0o666) if stat.S_ISREG(mode) else None


def _check_room(descriptor: int) -> None:
    try:
        system = os.fstatvfs(descriptor)
    except OSError:
        return
    # The last blocks of many file systems are kept for root.
    blocks = system.f_bavail if os.geteuid() else system.f_bfree
    if system.f_blocks and blocks * system.f_frsize < ROOM:
        raise OSError(errno.ENOSPC, f"{os.strerror(errno.ENOSPC)}, or less than {ROOM} bytes")


def _remove_folder(path: Path) -> None:
    with suppress(OSError):  # there is something in it by now
        path.rmdir()


def _remove_file(path: Path) -> None:
    with suppress(OSError):
        if path.stat().st_size == 0:  # otherwise it is another's by now
            path.unlink()


def _error(number: int, path: Path) -> OSError:
    return OSError(number, os.strerror(number), str(path))
