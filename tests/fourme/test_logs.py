"""`fourme.logs`: what is printed is redacted, printable and short enough."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from typing import TYPE_CHECKING

import pytest

from fourme.logs import CUT, harmless, log_more, said, short_enough, start_logging
from fourme.redaction import Redactor
from fourme.settings import MAX_LINE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "geheim-token"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Start logging into a text; afterwards everything is as before."""
    root, step = logging.getLogger(), logging.getLogger("step")
    before = (root.handlers[:], root.level, step.level, sys.excepthook)
    redactor = Redactor()
    redactor.learn([TOKEN])
    stream = io.StringIO()
    start_logging(redactor, stream)
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
def test_harmless(text: str, expected: str) -> None:
    """Control characters and the like become escapes; other text stays."""
    assert harmless(text) == expected


def test_said() -> None:
    """A server's words become one line, not cut: a cut could leave the beginning of a secret."""
    assert said(" a\n b\x07 ") == "a b\\x07"
    assert said("x" * 100_000) == "x" * 100_000


@pytest.mark.parametrize("char", ["x", "ü", "🖨"])
def test_short_enough(char: str) -> None:
    """A line that fits stays; a longer one is cut between characters, and says so."""
    fits = char * (MAX_LINE_BYTES // len(char.encode()))

    assert short_enough(fits) == fits
    cut = short_enough(fits + char)
    assert cut.endswith(char + CUT)
    assert len(cut.encode()) <= MAX_LINE_BYTES


def test_levels(stream: io.StringIO) -> None:
    """The step's own information is shown, its debug lines once asked for, others' never."""
    logging.getLogger("step.4me").info("one")
    logging.getLogger("step.4me").debug("two")
    logging.getLogger("urllib3").info("three")
    logging.getLogger("urllib3").warning("four")
    log_more()
    logging.getLogger("step.4me").debug("five")
    logging.getLogger("urllib3").debug("six")

    assert stream.getvalue() == "INFO: one\nWARNING: four\nDEBUG: five\n"


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
    """An exception that nobody catches goes through the same cleaning."""
    error = ValueError(TOKEN)

    sys.excepthook(ValueError, error, None)

    assert "CRITICAL: Unexpected error" in stream.getvalue()
    assert TOKEN not in stream.getvalue()


def test_warnings(stream: io.StringIO) -> None:
    """Python's warnings go through the same cleaning."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"about {TOKEN}", stacklevel=1)

    assert "about ***" in stream.getvalue()


def test_long_lines(stream: io.StringIO) -> None:
    """Each line is cut by itself, escapes included."""
    logging.getLogger("step").info("%s\n%s", "\x00" * MAX_LINE_BYTES, "short")

    first, second = stream.getvalue().splitlines()
    assert len(first.encode()) <= MAX_LINE_BYTES
    assert second == "short"


def test_secret_at_the_end_of_a_line(stream: io.StringIO) -> None:
    """A secret is taken out before a line is cut."""
    logging.getLogger("step").info("%s", said("x" * (MAX_LINE_BYTES - len(CUT) - 12) + TOKEN))

    assert TOKEN[:4] not in stream.getvalue()
