"""The inputs, as spec.schema.json documents them.

The schema is the single source of truth: what a field is called, its type, its limits, how it is
sent. This module only makes its `x-4me-...` annotations easy to reach.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SUFFIX = "_id"


@dataclass(frozen=True)
class Field:
    """One input under `request`.

    Attributes:
        name: as the schema spells it.
        kind: its documented type, as `x-4me-type` has it.
        sent_as: its name in the API call's body; a reference's ends in `_id` (seed 001).
        place: where it is sent: `body`, `path`, `merge` (its members go into the body), `nowhere`.
        clearable: whether an empty string clears it.
        adds: whether sending it twice adds it twice.
        renamed_values: legacy values, and what is sent for them.
        roles: roles that the token's user needs to set it, beyond Specialist.
        member_kinds: the documented types of the members of its items; for attachments.
        max_bytes: the longest text, in bytes of UTF-8; 0 for no such limit.
        shown_in: the field whose text may show its items inline; for attachments.
    """

    name: str
    kind: str
    sent_as: str
    place: str = "body"
    clearable: bool = True
    adds: bool = False
    renamed_values: Mapping[str, str] = field(default_factory=dict)
    roles: tuple[str, ...] = ()
    member_kinds: Mapping[str, str] = field(default_factory=dict)
    max_bytes: int = 0
    shown_in: str = ""


@dataclass(frozen=True)
class SpecSchema:
    """The schema of a spec, and its fields by every name under which they are accepted."""

    document: Mapping[str, Any]
    fields: Mapping[str, Field]

    @property
    def request_names(self) -> Iterator[str]:
        """The names under `request` as the schema spells them."""
        return iter(self.document["properties"]["request"]["properties"])


def load_spec_schema(schema_folder: str = "") -> SpecSchema:
    """Read the schema of an operation.

    Args:
        schema_folder: the folder of its schemas, below the top one; empty for the top one.
    """
    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120  pathlib costs start-up time
    with open(os.path.join(folder, schema_folder, "spec.schema.json"), encoding="utf-8") as file:  # noqa: PTH118, PTH123  likewise
        document = json.load(file)
    fields: dict[str, Field] = {}
    for name, entry in document["properties"]["request"]["properties"].items():
        fields[name] = read_field(name, entry, document)
        if fields[name].kind == "reference":
            fields[name + _SUFFIX] = fields[name]
    return SpecSchema(document, fields)


def read_field(name: str, entry: Mapping[str, Any], document: Mapping[str, Any]) -> Field:
    """Read one entry of the `request.properties` of a schema."""
    kind = entry["x-4me-type"]
    api_name = entry.get("x-4me-name", name)
    return Field(
        name=name,
        kind=kind,
        sent_as=api_name + _SUFFIX if kind == "reference" else api_name,
        place="nowhere" if entry.get("readOnly") else entry.get("x-4me-in", "body"),
        clearable=entry.get("x-4me-clear", True),
        adds=entry.get("x-4me-adds", False),
        renamed_values=entry.get("x-4me-values", {}),
        roles=tuple(entry.get("x-4me-roles", ())),
        member_kinds=_member_kinds(document) if kind == "attachments" else {},
        max_bytes=entry.get("x-4me-maxBytes", 0),
        shown_in=entry.get("x-4me-note", ""),
    )


def _member_kinds(document: Mapping[str, Any]) -> dict[str, str]:
    members = document["definitions"]["attachments_item"]["properties"]
    return {name: member["x-4me-type"] for name, member in members.items()}
