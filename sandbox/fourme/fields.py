"""The fields of a request, as `request.schema.json` describes them."""

from __future__ import annotations

import json
import re
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator, FormatChecker

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema import ValidationError

_FILE = resources.files("sandbox.fourme").joinpath("request.schema.json")
SCHEMA: Mapping[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
_PROPERTIES: Mapping[str, Mapping[str, Any]] = SCHEMA["properties"]


def _marked(keyword: str) -> frozenset[str]:
    return frozenset(name for name, entry in _PROPERTIES.items() if entry.get(keyword))


def _of(keyword: str, value: object) -> frozenset[str]:
    return frozenset(name for name, entry in _PROPERTIES.items() if entry.get(keyword) == value)


NOTES = ("note", "internal_note")
ATTACHMENTS = _of("$ref", "#/$defs/attachments")
BOOLEANS = _of("type", "boolean")
DATETIMES = _of("$ref", "#/$defs/datetime")
DURATIONS = _marked("x-duration")
REQUIRED = _marked("x-required")
WRITABLE = _PROPERTIES.keys() - _marked("readOnly")
#: What can be written but is never part of a response.
WRITE_ONLY = _marked("writeOnly")
#: The collection that each reference is looked up in; `team` is written as `team_id`.
REFERENCES: Mapping[str, str] = {
    name.removesuffix("_id"): _PROPERTIES[name]["x-collection"]
    for name in sorted(_marked("x-collection"))
}

_MAX_NOTE = 65_536  # bytes
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_MESSAGES = {
    "enum": "is not included in the list",
    "maxLength": "is too long (maximum is {} characters)",
    "maximum": "must be less than or equal to {}",
    "minimum": "must be greater than or equal to {}",
}
_TYPE_MESSAGES = {
    "array": "is not a list",
    "boolean": "is not a boolean",
    "integer": "is not a number",
    "string": "is not a string",
}
_FORMAT_MESSAGES = {
    "date-time": "is not a date and time",
    "note": "is too long (maximum is 64 KB)",
}
_FORMATS = FormatChecker(formats=())


def blank() -> dict[str, object]:
    """Return a request whose fields are all blank, as the API returns it."""
    values = {
        name.removesuffix("_id") if "x-collection" in entry else name: entry.get("default")
        for name, entry in _PROPERTIES.items()
        if name not in WRITE_ONLY
    }
    first = ("id", "subject")
    return {name: values[name] for name in (*first, *sorted(values.keys() - {*first}))}


def schema_errors(values: Mapping[str, object]) -> dict[str, str]:
    """Return what is wrong with the values of fields: the first error of each, in 4me's words."""
    errors: dict[str, str] = {}
    validator = Draft202012Validator(SCHEMA, format_checker=_FORMATS)
    for error in validator.iter_errors(values):
        errors.setdefault(str(error.path[0]), _message(error))
    return errors


def _message(error: ValidationError) -> str:
    if len(error.path) > 1:
        return f"is invalid: {error.message}"
    keyword, expected = str(error.validator), str(error.validator_value)
    known = {"type": _TYPE_MESSAGES, "format": _FORMAT_MESSAGES}.get(keyword)
    return _MESSAGES[keyword].format(expected) if known is None else known[expected]


@_FORMATS.checks("note")
def _is_note(value: object) -> bool:
    return not isinstance(value, str) or len(value.encode("utf-8", "surrogatepass")) <= _MAX_NOTE


@_FORMATS.checks("date-time", raises=ValueError)
def _is_datetime(value: object) -> bool:
    if not isinstance(value, str):
        return True
    return bool(_DATETIME.fullmatch(value) and datetime.fromisoformat(value))
