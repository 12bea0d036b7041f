"""Files to upload, read while the programs that write them may still run."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TypeVar

from process.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

_UNITS = ("bytes", "KiB", "MiB", "GiB")


class File(NamedTuple):
    """A file to upload; to read it raises SpecError if it has become unreadable.

    Attributes:
        field: the attachments field that names it.
        position: its index in that field.
        name: the file's name in 4me.
        content_type: its media type.
        content: its content; None when it is read from `path`.
        path: where it is in the container; empty when its content is given.
    """

    field: str
    position: int
    name: str
    content_type: str
    content: bytes | None = None
    path: str = ""

    @property
    def place(self) -> str:
        """Where the spec names it."""
        return f"request.{self.field}[{self.position}]"

    def size_now(self) -> int:
        """Return the size in bytes."""
        if self.content is not None:
            return len(self.content)
        return self.read(lambda: os.stat(self.path).st_size)  # noqa: PTH116  pathlib costs start-up time

    def open(self) -> BinaryIO:
        """Open it for reading."""
        if self.content is not None:
            return io.BytesIO(self.content)
        return self.read(lambda: open(self.path, "rb"))  # noqa: PTH123  the caller closes it

    def read(self, read: Callable[[], T]) -> T:
        """Return what `read` returns; an OSError becomes a SpecError."""
        try:
            return read()
        except OSError as error:
            raise SpecError(
                f"{self.place} cannot be read any more: {error.strerror}; the request was not "
                "updated.",
                fix="Let nothing change the file while the step runs.",
            ) from error


class UploadedFile(NamedTuple):
    """A file that 4me's storage holds."""

    key: str
    size: int


class FilePortion:
    """The first `size` bytes of a file, as a stream: what is appended later is not read.

    Attributes:
        len: how many bytes are left; requests_toolbelt reads this.
    """

    def __init__(self, file: File, content: BinaryIO, size: int) -> None:
        self.len = size
        self._file = file
        self._content = content
        self._size = size

    def read(self, size: int) -> bytes:
        """Return the next bytes; a file that has become shorter is a SpecError."""
        wanted = self.len if size < 0 else min(size, self.len)
        chunk = self._file.read(lambda: self._content.read(wanted))
        self.len -= len(chunk)
        if self.len and not chunk:
            raise SpecError(
                f"{self._file.place}: {self._file.name} has become shorter while it was uploaded: "
                f"only {self._size - self.len} of {self._size} bytes are left; the request was not "
                "updated.",
                cause="the file was truncated or rotated by the program that writes it",
                fix="Copy the file first, and attach the copy.",
            )
        return chunk


def describe(file: File, size: int) -> str:
    """Return a file's name and size for messages, such as `a.log (1.5 MiB)`."""
    power = min(max(size.bit_length() - 1, 0) // 10, len(_UNITS) - 1)
    amount = f"{size} bytes" if power == 0 else f"{size / 1024**power:.1f} {_UNITS[power]}"
    return f"{file.name} ({amount})"
