"""`spec.schema`: what the annotations of spec.schema.json mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from spec.coercion import CoercedSpec, coerce
from spec.schema import documented_types, read_field
from tests.update_specs import request_names

if TYPE_CHECKING:
    from spec.schema import SpecSchema


PLAIN = {
    "api_name": "a",
    "location": "body",
    "clearable": False,
    "idempotent": True,
    "private": False,
    "value_aliases": {},
    "roles": (),
    "max_bytes": 0,
    "inline_in": "",
    "unless": "",
    "comparable": True,
    "linked": "",
    "sent_with": {},
}


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"x-4me-type": "string"}, {}),
        ({"x-4me-type": "reference"}, {"api_name": "a_id"}),
        (
            {"x-4me-type": "reference", "x-4me-api-name": "workflow"},
            {"api_name": "workflow_id"},
        ),
        ({"x-4me-type": "id", "x-4me-location": "path"}, {"location": "path"}),
        ({"x-4me-type": "readonly", "readOnly": True}, {"location": "none"}),
        ({"x-4me-type": "text", "x-4me-idempotent": False}, {"idempotent": False}),
        ({"x-4me-type": "text", "x-4me-private": True}, {"private": True}),
        ({"x-4me-type": "text", "x-4me-max-bytes": 5}, {"max_bytes": 5}),
        ({"x-4me-type": "attachments", "x-4me-inline-in": "b"}, {"inline_in": "b"}),
        ({"x-4me-type": "enum", "x-4me-clearable": True}, {"clearable": True}),
        ({"x-4me-type": "id", "x-4me-unless": "b"}, {"unless": "b"}),
        ({"x-4me-type": "integer", "x-4me-comparable": False}, {"comparable": False}),
        ({"x-4me-type": "integer", "x-4me-linked": "cis"}, {"linked": "cis"}),
        (
            {"x-4me-type": "enum", "x-4me-sent-with": {"any": ["b"]}},
            {"sent_with": {"any": ["b"]}},
        ),
        (
            {"x-4me-type": "enum", "x-4me-value-aliases": {"b": "c"}, "x-4me-roles": ["R"]},
            {"value_aliases": {"b": "c"}, "roles": ("R",)},
        ),
    ],
)
def test_read_field(entry: dict[str, Any], expected: dict[str, Any]) -> None:
    """Each annotation has its meaning, and its absence too."""
    field = read_field("a", entry)

    assert field._asdict() == {
        "name": "a",
        "kind": entry["x-4me-type"],
        "schema": entry,
        **PLAIN,
        **expected,
    }


def test_every_reference_has_two_names(schema: SpecSchema) -> None:
    """Each reference, and nothing else, is accepted under its name with _id as well."""
    references = {name for name in request_names(schema) if schema.fields[name].kind == "reference"}

    assert references
    assert set(schema.fields) - set(request_names(schema)) == {f"{name}_id" for name in references}
    assert all(schema.fields[f"{name}_id"] is schema.fields[name] for name in references)


def test_names_are_api_names(schema: SpecSchema) -> None:
    """No two fields are sent under one name, but the former name of workflow."""
    sent: dict[str, list[str]] = {}
    for name in request_names(schema):
        sent.setdefault(schema.fields[name].api_name, []).append(name)

    doubled = [sorted(names) for names in sent.values() if len(names) > 1]
    assert doubled == [["change", "workflow"]]


def test_kinds_are_converted(schema: SpecSchema) -> None:
    """Conversion knows each documented type: no field ends up under another name or lost."""
    for name in request_names(schema):
        field = schema.fields[name]
        coerced: CoercedSpec = coerce({"request": {name: True}}, schema)
        kept = {} if field.location == "none" else {name}
        assert set(coerced.spec["request"]) == set(kept)


def test_additions_are_known(schema: SpecSchema) -> None:
    """Exactly the documented fields add something each time they are sent."""
    assert {name for name in request_names(schema) if not schema.fields[name].idempotent} == {
        "note",
        "internal_note",
        "time_spent",
        "note_attachments",
        "internal_note_attachments",
        "custom_fields_attachments",
        "additional_fields",
    }


def test_not_clearable(schema: SpecSchema) -> None:
    """An empty text clears every field but what 4me requires, what is only added, and booleans.

    An empty note, or an empty time spent, is a variable that was empty: it would add nothing.
    """
    kept = {
        name
        for name in request_names(schema)
        if not schema.fields[name].clearable
        and schema.fields[name].kind not in ("boolean", "readonly")
    }

    required = {"request_id", "subject", "category", "status"}
    assert kept == {*required, "note", "internal_note", "time_spent", "additional_fields"}
    assert all(
        not schema.fields[name].clearable
        for name in request_names(schema)
        if schema.fields[name].kind == "boolean"
    )


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
