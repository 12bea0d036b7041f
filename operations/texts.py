"""Texts as servers may change them: the forms in which they are compared."""

from __future__ import annotations

import html
import unicodedata

_MAX_COMBINING = 100  # accents on one letter; composing more takes long


def normalize_text(text: str) -> str:
    """Return a text without what a server may change in it that nobody can see.

    Those are blanks around it, the form of line ends, and the composition of accents (NFC).
    """
    return compose(text.replace("\r\n", "\n").replace("\r", "\n").strip())


def fold_text(text: str) -> str:
    """Return a text without white space, letter case and HTML escapes that make a difference."""
    return " ".join(unescape(normalize_text(text)).split()).casefold()


def unescape(text: str) -> str:
    """Return a text without HTML escapes; as it is where one is too long to be read."""
    try:
        return html.unescape(text)
    except ValueError:  # a reference of thousands of digits
        return text


def compose(text: str) -> str:
    """Return a text with its accents composed, unless one letter has so many that it takes long."""
    count = 0
    for char in "" if text.isascii() else text:
        count = count + 1 if unicodedata.combining(char) else 0
        if count > _MAX_COMBINING:
            return text
    return unicodedata.normalize("NFC", text)
