"""Files to upload, and files that 4me's storage holds."""

from __future__ import annotations

import io
import os
from typing import BinaryIO, NamedTuple


class File(NamedTuple):
    """A file to upload.

    Attributes:
        field: the attachments field that names it.
        position: its place in that field, from 0.
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
        """Return the size in bytes.

        Raises:
            OSError: the file has gone.
        """
        return os.stat(self.path).st_size if self.content is None else len(self.content)  # noqa: PTH116  pathlib costs start-up time

    def open(self) -> BinaryIO:
        """Open it for reading.

        Raises:
            OSError: the file has gone, or may not be read any more.
        """
        return open(self.path, "rb") if self.content is None else io.BytesIO(self.content)  # noqa: PTH123  the caller closes it


class UploadedFile(NamedTuple):
    """A file that 4me's storage holds."""

    key: str
    size: int
