"""Differences between a request and what was sent, for outputs and for people."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from process.logs import quote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from operations.comparison import ComparedField
    from spec.schema import SpecSchema

_MAX_SHOWN = 60  # characters of a value in a table
_NAMES = ("name", "label", "subject", "title")  # what records of different kinds are called by
_BLANK = "(blank)"


class Difference(NamedTuple):
    """One field, as the user named it: its value in the request, and the one sent, as outputs."""

    field: str
    found: Any
    sent: Any
    is_private: bool = False  # whether tables show sizes only

    @property
    def row(self) -> tuple[str, str, str]:
        """The row of a table for people."""
        show = _size if self.is_private else shown
        return (quote(self.field), show(self.found), show(self.sent))


def differences(
    compared: Iterable[ComparedField],
    schema: SpecSchema,
    aliases_used: Mapping[str, str] = MappingProxyType({}),
) -> list[Difference]:
    """Return the value in the request, then the one sent, of each field."""
    return [_difference(item, schema, aliases_used) for item in compared]


def _difference(
    item: ComparedField, schema: SpecSchema, aliases_used: Mapping[str, str]
) -> Difference:
    name, dot, custom_id = item.name.partition(".")
    field = schema.fields[name]
    found, sent = item.found, item.sent
    if field.kind == "reference":
        found = [*map(record_of, found)] if isinstance(found, list) else record_of(found)
        sent = record_of(None if sent == "" else {"id": sent})
    if field.kind == "string" and isinstance(found, dict):
        found = found.get("reference", found)
    user_name = aliases_used.get(name, name) + dot + custom_id
    return Difference(user_name, found, sent, is_private=field.kind == "custom_fields")


def sent_and_found(item: Difference) -> str:
    """Return one line about a field that is not as it was sent."""
    name, found, sent = item.row
    return f"{name} was sent as {sent}, and is {found}"


def record_of(value: object) -> object:
    """Return a reference as `{id, name}`; the name is null where it is not known."""
    if not isinstance(value, dict):
        return None if value is None else {"id": value, "name": None}
    name = next((value[key] for key in _NAMES if value.get(key)), None)
    return {"id": value.get("id"), "name": name}


def with_names(
    items: Iterable[Difference], request: Mapping[str, Any], schema: SpecSchema
) -> list[Difference]:
    """Return differences with the names of the records to send, where a request has them."""
    return [_with_name(item, request, schema) for item in items]


def _with_name(item: Difference, request: Mapping[str, Any], schema: SpecSchema) -> Difference:
    field = schema.fields.get(item.field)
    if field is None or field.kind != "reference" or not isinstance(item.sent, dict):
        return item
    record = record_of(request.get(field.api_name.removesuffix("_id")))
    is_same = isinstance(record, dict) and record["id"] == item.sent["id"]
    return item._replace(sent=record) if is_same else item


def table(items: Sequence[Difference], columns: tuple[str, str, str]) -> str:
    """Return a table as lines of text."""
    rows = [columns, *(item.row for item in items)]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    return "".join(
        f"\n  {name:{widths[0]}}  {value:{widths[1]}}  {other}" for name, value, other in rows
    )


def shown(value: object) -> str:
    """Return a value in one line: a reference by its name and ID, a long text by its size."""
    if value is None or value == "":
        return _BLANK
    if isinstance(value, dict) and value.keys() == {"id", "name"}:
        text = f"{value['name']} ({value['id']})" if value["name"] else str(value["id"])
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        text = ", ".join(map(shown, value))
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return quote(text) if len(text) <= _MAX_SHOWN else _size(text)


def _size(value: object) -> str:
    if value is None or value == "":
        return _BLANK
    size = len(value if isinstance(value, str) else json.dumps(value))
    return f"{size} character{'' if size == 1 else 's'}"
