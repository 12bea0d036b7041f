"""Values of a request as text for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAMES = ("name", "subject", "label", "title")


def describe(value: object) -> str:
    """Return a value as text: a reference as `Unix Servers (13)`, blank as `(blank)`."""
    if value is None:
        return "(blank)"
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and "id" in value:
        names = [str(value[name]) for name in _NAMES if name in value]
        return f"{names[0]} ({value['id']})" if names else str(value["id"])
    return json.dumps(value, ensure_ascii=False)


def person_of(note: Mapping[str, object]) -> str:
    """Return the name of the person who wrote a note."""
    person = note.get("person")
    return str(person.get("name", "somebody")) if isinstance(person, dict) else "somebody"
