"""`spec.schema`: schemas reduced to the documented types."""

from __future__ import annotations

from typing import Any

import pytest

from spec.schema import documented_types

DEFINITIONS = {
    "id": {
        "x-4me-type": "id",
        "title": "ID",
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}],
    },
    "item": {"type": "object", "properties": {"id": {"allOf": [{"$ref": "#/definitions/id"}]}}},
    "empty": {"const": ""},
}
ID = {"type": "integer", "minimum": 1, "x-4me-type": "id", "title": "ID", "x-4me-clearable": False}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"type": "string", "maxLength": 5}, {"type": "string", "maxLength": 5}),
        ({"$ref": "#/definitions/id"}, ID),
        ({"allOf": [{"$ref": "#/definitions/id"}]}, ID),
        (
            {"allOf": [{"$ref": "#/definitions/id"}], "title": "Team", "maximum": 9},
            {**ID, "title": "Team", "maximum": 9},
        ),
        (
            {"anyOf": [{"$ref": "#/definitions/id"}, {"$ref": "#/definitions/empty"}]},
            {**ID, "x-4me-clearable": True},
        ),
        (
            {"anyOf": [{"enum": ["a"]}, {"type": "null"}]},
            {"enum": ["a"], "x-4me-clearable": False},
        ),
        (
            {"type": "array", "items": {"$ref": "#/definitions/item"}},
            {"type": "array", "items": {"type": "object", "properties": {"id": ID}}},
        ),
        (
            {"type": "object", "properties": {"a": {}}, "patternProperties": {"^a_id$": {}}},
            {"type": "object", "properties": {"a": {}}},
        ),
    ],
)
def test_reduction(entry: dict[str, Any], expected: dict[str, Any]) -> None:
    """The first alternative stays, with what the definition and the entry add to it."""
    document = {"properties": {"a": entry, "b": entry}, "definitions": DEFINITIONS}

    assert documented_types(document) == {"properties": {"a": expected, "b": expected}}
