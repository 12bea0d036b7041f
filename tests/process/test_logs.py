"""`process.logs`: records and output are redacted, printable and not too long."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import sys
import threading
import time
import warnings
from typing import TYPE_CHECKING

import pytest

from process.logs import (
    TRUNCATION_MARKER,
    SanitizingHandler,
    configure_logging,
    enable_debug_logging,
    escape_controls,
    escape_workflow_commands,
    escape_workflow_commands_in_json,
    quote,
    truncate_line,
    try_write,
    write,
)
from process.redaction import Redactor
from process.settings import MAX_LINE_BYTES
from tests.engines.github_rules import commands_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TOKEN = "geheim-token"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Configure logging to a stream in memory; afterwards everything is as before."""
    root, step = logging.getLogger(), logging.getLogger("step")
    before = (root.handlers[:], root.level, step.level, sys.excepthook)
    redactor = Redactor()
    redactor.add_secrets([TOKEN])
    stream = io.StringIO()
    configure_logging(redactor, stream)
    yield stream
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level, step.level, sys.excepthook = before
    root.setLevel(before[1])
    step.setLevel(before[2])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain text äöü 🖨", "plain text äöü 🖨"),
        ("a\tb", "a b"),
        ("a\tb\n", "a b\\n"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\r\nb", "a\\r\\nb"),
        ("a\x00b", "a\\x00b"),
        ("a\u2028b", "a\\u2028b"),
        ("a\u202eb", "a\\u202eb"),
        ("\ud800", "\\ud800"),
        ("", ""),
    ],
)
def test_escape_controls(text: str, expected: str) -> None:
    """Control characters and the like become escapes; other text stays."""
    assert escape_controls(text) == expected


def test_quote() -> None:
    """A server's text becomes one line, not truncated: that could leave a part of a secret."""
    assert quote(" a\n b\x07 ") == "a b\\x07"
    assert quote("x" * 100_000) == "x" * 100_000


@pytest.mark.parametrize("char", ["x", "ü", "🖨"])
def test_truncate_line(char: str) -> None:
    """A line that fits stays; a longer one is cut between characters, and marked."""
    fits = char * (MAX_LINE_BYTES // len(char.encode()))

    assert truncate_line(fits) == fits
    cut = truncate_line(fits + char)
    assert cut.endswith(char + TRUNCATION_MARKER)
    assert len(cut.encode()) <= MAX_LINE_BYTES


def test_levels(stream: io.StringIO) -> None:
    """The step logs INFO, and DEBUG where it is enabled; others log only warnings."""
    logging.getLogger("step.4me").info("one")
    logging.getLogger("step.4me").debug("two")
    logging.getLogger("urllib3").info("three")
    logging.getLogger("urllib3").warning("four: it quotes what servers say")
    logging.getLogger("py.warnings").warning("seven")
    enable_debug_logging()
    logging.getLogger("step.4me").debug("five")
    logging.getLogger("urllib3").debug("six")

    assert stream.getvalue() == "INFO: one\nWARNING: seven\nDEBUG: five\n"


def test_secrets_in_a_traceback(stream: io.StringIO) -> None:
    """A traceback is redacted like anything else."""
    try:
        int(f"{TOKEN}\u2028")
    except ValueError:
        logging.getLogger("step").exception("Failed with %s", TOKEN)

    text = stream.getvalue()
    assert TOKEN not in text
    assert "ValueError: invalid literal" in text
    assert "***" in text.splitlines()[-1]
    assert "Failed with ***" in text


def test_uncaught_exception(stream: io.StringIO) -> None:
    """An uncaught exception is redacted, too."""
    error = ValueError(TOKEN)

    sys.excepthook(ValueError, error, None)

    assert "CRITICAL: Unexpected error" in stream.getvalue()
    assert TOKEN not in stream.getvalue()


def test_warnings(stream: io.StringIO) -> None:
    """Python's warnings are redacted, too."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"about {TOKEN}", stacklevel=1)

    assert "about ***" in stream.getvalue()


def test_long_lines(stream: io.StringIO) -> None:
    """Each line is truncated by itself, after escaping."""
    logging.getLogger("step").info("%s\n%s", "\x00" * MAX_LINE_BYTES, "short")

    first, second = stream.getvalue().splitlines()
    assert len(first.encode()) <= MAX_LINE_BYTES
    assert second == "short"


def test_secret_at_the_end_of_a_line(stream: io.StringIO) -> None:
    """A secret is redacted before a line is truncated."""
    logging.getLogger("step").info(
        "%s", quote("x" * (MAX_LINE_BYTES - len(TRUNCATION_MARKER) - 12) + TOKEN)
    )

    assert TOKEN[:4] not in stream.getvalue()


COMMANDS = [
    ("::add-mask::y", ": :add-mask::y"),
    ("  ::error title=a::y", "  : :error title=a::y"),
    (":::x::", ": ::x::"),
    ("\u034f:\u034f:stop-commands::x", "\u034f: \u034f:stop-commands::x"),
    ("a ##[error]b ##[debug]c", "a ## [error]b ## [debug]c"),
    ("###[error]", "### [error]"),
    ("#\u034f#\u034f[error]x", "#\u034f# \u034f[error]x"),
    ("::a::##[b]c", ": :a::## [b]c"),
]


@pytest.mark.parametrize(("line", "expected"), COMMANDS)
def test_escape_workflow_commands(line: str, expected: str) -> None:
    """GitHub's runner finds no command in the escaped line."""
    assert commands_in(line)
    assert escape_workflow_commands(line) == expected
    assert commands_in(expected) == []


@pytest.mark.parametrize(
    "line", ["", "a::b", "Host::x", "a ::error::b", "## [x]", "# Title", "[a](#b)", "\u00e4 # ## :"]
)
def test_lines_without_workflow_commands(line: str) -> None:
    """Other lines stay."""
    assert commands_in(line) == []
    assert escape_workflow_commands(line) == line


@pytest.mark.parametrize("line", [command for command, _ in COMMANDS])
def test_workflow_commands_in_records(stream: io.StringIO, line: str) -> None:
    """No line of a record is a workflow command, tracebacks included."""
    logging.getLogger("step").error("%s\n%s", line, line)
    logging.getLogger("step").error("Failed", exc_info=ValueError(f"x\n{line}"))

    assert commands_in(stream.getvalue()) == []
    assert len(stream.getvalue().splitlines()) == 5


@pytest.mark.parametrize("text", [command for command, _ in COMMANDS])
def test_workflow_commands_in_json(text: str) -> None:
    """JSON keeps its value, and no line of it is a workflow command."""
    value = {text: [text, f"\\{text}", f'"{text}', f"#\n{text}"], "a": {"b": text}}
    for indent in (None, 2):
        written = escape_workflow_commands_in_json(
            json.dumps(value, ensure_ascii=False, indent=indent)
        )
        assert json.loads(written) == value
        assert commands_in(written) == []


def test_record_that_cannot_be_formatted() -> None:
    """A wrong call of a logger is logged without its arguments."""
    stream = io.StringIO()
    record = logging.LogRecord("urllib3", logging.WARNING, "", 1, "%d", (TOKEN,), None)

    SanitizingHandler(stream, Redactor()).handle(record)

    assert stream.getvalue() == "WARNING: a message of urllib3 cannot be shown\n"


def test_write_bypasses_buffer_and_encoding(tmp_path: Path) -> None:
    """Text is written at once and as UTF-8, whatever the stream's own encoding is."""
    path = tmp_path / "stream"
    with path.open("w", encoding="ascii") as stream:
        write(stream, "Gr\u00f6\u00dfe \U0001f5a8 \ud800\n")
        assert path.read_bytes() == "Gr\u00f6\u00dfe \U0001f5a8 \\ud800\n".encode()


def test_closed_stream(tmp_path: Path) -> None:
    """Writing to a closed or missing stream is an OSError, which `try_write` ignores."""
    with (tmp_path / "stream").open("w", encoding="utf-8") as stream:
        pass
    for closed in (stream, None):
        with pytest.raises(OSError, match="Bad file descriptor"):
            write(closed, "text")
        try_write(closed, "text")


def test_full_disk() -> None:
    """A failed write is an OSError, which `try_write` ignores."""
    with open("/dev/full", "w", encoding="utf-8") as stream:  # noqa: PTH123  a device
        with pytest.raises(OSError, match="No space left"):
            write(stream, "text")
        try_write(stream, "text")


def test_nonblocking_pipe() -> None:
    """All of a text is written to a non-blocking pipe that is full for a while."""
    text = "x" * 300_000
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    received = bytearray()

    def read() -> None:
        time.sleep(0.1)
        while piece := os.read(reading, 65_536):
            received.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    with open(writing, "w", encoding="utf-8") as stream:  # noqa: PTH123  a number
        write(stream, text)
    reader.join()
    os.close(reading)
    assert received.decode() == text


def test_logging_in_a_signal_handler() -> None:
    """A record from a signal handler is written, though it interrupts another write."""
    reading, writing = os.pipe()
    root = logging.getLogger()
    before = root.handlers[:]
    earlier = signal.signal(
        signal.SIGALRM, lambda *_: logging.getLogger("step").warning("interrupted")
    )
    received = bytearray()

    def read() -> None:
        time.sleep(0.2)  # by then the pipe is full, and the alarm is over
        while piece := os.read(reading, 65_536):
            received.extend(piece)

    reader = threading.Thread(target=read)
    with open(writing, "w", encoding="utf-8") as stream:  # noqa: PTH123  a number
        root.handlers[:] = []
        configure_logging(Redactor(), stream)
        reader.start()
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        for _ in range(40):
            logging.getLogger("step").warning("%s", "x" * 4_000)
    reader.join()
    os.close(reading)
    signal.signal(signal.SIGALRM, earlier)
    root.handlers[:] = before
    logging.captureWarnings(capture=False)
    assert received.count(b"x" * 100) > 40
    assert received.count(b"WARNING: interrupted\n") == 1
