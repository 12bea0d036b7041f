"""Whether a spec is certainly valid, so that jsonschema need not be imported.

Importing jsonschema costs more than a quarter of a run, and most specs are valid. This module knows
only the keywords of reduced schemas (`spec.schema.documented_types`); whatever it does not know, or
does not find valid, is left to jsonschema (`spec.schema_errors`). It never accepts what jsonschema
rejects. The checks that draft-07 does not have are here too; both use them.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from spec.schema import SpecSchema

    Schema = Mapping[str, Any]

DATETIME_FORMAT = "x-4me-datetime"
ONE_OF = "x-4me-one-of"
MAX_BYTES = "x-4me-max-bytes"
_DATETIME = (
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2})(:[0-5][0-9])?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_ANNOTATIONS = frozenset(
    {"$schema", "$id", "$comment", "title", "description", "default", "examples"}
    | {"readOnly", "writeOnly", "x-relay-connectionType"}
)


def is_valid_spec_fast(spec: Mapping[str, Any], schema: SpecSchema) -> bool:
    """Return whether a coerced spec is valid; False means: ask jsonschema."""
    return is_valid_fast(spec, schema.document) and not any(wrong_alternatives(spec, schema))


def wrong_alternatives(
    spec: Mapping[str, Any], schema: SpecSchema
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the path of each input that is not given exactly once, and what may stand in for it.

    Inputs of a `request` that is not there, or is no object, are left out.
    """
    for path, other in schema.alternatives.items():
        parent = spec.get(path[0]) if path[1:] else spec
        if isinstance(parent, dict) and (path[-1] in parent) is (other in spec):
            yield path, other


def is_valid_fast(value: object, schema: Schema) -> bool:
    """Return whether a coerced value satisfies a reduced schema; False means: ask jsonschema."""
    has_type = _TYPES.get(str(schema.get("type")))
    if has_type is not None and not has_type(value):
        return False
    return all(
        _is_satisfied(keyword, value, limit, schema)
        for keyword, limit in schema.items()
        if keyword not in _ANNOTATIONS
    )


def is_integer(value: object) -> bool:
    """Return whether a value is an integer; exact floats have been converted before."""
    return isinstance(value, int) and not isinstance(value, bool)


def fits_bytes(value: object, limit: int) -> bool:
    """Return whether a text has at most `limit` bytes of UTF-8; True for other types."""
    return not isinstance(value, str) or len(value.encode("utf-8")) <= limit


def has_one_of(names: Collection[str], groups: Sequence[Sequence[str]]) -> bool:
    """Return whether the names include one of these groups, whole, and nothing of the others."""
    given = [group for group in groups if any(name in names for name in group)]
    return len(given) == 1 and all(name in names for name in given[0])


def is_datetime(value: object) -> bool:
    """Return whether a text is a datetime on a real day; True for other types.

    Raises:
        ValueError: it has the form of a datetime, but there is no such day or hour.
    """
    if not isinstance(value, str):
        return True
    match = re.fullmatch(_DATETIME, value)
    if match is None:
        return False
    datetime.fromisoformat(match[1])
    return True


def _is_satisfied(keyword: str, value: object, limit: object, schema: Schema) -> bool:
    check = _KEYWORDS.get(keyword)
    return keyword.startswith("x-4me-") if check is None else check(value, limit, schema)


def _has_format(value: object, name: object, _: Schema) -> bool:
    try:
        return name == DATETIME_FORMAT and is_datetime(value)
    except ValueError:
        return False


def _has_valid_members(value: Mapping[str, object], members: Schema, _: Schema) -> bool:
    return all(
        is_valid_fast(item, members[name]) for name, item in value.items() if name in members
    )


_TYPES: Mapping[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": is_integer,
}
# Each has a type beside it in the schema, which has been checked before.
_KEYWORDS: Mapping[str, Callable[[Any, Any, Schema], bool]] = {
    "type": lambda _, limit, __: str(limit) in _TYPES,
    "enum": lambda value, limit, _: isinstance(value, str) and value in limit,
    "minimum": lambda value, limit, _: value >= limit,
    "maximum": lambda value, limit, _: value <= limit,
    "minLength": lambda value, limit, _: len(value) >= limit,
    "maxLength": lambda value, limit, _: len(value) <= limit,
    "pattern": lambda value, limit, _: re.search(limit, value) is not None,
    "format": _has_format,
    "required": lambda value, limit, _: all(name in value for name in limit),
    MAX_BYTES: lambda value, limit, _: fits_bytes(value, limit),
    ONE_OF: lambda value, limit, _: has_one_of(value, limit),
    "properties": _has_valid_members,
    "additionalProperties": lambda value, limit, schema: (
        limit is False and value.keys() <= schema["properties"].keys()
    ),
    "items": lambda value, limit, _: all(is_valid_fast(item, limit) for item in value),
}
