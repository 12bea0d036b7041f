"""`process.private_texts`: quotations of private texts are redacted."""

from __future__ import annotations

import html
import json
import random
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from process.private_texts import PrivateTexts
from process.redaction import MASK

if TYPE_CHECKING:
    from collections.abc import Callable

NOTE = (
    'Gr\u00f6\u00dfe of "two" & <three>: the password of C:\\new\\table is hunter2abc,\n'
    "  50% done; \u4f60\u597d\u4e16\u754c\u4f60\u597d\u4e16\u754c \U0001d7d8\U0001d7d9, the end"
)
LINE = " ".join(NOTE.split())


def unchanged(text: str) -> str:
    """Return a text unchanged."""
    return text


def as_bytes(text: str) -> str:
    """Return the repr of a text's bytes."""
    return repr(text.encode())


def as_html(text: str) -> str:
    """Return a text as HTML."""
    return html.escape(text).replace("\n", "<br />\n")


def as_character_references(text: str) -> str:
    """Return a text with all but ASCII as numeric character references."""
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


ESCAPES: list[Callable[[str], str]] = [
    unchanged,
    json.dumps,
    repr,
    as_bytes,
    as_html,
    as_character_references,
    quote,
    str.upper,
]


@pytest.mark.parametrize("text", [NOTE, LINE], ids=["note", "line"])
@pytest.mark.parametrize("then", [escape for escape in ESCAPES if escape is not str.upper])
@pytest.mark.parametrize("escape", ESCAPES)
def test_escaped_note(escape: Callable[[str], str], then: Callable[[str], str], text: str) -> None:
    """A note is redacted whole, escaped once or twice, on one line or several; nothing else is."""
    escaped = then(escape(text))

    found = PrivateTexts([NOTE]).redact_quotes(f"can't have ({escaped}), nor be blank")

    assert found.startswith("can't have (")
    assert found.endswith("), nor be blank")
    rest = found.removeprefix("can't have (").removesuffix("), nor be blank").replace(MASK, "")
    assert len(rest) <= len("b'&#x27;&#x27;'") * 3
    assert MASK in found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the password of C: is short", "***: is short"),
        ("sword of C new tab", "***"),
        ("of C new tab", "of C new tab"),
        ("hunter2abc", "***"),
        ("a HUNTER2ABC is one", "a *** is one"),
        ("'hunter-2-abc'", "'***'"),
        ("password is too short", "password is too short"),
        ("can't be blank", "can't be blank"),
        ("three, two", "three, two"),
        ("\u4e16\u754c\u4f60\u597d\u4e16\u754c is odd", "*** is odd"),
        ("", ""),
    ],
)
def test_parts(text: str, expected: str) -> None:
    """12 letters or digits in a row are a quotation, and so is a word of both; less is none."""
    assert PrivateTexts([NOTE]).redact_quotes(text) == expected


@pytest.mark.parametrize(
    ("note", "text", "expected"),
    [
        ("Done.", "can't be 'done'", "can't be '***'"),
        ("Done.", "abandoned, undone, done2, \\nDone\\n", "abandoned, undone, done2, \\n***\\n"),
        ("Do it", "do-it, doit; redo it", "***, ***; redo it"),
        ("it", "it is", "it is"),
        ("!?", "!?", "!?"),
        ("100%25", "100%25, 100%", "***, 100%"),
        ("C:\\new ones", "C:\\new ones, C:/new ones", "***, ***"),
        ("de\u0301ja\u0300 vu", "d\u00e9j\u00e0 vu", "***"),
    ],
)
def test_short_texts(note: str, text: str, expected: str) -> None:
    """A short text is redacted as a whole word; one below 4 letters and digits is not."""
    assert PrivateTexts([note]).redact_quotes(text) == expected


def test_adjacent_quotations() -> None:
    """Overlapping quotations get one mask; text between two stays."""
    private = PrivateTexts(["one two three four", "five six seven"])

    assert private.redact_quotes("one two three, two three four") == f"one two thre{MASK}"
    assert private.redact_quotes("one two three four five six seven") == f"{MASK} {MASK}"
    assert private.redact_quotes("one two three four, one two three") == f"{MASK}, one two three"
    assert (
        private.redact_quotes("one two three four, then five six seven") == f"{MASK}, then {MASK}"
    )


def test_without_private_texts() -> None:
    """Without private texts a line stays."""
    assert PrivateTexts([]).redact_quotes(LINE) == LINE


@given(
    st.text(min_size=1),
    st.text(),
    st.sampled_from(ESCAPES[:3]),
    st.integers(0, 60),
)
def test_any_quotation(note: str, text: str, escape: Callable[[str], str], cut: int) -> None:
    """No text and no part of one makes it fail; the rest of the line keeps its order."""
    found = PrivateTexts([note]).redact_quotes(text + escape(note)[:cut])

    position = 0
    whole = text + escape(note)[:cut]
    for piece in found.split(MASK):
        position = whole.index(piece, position) + len(piece)


@pytest.mark.parametrize(
    "line",
    [
        "\\" * 16_384,
        "\\\\x" * 5_461,
        "%25" * 5_461,
        "%C3" * 5_461,
        "&" * 16_384,
        "&amp;" * 3_276,
        "a" * 16_384,
        "ab12cd " * 2_340,
        "<p" + " " * 16_382,
        "\u4f60" * 16_384,
    ],
    ids=lambda line: line[:3],
)
def test_worst_case_time(line: str) -> None:
    """The largest notes and lines made for them are searched in linear time."""
    generator = random.Random(1)
    notes = [
        (line * 64)[: 64 * 1024],
        "".join(generator.choice("abc123 \\%&\u00e9<") for _ in range(64 * 1024)),
        " ".join(f"w{number}x{number}" for number in range(6_000)),
    ]
    for note in notes:
        started = time.process_time()
        PrivateTexts([note]).redact_quotes(line)
        assert time.process_time() - started < 2  # of tenths on a slow machine
