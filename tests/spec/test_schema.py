"""`spec.schema`: what the annotations of spec.schema.json mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from spec.coercion import CoercedSpec, coerce
from spec.schema import Field, read_field

if TYPE_CHECKING:
    from spec.schema import SpecSchema


@pytest.mark.parametrize(
    ("name", "entry", "expected"),
    [
        ("a", {"x-4me-type": "string"}, Field("a", "string", "a")),
        ("a", {"x-4me-type": "reference"}, Field("a", "reference", "a_id")),
        (
            "change",
            {"x-4me-type": "reference", "x-4me-name": "workflow"},
            Field("change", "reference", "workflow_id"),
        ),
        ("a", {"x-4me-type": "id", "x-4me-in": "path"}, Field("a", "id", "a", place="path")),
        ("a", {"x-4me-type": "readonly", "readOnly": True}, Field("a", "readonly", "a", "nowhere")),
        ("a", {"x-4me-type": "text", "x-4me-adds": True}, Field("a", "text", "a", adds=True)),
        (
            "a",
            {"x-4me-type": "enum", "x-4me-clear": False},
            Field("a", "enum", "a", clearable=False),
        ),
        (
            "a",
            {"x-4me-type": "enum", "x-4me-values": {"b": "c"}, "x-4me-roles": ["R"]},
            Field("a", "enum", "a", renamed_values={"b": "c"}, roles=("R",)),
        ),
    ],
)
def test_read_field(name: str, entry: dict[str, Any], expected: Field) -> None:
    """Each annotation has its meaning, and its absence too."""
    assert read_field(name, entry, {}) == expected


def test_members_of_attachments(schema: SpecSchema) -> None:
    """A field of attachments knows the documented types of its items' members."""
    kinds = schema.fields["note_attachments"].member_kinds

    assert (kinds["filesize"], kinds["inline"], kinds["name"]) == ("integer", "boolean", "string")
    assert schema.fields["note"].member_kinds == {}


def test_every_reference_has_two_names(schema: SpecSchema) -> None:
    """Each reference, and nothing else, is accepted under its name with _id as well."""
    references = {name for name in schema.request_names if schema.fields[name].kind == "reference"}

    assert references
    assert set(schema.fields) - set(schema.request_names) == {f"{name}_id" for name in references}
    assert all(schema.fields[f"{name}_id"] is schema.fields[name] for name in references)


def test_names_are_api_names(schema: SpecSchema) -> None:
    """No two fields are sent under one name, but the former name of workflow."""
    sent: dict[str, list[str]] = {}
    for name in schema.request_names:
        sent.setdefault(schema.fields[name].sent_as, []).append(name)

    doubled = [sorted(names) for names in sent.values() if len(names) > 1]
    assert doubled == [["change", "workflow"]]


def test_kinds_are_converted(schema: SpecSchema) -> None:
    """Conversion knows each documented type: no field ends up under another name or lost."""
    for name in schema.request_names:
        known = schema.fields[name]
        coerced: CoercedSpec = coerce({"request": {name: True}}, schema)
        kept = {} if known.place == "nowhere" else {name}
        assert set(coerced.spec["request"]) == set(kept)


def test_additions_are_known(schema: SpecSchema) -> None:
    """Exactly the documented fields add something each time they are sent (contract section 9)."""
    assert {name for name in schema.request_names if schema.fields[name].adds} == {
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
        for name in schema.request_names
        if not schema.fields[name].clearable and schema.fields[name].kind != "boolean"
    }

    required = {"request_id", "subject", "category", "status"}
    assert kept == {*required, "note", "internal_note", "time_spent", "additional_fields"}
    assert all(
        not schema.fields[name].clearable
        for name in schema.request_names
        if schema.fields[name].kind == "boolean"
    )
