"""How deep the lists and objects of a value are nested, told without nesting calls as deep."""

from __future__ import annotations


def too_deep(value: object, limit: int) -> bool:
    """Return whether lists and objects are nested within each other more than `limit` levels."""
    level = [value]
    for _ in range(limit):
        level = [
            member
            for item in level
            if isinstance(item, dict | list)
            for member in (item.values() if isinstance(item, dict) else item)
        ]
        if not level:
            return False
    return any(isinstance(item, dict | list) for item in level)
