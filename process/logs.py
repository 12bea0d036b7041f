"""Logging and text output without secrets, control characters, or lines that are too long.

All records go through one handler on the root logger, which sanitizes the formatted text,
tracebacks included. docs/guarantees.md, section "Confidentiality", has what users may rely on.
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

TRUNCATION_MARKER = " ... (cut)"
_MAX_BLOCK_TIME = 1.0  # seconds until a full pipe is tried again


def escape_controls(text: str) -> str:
    """Return a line with tabs as blanks, and other characters that are not printable as escapes."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text.replace("\t", " ")
    )


def quote(text: str) -> str:
    """Return a server's text as one line without control characters, to quote in a message.

    `SanitizingHandler` truncates it, after redaction: a part of a secret would not be recognised.
    """
    return escape_controls(" ".join(text.split()))


def truncate_line(line: str) -> str:
    """Return a line of at most `MAX_LINE_BYTES` bytes of UTF-8; a cut one is marked."""
    raw = encode_utf8(line)
    if len(raw) <= MAX_LINE_BYTES:
        return raw.decode("utf-8")
    return (
        raw[: MAX_LINE_BYTES - len(TRUNCATION_MARKER)].decode("utf-8", "ignore") + TRUNCATION_MARKER
    )


def escape_workflow_commands(line: str) -> str:
    """Return a line without workflow commands of GitHub Actions: each gets a blank in it.

    A line that begins with `::`, after blanks, is a command to the runner, and so is `##[` anywhere
    in it. The runner compares with culture rules, which ignore some characters beyond ASCII.
    """
    if "::" not in line and "##" not in line and line.isascii():
        return line
    line = re.sub(r"^([^!-~]*:)(?=[^!-~]*:)", r"\1 ", line)
    return re.sub(r"(#[^ -~]*#)(?=[^ -~]*\[)", r"\1 ", line)


def escape_workflow_commands_in_json(text: str) -> str:
    """Return the same JSON without the workflow command `##[`; no line of JSON begins with `::`."""
    return re.sub(r"(#[^ -~]*#[^ -~]*)\[", r"\1\\u005b", text)


def sanitize_lines(text: str) -> str:
    """Return text whose lines are printable, not too long, and no workflow commands."""
    return "\n".join(
        truncate_line(escape_workflow_commands(escape_controls(line))) for line in text.split("\n")
    )


def encode_utf8(text: str) -> bytes:
    """Return text as UTF-8; lone surrogates, which JSON allows and UTF-8 does not, as escapes."""
    return text.encode("utf-8", "backslashreplace")


def write(stream: TextIO | None, text: str) -> None:
    """Write text to a standard stream as UTF-8, past Python's buffer and encoding.

    This is independent of the locale, leaves nothing to fail when the interpreter flushes at exit,
    and is safe in a signal handler. Do not mix it with the stream's own `write`.

    Args:
        stream: None if it was closed when the process began.
        text: the text to write.

    Raises:
        OSError: the stream is closed, or the text cannot be written.
    """
    if stream is None or stream.closed:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    try:
        descriptor = stream.fileno()
    except io.UnsupportedOperation:  # a stream in memory
        stream.write(text)
        return
    left = memoryview(encode_utf8(text))
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:  # a non-blocking pipe that is full
            import select  # noqa: PLC0415  hardly ever needed

            select.select([], [descriptor], [], _MAX_BLOCK_TIME)


def try_write(stream: TextIO | None, text: str) -> None:
    """Write text to a standard stream as `write` does, and ignore errors."""
    with suppress(OSError):
        write(stream, text)


class SanitizingHandler(logging.Handler):
    """Writes log records to a stream, redacted and sanitized."""

    def __init__(self, stream: TextIO | None, redactor: Redactor) -> None:
        super().__init__()
        self._stream = stream
        self._redactor = redactor

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; a stream that is closed, full or broken is ignored."""
        try:
            text = self.format(record)
        except Exception:  # noqa: BLE001  a wrong call of a logger must not end the run
            name = escape_controls(record.name)
            text = f"{record.levelname}: a message of {name} cannot be shown"
        try_write(self._stream, f"{text}\n")

    def format(self, record: logging.LogRecord) -> str:
        """Return the text of a record, traceback included, redacted and sanitized."""
        return sanitize_lines(self._redactor.redact(super().format(record)))


def configure_logging(redactor: Redactor, stream: TextIO | None) -> None:
    """Send all log records, warnings and uncaught exceptions through one `SanitizingHandler`."""
    handler = SanitizingHandler(stream, redactor)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("step").setLevel(logging.INFO)
    logging.getLogger("urllib3").setLevel(logging.ERROR)  # its warnings quote servers
    logging.captureWarnings(capture=True)
    sys.excepthook = lambda *exc_info: root.critical("Unexpected error", exc_info=exc_info)


def enable_debug_logging() -> None:
    """Log the step's debug records: names, sizes, statuses and times, never contents."""
    logging.getLogger("step").setLevel(logging.DEBUG)
