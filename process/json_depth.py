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
    """Return whether a value has members inside more than `limit` nested lists and objects."""
    level = [value]
    for _ in range(limit + 1):
        level = [inner for outer in level for _, inner in _members(outer)]
        if not level:
            return False
    return True


def path_beyond_depth(value: object) -> str | None:
    """Return the path of a member that is too deep, as in `request.a.b[0]`; None without one."""
    if not exceeds_depth(value):
        return None
    path = ""
    for level in range(1, NAMED_LEVELS + 1):
        name, value = next(
            member for member in _members(value) if exceeds_depth(member[1], MAX_DEPTH - level)
        )
        path += f"[{name}]" if isinstance(name, int) else f".{name}"
    return path.removeprefix(".")


def _members(value: object) -> Iterable[tuple[object, object]]:
    """Return names and values of an object, indexes and items of a list, nothing of others."""
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()
