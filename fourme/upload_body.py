"""The body of an upload: a multipart form, streamed from the file."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from requests_toolbelt.multipart.encoder import MultipartEncoder, MultipartEncoderMonitor

from process.errors import SpecError
from process.settings import PROGRESS_INTERVAL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fourme.files import File
    from process.clock import Clock

logger = logging.getLogger("step.uploads")

T = TypeVar("T")

_UNITS = ("bytes", "KiB", "MiB", "GiB")


def upload_form(
    file: File, content: BinaryIO, size: int, parameters: Mapping[str, str], clock: Clock
) -> MultipartEncoderMonitor:
    """Return the form that uploads the first `size` bytes of a file.

    The storages want Content-Type first, then the parameters as given, the file last.
    """
    form = MultipartEncoder(
        [
            ("Content-Type", file.content_type),
            *parameters.items(),
            ("file", (file.name, FilePortion(file, content, size), file.content_type)),
        ]
    )
    return MultipartEncoderMonitor(form, _Progress(describe(file, size), clock).log)


def describe(file: File, size: int) -> str:
    """Return what messages call an upload."""
    return f"{file.name} ({readable_size(size)})"


def readable_size(size: float) -> str:
    """Return a size as people write it, such as `1.5 MiB`."""
    step = min(max(int(size).bit_length() - 1, 0) // 10, len(_UNITS) - 1)
    return f"{size:.0f} bytes" if step == 0 else f"{size / 1024**step:.1f} {_UNITS[step]}"


class FilePortion:
    """Reads as many bytes of a file as were announced, and none of what is added meanwhile.

    Attributes:
        len: how many are left; requests_toolbelt goes by this.
    """

    def __init__(self, file: File, content: BinaryIO, size: int) -> None:
        self.len = size
        self._file = file
        self._content = content
        self._size = size

    def read(self, size: int) -> bytes:
        """Return the next bytes.

        Raises:
            SpecError: there are fewer than were announced, or they cannot be read.
        """
        wanted = self.len if size < 0 else min(size, self.len)
        chunk = read_file(self._file, lambda _: self._content.read(wanted))
        self.len -= len(chunk)
        if self.len and not chunk:
            raise SpecError(
                f"{self._file.place}: {self._file.name} has become shorter while it was uploaded: "
                f"only {self._size - self.len} of {self._size} bytes are left; the request was not "
                "updated.",
                cause="the file was truncated or rotated by whoever writes it",
                fix="Copy the file first, and attach the copy.",
            )
        return chunk


def read_file(file: File, read: Callable[[File], T]) -> T:
    """Return what reading a file yields; it may have gone since it was checked.

    Raises:
        SpecError: it cannot be read.
    """
    try:
        return read(file)
    except OSError as error:
        raise SpecError(
            f"{file.place} cannot be read any more: {error.strerror}; the request was not updated.",
            fix="Let nothing change the file while the step runs.",
        ) from error


class _Progress:
    """Logs every few seconds how far an upload is."""

    def __init__(self, what: str, clock: Clock) -> None:
        self._what = what
        self._clock = clock
        self._next = clock.monotonic() + PROGRESS_INTERVAL

    def log(self, monitor: MultipartEncoderMonitor) -> None:
        if self._clock.monotonic() < self._next:
            return
        self._next = self._clock.monotonic() + PROGRESS_INTERVAL
        percent = 100 * monitor.bytes_read // max(monitor.len, 1)
        logger.info("Uploading %s: %d %%.", self._what, percent)
