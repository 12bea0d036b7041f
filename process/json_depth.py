"""How deep values are nested.

Python's own limits differ from version to version, and end in a RecursionError wherever a value
happens to be walked; so this walks without recursion, and is asked first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DEPTH = 100  # levels; far beyond any spec and any answer, far below what Python can walk
NAMED_LEVELS = 4  # levels of a place that a message names


def exceeds_depth(value: object, limit: int = MAX_DEPTH) -> bool:
    """Return whether a value has members more than `limit` lists and objects below it."""
    level = [value]
    for _ in range(limit + 1):
        level = [inner for outer in level for _, inner in _members(outer)]
        if not level:
            return False
    return True


def path_beyond_depth(value: object, limit: int = MAX_DEPTH) -> str | None:
    """Return where a value is too deep, as in `request.custom_fields[0]`; None where it is not.

    Args:
        value: any JSON value.
        limit: the deepest that is allowed, at least 4.
    """
    if not exceeds_depth(value, limit):
        return None
    place = ""
    for left in range(limit - 1, limit - 1 - NAMED_LEVELS, -1):
        name, value = next(
            (name, inner) for name, inner in _members(value) if exceeds_depth(inner, left)
        )
        place += f"[{name}]" if isinstance(name, int) else f".{name}"
    return place.removeprefix(".")


def _members(value: object) -> Iterable[tuple[object, object]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()
