"""The input `only_if`: fields of a request, with the values that they may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spec.fast_path import is_valid_fast
from spec.problems import Problem
from spec.values import BLANKS, COERCIONS, has_zone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spec.schema import Field, SpecSchema
    from spec.values import JsonReader

_KINDS = frozenset({"boolean", "datetime", "duration", "enum", "integer", "reference", "string"})
_NAME_A_FIELD = "Name a field of `request` that has a single value."
_LEAVE_OUT = "A variable in the workflow was probably empty. Leave it out to set no condition."
_ZONE = "Give it a zone, such as Z or +01:00: without one it is in the zone of the token's user."


def coerce_conditions(value: object, schema: SpecSchema, reader: JsonReader) -> object:
    """Return `{field: [values]}` for `{field: value or values}`."""
    if not isinstance(value, dict):
        return value
    coerced: dict[str, list[Any]] = {}
    for name, item in value.items():
        field = schema.fields.get(name)
        parsed = reader.parse(item, f"only_if.{name}")
        values = parsed if isinstance(parsed, list) else [parsed]
        coerced[name] = [_coerced(field, item) for item in values]
    return coerced


def _coerced(field: Field | None, value: object) -> object:
    """Return a value of a condition as one of its field; a blank text is an empty one."""
    if isinstance(value, str) and not value.strip(BLANKS):
        return ""
    coercion = COERCIONS.get(field.kind) if field else None
    return coercion(value) if coercion else value


def condition_problems(conditions: object, schema: SpecSchema) -> Iterator[Problem]:
    """Yield what is wrong with coerced conditions, beyond the schema."""
    if not isinstance(conditions, dict):
        return
    if not conditions:
        yield Problem("only_if", "names no field", _LEAVE_OUT)
    for name, values in conditions.items():
        field = schema.fields.get(name)
        if field is None:
            yield _unknown_field(name, schema)
        else:
            yield from _field_problems(f"only_if.{name}", field, values)


def _unknown_field(name: str, schema: SpecSchema) -> Problem:
    from spec.unknown_names import suggestion  # noqa: PLC0415  slow, and rarely needed

    similar = suggestion(name, schema.fields).strip()
    return Problem(f"only_if.{name}", "is not a known field", similar or _NAME_A_FIELD)


def _field_problems(path: str, field: Field, values: list[Any]) -> Iterator[Problem]:
    if field.kind not in _KINDS or not field.idempotent or not field.comparable:
        yield Problem(path, "is not a field that can be compared", _NAME_A_FIELD)
        return
    if not values or None in values:
        yield Problem(path, "is null" if values else "has no value", _LEAVE_OUT)
        return
    for value in values:
        if value != "" or not field.clearable:
            yield from _value_problems(path, field, value)


def _value_problems(path: str, field: Field, value: object) -> Iterator[Problem]:
    if not is_valid_fast(value, field.schema):
        from spec.schema_errors import value_problem  # noqa: PLC0415  slow, and rarely needed

        yield value_problem(path, value, field.schema)
    elif field.kind == "datetime" and not has_zone(value):
        yield Problem(path, "has no time zone", _ZONE)
