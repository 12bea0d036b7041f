"""What is printed: no secrets, no control characters, no endless lines (contract section 6).

All talk goes through one handler on the root logger, which cleans the finished text, tracebacks
included; there is no way past it.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, TextIO

from fourme.settings import MAX_LINE_BYTES

if TYPE_CHECKING:
    from fourme.redaction import Redactor

CUT = " ... (cut)"


def harmless(text: str) -> str:
    """Return one line of text with control characters and the like written as escapes."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text.replace("\t", " ")
    )


def said(text: str) -> str:
    """Return a server's words as one harmless line to quote in a message.

    It is not cut here, but where secrets have been taken out of it: in `CleanHandler`.
    """
    return harmless(" ".join(text.split()))


def short_enough(line: str) -> str:
    """Return a line cut to what log readers can take, in bytes of UTF-8."""
    raw = line.encode("utf-8", "backslashreplace")
    if len(raw) <= MAX_LINE_BYTES:
        return raw.decode("utf-8")
    return raw[: MAX_LINE_BYTES - len(CUT)].decode("utf-8", "ignore") + CUT


class CleanHandler(logging.StreamHandler[TextIO]):
    """Writes log records to a stream, cleaned."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        super().__init__(stream)
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """Return the finished text of a record, traceback included, fit to be shown."""
        lines = self._redactor.hide(super().format(record)).split("\n")
        return "\n".join(short_enough(harmless(line)) for line in lines)


def start_logging(redactor: Redactor, stream: TextIO) -> None:
    """Send every logger's records, and Python's warnings, through one clean handler."""
    handler = CleanHandler(stream, redactor)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("step").setLevel(logging.INFO)
    logging.captureWarnings(capture=True)
    sys.excepthook = lambda kind, error, trace: root.critical(
        "Unexpected error", exc_info=(kind, error, trace)
    )


def log_more() -> None:
    """Turn on the step's debug lines: names, sizes, statuses and times, never contents."""
    logging.getLogger("step").setLevel(logging.DEBUG)
