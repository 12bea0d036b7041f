"""Single values as engines deliver them, to their documented types.

A value that cannot be converted stays as it is, and is reported when the spec is validated.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BLANKS = " \t\r\n\f\v"
_TRUE = frozenset({"true", "1", "t", "y", "yes", "on"})
_FALSE = frozenset({"false", "0", "f", "n", "no", "off"})
_HOURS_AND_MINUTES = re.compile(r"([0-9]{1,6}):([0-5][0-9])")
_MAX_DIGITS = 19  # of a 64-bit id
_MAX_EXACT_FLOAT = 2**53  # from there on a float may stand for another number that was written


def coerce_boolean(value: object) -> object:
    """Return the boolean that a value stands for, or the value itself."""
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    word = value.strip(BLANKS).lower() if isinstance(value, str) else ""
    if word in _TRUE:
        return True
    return False if word in _FALSE else value


def coerce_integer(value: object) -> object:
    """Return the integer that a number or ASCII digits stand for, or the value itself."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _MAX_EXACT_FLOAT:
        return int(value)
    if not isinstance(value, str):
        return value
    digits = value.strip(BLANKS)
    if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS:
        return int(digits)
    return value


def coerce_reference(value: object) -> object:
    """Return the id that a number, digits, or an object with an `id` stand for."""
    return coerce_integer(value["id"] if isinstance(value, dict) and "id" in value else value)


def coerce_duration(value: object) -> object:
    """Return the minutes that a number or `h:mm` stand for, or the value itself."""
    match = _HOURS_AND_MINUTES.fullmatch(value.strip(BLANKS)) if isinstance(value, str) else None
    return coerce_integer(value) if match is None else int(match[1]) * 60 + int(match[2])


def coerce_text(value: object) -> object:
    """Return the text of a number, or the value itself.

    A number without a fraction is written without one: Relay's arithmetic always makes floats.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    exact = coerce_integer(value)
    if isinstance(exact, float) and exact.is_integer():
        return value  # nobody knows which number was written; it has to come as text
    return json.dumps(exact)


def coerce_trimmed_text(value: object) -> object:
    """Return the text of a value without the blanks around it, or the value itself."""
    text = coerce_text(value)
    return text.strip(BLANKS) if isinstance(text, str) else text


def coerce_media_type(value: object) -> object:
    """Return a media type without the blanks around it, or the value itself."""
    return value.strip(BLANKS) if isinstance(value, str) else value


def coerce_texts(value: object) -> object:
    """Return a list with the texts of its numbers, or the value itself."""
    return [coerce_text(item) for item in value] if isinstance(value, list) else value


COERCIONS: Mapping[str, Callable[[object], object]] = {
    "id": coerce_integer,
    "boolean": coerce_boolean,
    "integer": coerce_integer,
    "duration": coerce_duration,
    "reference": coerce_reference,
    "enum": coerce_text,
    "string": coerce_text,
    "text": coerce_text,
    "media_type": coerce_media_type,
    "datetime": coerce_text,
    "strings": coerce_texts,
}
