"""What is printed: no secrets, no control characters, no endless lines (contract section 10).

All talk goes through one handler on the root logger, which cleans the finished text, tracebacks
included; there is no way past it.
"""

from __future__ import annotations

import errno
import io
import logging
import os
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

from process.settings import MAX_LINE_BYTES

if TYPE_CHECKING:
    from process.redaction import Redactor

CUT = " ... (cut)"
_MAX_BLOCK_TIME = 1.0  # seconds until a full pipe is tried again


def escape_controls(text: str) -> str:
    """Return one line of text with control characters and the like written as escapes."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text.replace("\t", " ")
    )


def quote(text: str) -> str:
    """Return a server's words as one line, without control characters, to quote in a message.

    It is not cut here, but where secrets have been taken out of it: in `SanitizingHandler`.
    """
    return escape_controls(" ".join(text.split()))


def truncate_line(line: str) -> str:
    """Return a line cut to what log readers can take, in bytes of UTF-8."""
    raw = encode_utf8(line)
    if len(raw) <= MAX_LINE_BYTES:
        return raw.decode("utf-8")
    return raw[: MAX_LINE_BYTES - len(CUT)].decode("utf-8", "ignore") + CUT


def escape_workflow_commands(line: str) -> str:
    """Return a line that GitHub's runner takes for text, whatever it looks like.

    A line that begins with `::`, after blanks, is a command to the runner, and so is `##[` anywhere
    in it. As it compares by the rules of a language, letters beyond ASCII may count for nothing.
    """
    if "::" not in line and "##" not in line and line.isascii():
        return line
    line = re.sub(r"^([^!-~]*:)(?=[^!-~]*:)", r"\1 ", line)
    return re.sub(r"(#[^ -~]*#)(?=[^ -~]*\[)", r"\1 ", line)


def escape_workflow_commands_in_json(text: str) -> str:
    """Return the same JSON without `##[`, which is a command; no line of JSON begins with `::`."""
    return re.sub(r"(#[^ -~]*#[^ -~]*)\[", r"\1\\u005b", text)


def encode_utf8(text: str) -> bytes:
    """Return text as UTF-8; half a character, which JSON can say and UTF-8 cannot, as JSON does."""
    return text.encode("utf-8", "backslashreplace")


def write(stream: TextIO | None, text: str) -> None:
    """Write a text to a standard stream, all of it, past Python's buffers and its encoding.

    So it does not depend on the locale, what cannot be written changes no exit code later on, and
    a signal handler may write while something else does. Whoever writes to a stream like this
    leaves nothing in its buffer, so nothing can overtake.

    Args:
        stream: the stream; None when it was closed as the process began: its number may mean
            another file by now.
        text: what to write; as UTF-8.

    Raises:
        OSError: it cannot be written.
    """
    if stream is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    try:
        number = stream.fileno()
    except io.UnsupportedOperation:  # it is no file, but a text in memory
        stream.write(text)
        return
    except ValueError:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF)) from None
    left = memoryview(encode_utf8(text))
    while left:
        try:
            left = left[os.write(number, left) :]
        except BlockingIOError:  # a pipe that somebody has set to return at once
            import select  # noqa: PLC0415  hardly ever needed

            select.select([], [number], [], _MAX_BLOCK_TIME)


def try_write(stream: TextIO | None, text: str) -> None:
    """Write a text to a standard stream; what cannot be written is lost, and nothing else is."""
    with suppress(OSError):
        write(stream, text)


class SanitizingHandler(logging.Handler):
    """Writes log records to a stream, cleaned."""

    def __init__(self, stream: TextIO | None, redactor: Redactor) -> None:
        super().__init__()
        self._stream = stream
        self._redactor = redactor

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; a stream that is closed, full or broken does not end the run."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001  a log line must not end the run, whoever wrote it
            text = (
                f"{record.levelname}: a message of {escape_controls(record.name)} cannot be shown"
            )
        try_write(self._stream, f"{text}\n")

    def format(self, record: logging.LogRecord) -> str:
        """Return the finished text of a record, traceback included, fit to be shown."""
        lines = self._redactor.redact(super().format(record)).split("\n")
        return "\n".join(
            truncate_line(escape_workflow_commands(escape_controls(line))) for line in lines
        )


def configure_logging(redactor: Redactor, stream: TextIO | None) -> None:
    """Send every logger's records, and Python's warnings, through one clean handler.

    Args:
        redactor: knows what must not be shown.
        stream: where they go; None when there is no such place.
    """
    handler = SanitizingHandler(stream, redactor)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("step").setLevel(logging.INFO)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings quote what servers say
    logging.captureWarnings(capture=True)
    sys.excepthook = lambda kind, error, trace_id: root.critical(
        "Unexpected error", exc_info=(kind, error, trace_id)
    )


def enable_debug_logging() -> None:
    """Turn on the step's debug lines: names, sizes, statuses and times, never contents."""
    logging.getLogger("step").setLevel(logging.DEBUG)
