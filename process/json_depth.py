"""Limits how deep JSON values are nested.

Python's recursion limit differs between versions and raises RecursionError wherever a value happens
to be walked. This walks without recursion, before any other code does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_DEPTH = 100  # levels; far more than any spec or response has, far fewer than Python can walk
NAMED_LEVELS = 4  # levels of a path that a message names


def exceeds_depth(value: object, limit: int = MAX_DEPTH) -> bool:
    """Return whether a value has members below more than `limit` lists and objects."""
    level = [value]
    for _ in range(limit + 1):
        level = [inner for outer in level for _, inner in _members(outer)]
        if not level:
            return False
    return True


def path_beyond_depth(value: object, limit: int = MAX_DEPTH) -> str | None:
    """Return the path of a value that is too deep, as in `request.custom_fields[0]`; None if none.

    Args:
        value: any JSON value.
        limit: the largest depth that is allowed, at least `NAMED_LEVELS`, which the path has.
    """
    if not exceeds_depth(value, limit):
        return None
    path = ""
    for left in range(limit - 1, limit - 1 - NAMED_LEVELS, -1):
        name, value = next(
            (name, inner) for name, inner in _members(value) if exceeds_depth(inner, left)
        )
        path += f"[{name}]" if isinstance(name, int) else f".{name}"
    return path.removeprefix(".")


def _members(value: object) -> Iterable[tuple[object, object]]:
    """Return names and values of an object, indexes and items of a list, nothing of others."""
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()
