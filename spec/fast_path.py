"""Whether a spec is certainly valid, so that jsonschema need not be imported.

Importing jsonschema costs more than a quarter of a run, and most specs are valid. This module knows
the few keywords that reduced schemas have (`spec.documented_types`). Whatever it does not know, or
does not find valid, is left to jsonschema (`spec.schema_errors`): it never rejects a spec, and
tests show that it never accepts what jsonschema rejects.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from spec.formats import FORMATS, MAX_BYTES, fits_bytes, is_integer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Schema = Mapping[str, Any]

_ANNOTATIONS = frozenset(
    {"$schema", "$id", "$comment", "title", "description", "default", "examples"}
    | {"readOnly", "writeOnly", "x-relay-connectionType"}
)
_TYPES: Mapping[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": is_integer,
}


def is_valid_fast(value: object, schema: Schema) -> bool:
    """Return whether a value is valid; False means: ask jsonschema.

    Args:
        value: a converted value.
        schema: the reduced schema that it is to satisfy.
    """
    kind = _TYPES.get(str(schema.get("type")))
    if kind is not None and not kind(value):
        return False
    return all(
        _is_fulfilled(keyword, limit, value, schema)
        for keyword, limit in schema.items()
        if keyword not in _ANNOTATIONS
    )


def _is_fulfilled(
    keyword: str,
    limit: Any,  # noqa: ANN401  any JSON value
    value: Any,  # noqa: ANN401  any JSON value
    schema: Schema,
) -> bool:
    if keyword in _SIMPLE:
        return _SIMPLE[keyword](value, limit)
    if keyword in _NESTED:
        return _NESTED[keyword](value, limit, schema)
    return keyword.startswith("x-4me-")


def _has_format(value: object, name: object) -> bool:
    check = FORMATS.get(str(name))
    try:
        return check is not None and check(value)
    except ValueError:
        return False


# Each has a type beside it in the schema, which has been checked before.
_SIMPLE: Mapping[str, Callable[[Any, Any], bool]] = {
    "type": lambda _, limit: str(limit) in _TYPES,
    "enum": lambda value, limit: isinstance(value, str) and value in limit,
    "minimum": lambda value, limit: value >= limit,
    "maximum": lambda value, limit: value <= limit,
    "minLength": lambda value, limit: len(value) >= limit,
    "maxLength": lambda value, limit: len(value) <= limit,
    "pattern": lambda value, limit: re.search(limit, value) is not None,
    "format": _has_format,
    "required": lambda value, limit: all(name in value for name in limit),
    MAX_BYTES: fits_bytes,
}


def _members(value: Any, limit: Schema, _: Schema) -> bool:  # noqa: ANN401  JSON
    return all(
        is_valid_fast(member, limit[name]) for name, member in value.items() if name in limit
    )


def _no_others(value: Any, limit: object, schema: Schema) -> bool:  # noqa: ANN401  JSON
    return limit is False and all(name in schema["properties"] for name in value)


def _items(value: Any, limit: Schema, _: Schema) -> bool:  # noqa: ANN401  JSON
    return all(is_valid_fast(item, limit) for item in value)


_NESTED: Mapping[str, Callable[[Any, Any, Schema], bool]] = {
    "properties": _members,
    "additionalProperties": _no_others,
    "items": _items,
}
