"""A schema reduced to the documented types, which is what converted values have to satisfy.

A schema lists what may be written: of each `anyOf` the first alternative is the documented type,
the others are spellings that are converted to it. Keywords beside an `anyOf` or `allOf` hold in
addition. The reduced schema has neither alternatives nor references, so that it is validated fast,
and errors speak of the documented type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    Schema = Mapping[str, Any]

CLEARABLE = "x-4me-clearable"  # set here where `empty` is an alternative
_EMPTY = {"$ref": "#/definitions/empty"}
_SPELLINGS = frozenset({"anyOf", "allOf", "patternProperties", "definitions"})


def documented_types(document: Schema) -> Schema:
    """Return a schema reduced to the documented types."""
    return _Reduction(document.get("definitions", {})).reduced(document)


class _Reduction:
    """Reduces the parts of one schema; each definition once."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._reduced: dict[str, Schema] = {}

    def reduced(self, schema: Schema) -> Schema:
        if "$ref" in schema:
            return self._definition(schema["$ref"].removeprefix("#/definitions/"))
        result: dict[str, Any] = {}
        alternatives = schema.get("anyOf") or schema.get("allOf")
        if alternatives:
            result.update(self.reduced(alternatives[0]))
            result[CLEARABLE] = _EMPTY in alternatives
        result.update((name, value) for name, value in schema.items() if name not in _SPELLINGS)
        if "properties" in schema:
            members = schema["properties"].items()
            result["properties"] = {name: self.reduced(member) for name, member in members}
        if "items" in schema:
            result["items"] = self.reduced(schema["items"])
        return result

    def _definition(self, name: str) -> Schema:
        if name not in self._reduced:
            self._reduced[name] = self.reduced(self._definitions[name])
        return self._reduced[name]
