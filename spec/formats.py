"""Checks that draft-07 does not have, for jsonschema and for the fast path."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DATETIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2})(:[0-5][0-9])?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)


def is_integer(value: object) -> bool:
    """Return whether a value is an integer; floats have been converted where they are exact."""
    return isinstance(value, int) and not isinstance(value, bool)


def fits_bytes(value: object, limit: int) -> bool:
    """Return whether a text has at most `limit` bytes of UTF-8; other types have none."""
    return not isinstance(value, str) or len(value.encode("utf-8")) <= limit


def is_datetime(value: object) -> bool:
    """Return whether a text is a datetime on a real day; other types are not checked here.

    Raises:
        ValueError: it has the form of a datetime, but there is no such day or hour.
    """
    if not isinstance(value, str):
        return True
    match = _DATETIME.fullmatch(value)
    if match is None:
        return False
    datetime.fromisoformat(match[1])
    return True


MAX_BYTES = "x-4me-max-bytes"  # a keyword
FORMATS: Mapping[str, Callable[[object], bool]] = {
    "x-4me-datetime": is_datetime,
}
