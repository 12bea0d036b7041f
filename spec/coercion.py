"""A whole spec as engines deliver it, coerced to its documented types.

Only what a type cannot express is a problem here; `spec.schema_errors` reports the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from spec.values import (
    COERCIONS,
    JsonReader,
    coerce_text,
    coerce_trimmed_text,
    split_request_id,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spec.problems import Problem
    from spec.schema import Field, SpecSchema

_JSON_KINDS = frozenset(
    {"attachments", "conditions", "connection", "custom_fields", "object", "reference", "request"}
    | {"strings"}
)


class CoercedSpec(NamedTuple):
    """A spec with its values coerced, not yet validated.

    Attributes:
        spec: its inputs by the schema's names, without nulls, cleared fields, read-only fields and
            what JSON cannot represent.
        cleared: the fields that an empty string clears.
        ignored: the read-only fields that were given.
        aliases_used: the spec's name of a field, by the schema's name, where they differ.
        page_hosts: the hosts of the pages that were given as the address of a request, by path.
        problems: what only coercion can detect.
    """

    spec: Mapping[str, Any]
    cleared: Sequence[str]
    ignored: Sequence[str]
    aliases_used: Mapping[str, str]
    page_hosts: Mapping[str, str]
    problems: Sequence[Problem]


def coerce(raw: object, schema: SpecSchema) -> CoercedSpec:
    """Coerce a spec: JSON values, and bytes, which the Relay SDK decodes from base64."""
    return _Coercion(schema).coerce(raw)


class _Coercion:
    """The coercion of one spec."""

    def __init__(self, schema: SpecSchema) -> None:
        self._schema = schema
        self._json = JsonReader()
        self._cleared: list[str] = []
        self._ignored: list[str] = []
        self._aliases_used: dict[str, str] = {}
        self._page_hosts: dict[str, str] = {}

    def coerce(self, raw: object) -> CoercedSpec:
        value = self._json.read(raw, "")
        problems = self._json.problems
        spec: dict[str, Any] = {}
        if isinstance(value, dict):
            spec = {name: self._input(name, item) for name, item in _without_nulls(value).items()}
        elif not problems:
            found = "is empty" if value is None else "is not an object"
            self._json.report("", found, f"It needs {' and '.join(self._needed())}.")
        return CoercedSpec(
            spec, self._cleared, self._ignored, self._aliases_used, self._page_hosts, problems
        )

    def _needed(self) -> list[str]:
        """Return the inputs at the top that a spec needs."""
        needed = [f"`{name}`" for name in self._schema.document["required"]]
        alternatives = self._schema.alternatives.items()
        return needed + [
            f"`{path[0]}` (or `{name}`)" for path, name in alternatives if not path[1:]
        ]

    def _input(self, name: str, value: object) -> object:
        field = self._schema.inputs.get(name)
        return value if field is None else self._value(field, value, name)

    def _value(self, field: Field, value: object, path: str) -> object:
        if field.kind in _JSON_KINDS:
            value = self._json.parse(value, path)
        if field.kind in COERCIONS:
            return COERCIONS[field.kind](value)
        if field.kind == "request_id":
            return self._request_id(value, path)
        if field.kind == "custom_fields":
            return self._custom_fields(value, path)
        if field.kind == "attachments":
            return _attachments(value, field.schema["items"])
        if field.kind == "conditions":
            from spec.conditions import coerce_conditions  # noqa: PLC0415  most runs have none

            return coerce_conditions(value, self._schema, self._json)
        if not isinstance(value, dict):
            return value
        if field.kind == "request":
            return self._request(_without_nulls(value))
        if field.kind == "connection":  # secrets from files end in a line break
            return {name: coerce_trimmed_text(item) for name, item in _without_nulls(value).items()}
        return _members(value, field.schema)

    def _request(self, values: Mapping[str, Any]) -> dict[str, Any]:
        coerced: dict[str, Any] = {}
        given: dict[str, tuple[str, object]] = {}
        for name, value in values.items():
            field = self._schema.fields.get(name)
            if field is None:
                coerced[name] = value
                continue
            if field.location == "none":
                self._ignored.append(name)
                continue
            cleared = value == "" and field.clearable
            result = "" if cleared else self._value(field, value, f"request.{name}")
            earlier, other = given.setdefault(field.api_name, (name, result))
            if earlier != name:
                self._compare(name, result, earlier, other)
                continue
            if field.name != name:
                self._aliases_used[field.name] = name
            if cleared:
                self._cleared.append(field.name)
            else:
                coerced[field.name] = result
        return coerced

    def _request_id(self, value: object, path: str) -> object:
        number, host = split_request_id(value)
        if host:
            self._page_hosts[path] = host
        return number

    def _compare(self, name: str, value: object, earlier: str, other: object) -> None:
        """Report two spellings of one reference that do not agree."""
        if type(value) is not type(other) or value != other:
            wrong = f"and request.{earlier} are two values for one reference"
            self._json.report(f"request.{name}", wrong, "Keep one of them.")

    def _custom_fields(self, value: object, path: str) -> object:
        """Return `{id: value}` as the list that the API accepts; leave out items with a null."""
        if isinstance(value, dict):
            if value.keys() == {"id", "value"}:
                self._json.report(
                    path,
                    "is an object with exactly `id` and `value`, which can be read in two ways",
                    "Write one custom field as a list: [{id: ..., value: ...}].",
                )
            value = [{"id": name, "value": item} for name, item in value.items()]
        if not isinstance(value, list):
            return value
        items = [
            {**item, "id": coerce_text(item["id"])} if _has_id(item) else item for item in value
        ]
        items = [item for item in items if not (_has_id(item) and item.get("value", "") is None)]
        self._report_twice(items, path)
        return items

    def _report_twice(self, items: list[Any], path: str) -> None:
        """Report a custom field that is given twice with different values."""
        given: dict[object, object] = {}
        for item in items:
            if not _has_id(item) or not isinstance(item["id"], str):
                continue
            value = item.get("value")
            if given.setdefault(item["id"], value) != value:
                wrong = f"has two values for {item['id']!r}"
                self._json.report(path, wrong, "Keep one of them.")


def _has_id(item: object) -> bool:
    return isinstance(item, dict) and "id" in item


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object without its nulls: null means "left out"."""
    return {name: value for name, value in values.items() if value is not None}


def _attachments(value: object, schema: Mapping[str, Any]) -> object:
    """Return a list of attachments, coerced; one object alone is a list of one."""
    items = [value] if isinstance(value, dict) else value
    if not isinstance(items, list):
        return items
    return [_members(item, schema) if isinstance(item, dict) else item for item in items]


def _members(values: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an object with its members coerced; as it is where the schema names none."""
    entries = schema.get("properties")
    if entries is None:
        return values
    coerced = {}
    for name, value in _without_nulls(values).items():
        coercion = COERCIONS.get(entries.get(name, {}).get("x-4me-type", ""))
        coerced[name] = coercion(value) if coercion else value
    return coerced
