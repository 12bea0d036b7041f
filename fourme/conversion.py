"""Values as engines deliver them, to their documented types (contract section 1; seed 001).

A value that cannot be converted stays as it is, for the judge in `fourme.validation` to refuse:
so there is one place that says what is wrong. Only what a type cannot express is a problem here.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from fourme.schema import Field, SpecSchema

_BLANKS = " \t\r\n\f\v"
_TRUE = frozenset({"true", "1", "t", "y", "yes", "on"})
_FALSE = frozenset({"false", "0", "f", "n", "no", "off"})
_HOURS_AND_MINUTES = re.compile(r"([0-9]{1,6}):([0-5][0-9])")
_MOST_DIGITS = 19  # of a 64-bit id
_EXACT = 2**53  # beyond it a float has lost digits of what it stood for
_DEEPEST = 100
_LARGEST = 10**1000  # Python refuses to write far longer numbers


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a spec.

    Attributes:
        path: where, as in `request.custom_fields[0].id`.
        wrong: what is wrong, to be read after the path.
        hint: what is allowed or near, a sentence; empty when there is nothing to add.
    """

    path: str
    wrong: str
    hint: str = ""

    def __str__(self) -> str:
        """Return the problem as one line."""
        return f"{self.path} {self.wrong}.{' ' + self.hint if self.hint else ''}"


@dataclass
class Draft:
    """A spec on its way to the judge.

    Attributes:
        spec: the converted spec, its fields under the names that the schema has; nulls and
            cleared fields are left out.
        cleared: the fields that an empty string clears.
        spelled: how the spec spells a field that the schema spells otherwise.
        problems: what conversion alone can see.
    """

    spec: dict[str, Any]
    cleared: list[str] = field(default_factory=list)
    spelled: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def convert(raw: object, schema: SpecSchema) -> Draft:
    """Convert a spec as an engine delivers it.

    Args:
        raw: JSON values; also bytes, which the Relay SDK makes of base64.
        schema: the documented types.
    """
    problems: list[Problem] = []
    value = _as_json_value(raw, "", problems, 0)
    if problems:
        return Draft({}, problems=problems)
    if not isinstance(value, dict):
        found = "is empty" if value is None else "is not an object"
        return Draft(
            {}, problems=[Problem("The spec", found, "It needs `connection` and `request`.")]
        )
    spec = _without_nulls({name: _from_json_text(item) for name, item in value.items()})
    draft = Draft(spec)
    if "debug" in spec:
        spec["debug"] = to_boolean(spec["debug"])
    if isinstance(spec.get("connection"), dict):
        spec["connection"] = _trimmed(_without_nulls(spec["connection"]))
    if isinstance(spec.get("request"), dict):
        spec["request"] = _convert_request(_without_nulls(spec["request"]), schema, draft)
    _as_json_value(spec, "", draft.problems, 0)  # JSON texts have been opened since
    return draft


def _as_json_value(value: object, path: str, problems: list[Problem], depth: int) -> object:
    """Return a value with its bytes decoded; note whatever JSON cannot carry."""
    name = path or "The spec"
    if depth > _DEEPEST:
        problems.append(Problem(name, f"is nested deeper than {_DEEPEST} levels"))
    elif isinstance(value, dict):
        return {
            _text_of(key, name, problems): _as_json_value(
                item, f"{path}.{key}" if path else str(key), problems, depth + 1
            )
            for key, item in value.items()
        }
    elif isinstance(value, list):
        return [
            _as_json_value(item, f"{path}[{index}]", problems, depth + 1)
            for index, item in enumerate(value)
        ]
    elif isinstance(value, str | bytes):
        return _text_of(value, name, problems)
    elif isinstance(value, float) and not math.isfinite(value):
        problems.append(Problem(name, f"is {value}, which is no number in JSON"))
    elif isinstance(value, int) and abs(value) >= _LARGEST:
        problems.append(Problem(name, "is a number with more than 1000 digits"))
    elif value is not None and not isinstance(value, bool | int | float):
        problems.append(Problem(name, f"is a {type(value).__name__}, which is no JSON value"))
    return value


def _text_of(value: object, name: str, problems: list[Problem]) -> str:
    try:
        if isinstance(value, bytes):
            return value.decode("utf-8")
        if isinstance(value, str):
            value.encode("utf-8")
            return value
    except UnicodeError:
        problems.append(
            Problem(name, "is not text", "Text must be valid UTF-8; attach other data as a file.")
        )
        return ""
    problems.append(Problem(name, "has a key that is not text"))
    return str(value)


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object without its nulls: null means "left out" (seed 001)."""
    return {name: value for name, value in values.items() if value is not None}


def _trimmed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object with its texts trimmed: secrets from files end in a line break."""
    return {
        name: value.strip(_BLANKS) if isinstance(value, str) else value
        for name, value in values.items()
    }


def _from_json_text(value: object) -> object:
    """Return what a JSON text says when it says an object or a list; else the value itself.

    Relay turns objects and lists into JSON text inside string templates.
    """
    if not isinstance(value, str) or value.strip(_BLANKS)[:1] not in ("{", "["):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _convert_request(values: Mapping[str, Any], schema: SpecSchema, draft: Draft) -> dict[str, Any]:
    converted: dict[str, Any] = {}
    spelled_as: dict[str, str] = {}
    for name, value in values.items():
        known = schema.fields.get(name)
        if known is None:
            converted[name] = value
            continue
        if known.place == "nowhere":
            continue
        cleared = value == "" and known.clearable
        result = "" if cleared else _convert_field(known, value, draft, name)
        earlier = spelled_as.setdefault(known.sent_as, name)
        if earlier != name and _value_of(schema, earlier, converted, draft) != result:
            draft.problems.append(
                Problem(
                    f"request.{name}",
                    f"and request.{earlier} are two values for one reference",
                    "Keep one of them.",
                )
            )
        if earlier != name:
            continue
        if known.name != name:
            draft.spelled[known.name] = name
        if cleared:
            draft.cleared.append(known.name)
        else:
            converted[known.name] = result
    return converted


def _value_of(
    schema: SpecSchema, spelled: str, converted: Mapping[str, Any], draft: Draft
) -> object:
    name = schema.fields[spelled].name
    return "" if name in draft.cleared else converted[name]


def _convert_field(known: Field, value: object, draft: Draft, spelled: str) -> object:
    if known.kind == "custom_fields":
        return _to_custom_fields(value, draft, spelled)
    converter = _CONVERTERS.get(known.kind)
    return value if converter is None else converter(value)


def to_boolean(value: object) -> object:
    """Return the boolean that a value stands for (seed 001), or the value itself."""
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    word = value.strip(_BLANKS).lower() if isinstance(value, str) else ""
    if word in _TRUE:
        return True
    return False if word in _FALSE else value


def to_integer(value: object) -> object:
    """Return the integer that a number or ASCII digits stand for, or the value itself."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT:
        return int(value)
    if not isinstance(value, str):
        return value
    digits = value.strip(_BLANKS)
    if digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS:
        return int(digits)
    return value


def to_reference(value: object) -> object:
    """Return the id that a number, digits, or an object with an `id` stand for."""
    found = _from_json_text(value)
    return to_integer(found["id"] if isinstance(found, dict) and "id" in found else value)


def to_minutes(value: object) -> object:
    """Return the minutes that a number or `h:mm` stand for, or the value itself."""
    match = _HOURS_AND_MINUTES.fullmatch(value.strip(_BLANKS)) if isinstance(value, str) else None
    return to_integer(value) if match is None else int(match[1]) * 60 + int(match[2])


def to_text(value: object) -> object:
    """Return the text of a number, or the value itself.

    A number without a fraction is written without one: Relay's arithmetic always makes floats.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return json.dumps(to_integer(value))


def to_list(value: object) -> object:
    """Return the list or object that JSON text stands for, or the value itself."""
    return _from_json_text(value)


def to_attachments(value: object) -> object:
    """Return a list of attachments; one object alone is a list of one."""
    found = _from_json_text(value)
    return [found] if isinstance(found, dict) else found


_CONVERTERS: Mapping[str, Callable[[object], object]] = {
    "id": to_integer,
    "boolean": to_boolean,
    "integer": to_integer,
    "duration": to_minutes,
    "reference": to_reference,
    "enum": to_text,
    "string": to_text,
    "text": to_text,
    "datetime": to_text,
    "strings": to_list,
    "attachments": to_attachments,
    "object": to_list,
}


def _to_custom_fields(value: object, draft: Draft, spelled: str) -> object:
    """Return `{id: value}` as the list that the API takes; leave out items without a value."""
    found = _from_json_text(value)
    if isinstance(found, dict):
        if found.keys() == {"id", "value"}:
            draft.problems.append(
                Problem(
                    f"request.{spelled}",
                    "is an object with exactly `id` and `value`, which can be read in two ways",
                    "Write one custom field as a list: [{id: ..., value: ...}].",
                )
            )
        found = [{"id": name, "value": item} for name, item in found.items()]
    if not isinstance(found, list):
        return found
    items = [{**item, "id": to_text(item["id"])} if _has_id(item) else item for item in found]
    return [item for item in items if not (_has_id(item) and item.get("value", "") is None)]


def _has_id(item: object) -> bool:
    return isinstance(item, dict) and "id" in item
