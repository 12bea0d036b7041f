"""The inputs of an operation, as its spec.schema.json documents them.

The schema is the single source of truth for names, types, limits, and how a value is sent;
tools/meta.schema.json explains its `x-4me-...` annotations.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Schema = Mapping[str, Any]

_CLEARABLE = "x-4me-clearable"  # set where `empty` is an alternative
_EMPTY = {"$ref": "#/definitions/empty"}
_NOT_REDUCED = frozenset({"anyOf", "allOf", "patternProperties", "definitions"})


class Field(NamedTuple):
    """One input: at the top of a spec, or under its `request`.

    Attributes:
        kind: its documented type, as in `x-4me-type`.
        schema: the schema of its values, reduced to the documented types.
        api_name: its name in the API call's body; a reference's ends in `_id`.
        location: where it is sent: `body`, `path`, `merge` (its members go into the body), or
            `none` (it is read-only).
        clearable: whether an empty string clears it.
        idempotent: whether sending it twice has the same effect as sending it once.
        private: whether no log may show it.
        value_aliases: former names of values, and what is sent for them.
        roles: roles that the token's user needs to set it, beyond Specialist.
        max_bytes: the longest text, in bytes of UTF-8; 0 for no such limit.
        inline_in: the field whose text may show its items inline; for attachments.
        unless: the input at the top of the spec that stands in its place; empty for none.
        comparable: whether 4me answers what was sent; not so for a position among others.
        linked: the collection of linked records that it replaces; empty for none.
        sent_with: the fields that are sent together with it, by its value or `any`.
    """

    name: str
    kind: str
    schema: Schema
    api_name: str
    location: str
    clearable: bool
    idempotent: bool
    private: bool
    value_aliases: Mapping[str, str]
    roles: tuple[str, ...]
    max_bytes: int
    inline_in: str
    unless: str
    comparable: bool
    linked: str
    sent_with: Mapping[str, Sequence[str]]


class InputVariable(NamedTuple):
    """An input that has an environment variable of its own.

    Attributes:
        path: its place in the spec.
        is_document: whether the variable holds YAML or JSON; otherwise its text is the value.
    """

    path: tuple[str, ...]
    is_document: bool = False


class SpecSchema(NamedTuple):
    """The schema of an operation's spec.

    Attributes:
        document: the schema, reduced to the documented types.
        inputs: the inputs at the top of a spec, by name.
        fields: the inputs under `request`, by every name under which they are accepted; none where
            an operation has no `request`.
    """

    document: Schema
    inputs: Mapping[str, Field]
    fields: Mapping[str, Field]

    @property
    def alternatives(self) -> Mapping[tuple[str, ...], str]:
        """The inputs, by their paths, that another one at the top, named here, may stand in for."""
        at_top = [((), field) for field in self.inputs.values() if field.unless]
        in_request = [(("request",), field) for field in self.fields.values() if field.unless]
        return {(*path, field.name): field.unless for path, field in [*at_top, *in_request]}

    @property
    def variables(self) -> Mapping[str, InputVariable]:
        """The inputs with an environment variable of their own, by its name without a prefix."""
        return dict(_variables(self.document["properties"]))


def load_spec_schema(schema_folder: str = "") -> SpecSchema:
    """Read the schema of an operation from a folder below the top one; by default, the top one."""
    top = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120  pathlib costs start-up time
    with open(os.path.join(top, schema_folder, "spec.schema.json"), encoding="utf-8") as file:  # noqa: PTH118, PTH123  likewise
        return read_schema(json.load(file))


def read_schema(document: Schema) -> SpecSchema:
    """Return the schema in a JSON schema document."""
    reduced = documented_types(document)
    inputs = {name: read_field(name, entry) for name, entry in reduced["properties"].items()}
    members = inputs["request"].schema["properties"] if "request" in inputs else {}
    fields: dict[str, Field] = {}
    for name, entry in members.items():
        fields[name] = read_field(name, entry)
        if fields[name].kind == "reference":
            fields[f"{name}_id"] = fields[name]
    return SpecSchema(reduced, inputs, fields)


def read_field(name: str, entry: Schema) -> Field:
    """Return the field that an entry of a reduced schema's `properties` describes."""
    kind = entry["x-4me-type"]
    api_name = entry.get("x-4me-api-name", name)
    return Field(
        name=name,
        kind=kind,
        schema=entry,
        api_name=f"{api_name}_id" if kind == "reference" else api_name,
        location="none" if entry.get("readOnly") else entry.get("x-4me-location", "body"),
        clearable=entry.get(_CLEARABLE, False),
        idempotent=entry.get("x-4me-idempotent", True),
        private=entry.get("x-4me-private", False),
        value_aliases=entry.get("x-4me-value-aliases", {}),
        roles=tuple(entry.get("x-4me-roles", ())),
        max_bytes=entry.get("x-4me-max-bytes", 0),
        inline_in=entry.get("x-4me-inline-in", ""),
        unless=entry.get("x-4me-unless", ""),
        comparable=entry.get("x-4me-comparable", True),
        linked=entry.get("x-4me-linked", ""),
        sent_with=entry.get("x-4me-sent-with", {}),
    )


def documented_types(document: Schema) -> Schema:
    """Return a schema reduced to the documented types, which coerced values have to satisfy.

    A schema lists everything that is accepted: of each `anyOf` the first alternative is the
    documented type, the others are spellings that are coerced to it. Keywords beside an `anyOf` or
    `allOf` hold in addition. The reduced schema has neither alternatives nor references, so that
    validation is fast, and errors are about the documented type.
    """
    return _Reduction(document.get("definitions", {})).reduced(document)


class _Reduction:
    """Reduces the parts of one schema; each definition once."""

    def __init__(self, definitions: Mapping[str, Schema]) -> None:
        self._definitions = definitions
        self._reduced: dict[str, Schema] = {}

    def reduced(self, schema: Schema) -> Schema:
        if "$ref" in schema:
            return self._definition(schema["$ref"].removeprefix("#/definitions/"))
        alternatives = schema.get("anyOf") or schema.get("allOf")
        if alternatives:
            is_clearable = _EMPTY in alternatives
            result = {**self.reduced(alternatives[0]), _CLEARABLE: is_clearable, **schema}
        else:
            result = {**schema}
        for name in _NOT_REDUCED & result.keys():
            del result[name]
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


def _variables(
    entries: Schema, parents: tuple[str, ...] = ()
) -> Iterator[tuple[str, InputVariable]]:
    for name, entry in entries.items():
        if "x-4me-variable" in entry:
            is_document = entry.get("type") in ("object", "array")
            yield entry["x-4me-variable"], InputVariable((*parents, name), is_document)
        if "properties" in entry:
            yield from _variables(entry["properties"], (*parents, name))
