"""Values as engines deliver them, to their documented types (contract section 2; seed 001).

A value that cannot be converted stays as it is, for `spec.schema_errors` to refuse:
so there is one place that says what is wrong. Only what a type cannot express is a problem here.
"""

from __future__ import annotations

import base64
import json
import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from process.json_depth import MAX_DEPTH, NAMED_LEVELS, exceeds_depth
from process.logs import escape_controls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spec.schema import Field, SpecSchema

_BLANKS = " \t\r\n\f\v"
_TRUE = frozenset({"true", "1", "t", "y", "yes", "on"})
_FALSE = frozenset({"false", "0", "f", "n", "no", "off"})
_HOURS_AND_MINUTES = re.compile(r"([0-9]{1,6}):([0-5][0-9])")
_MAX_DIGITS = 19  # of a 64-bit id
_EXACT = 2**53  # from there on a float may stand for another number that was written
_TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels"
_MAX_INTEGER = 10**1000  # Python refuses to write far longer numbers


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
        """Return the problem as one line, whatever the names in its path are."""
        place = escape_controls(self.path) or "The spec"
        return f"{place} {self.wrong}.{' ' + self.hint if self.hint else ''}"


@dataclass
class CoercedSpec:
    """A spec on its way to the judge.

    Attributes:
        spec: the converted spec, its fields under the names that the schema has; nulls, cleared
            and read-only fields are left out, and so is what cannot be said in JSON.
        cleared: the fields that an empty string clears.
        ignored: the read-only fields that were given.
        spelled: how the spec spells a field that the schema spells otherwise.
        problems: what conversion alone can see.
    """

    spec: dict[str, Any] = field(default_factory=dict)
    cleared: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    spelled: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def coerce(raw: object, schema: SpecSchema) -> CoercedSpec:
    """Convert a spec as an engine delivers it.

    Args:
        raw: JSON values; also bytes, which the Relay SDK makes of base64.
        schema: the documented types.
    """
    coerced = CoercedSpec()
    value = _as_json_value(raw, "", coerced.problems)
    if isinstance(value, dict):
        coerced.spec = _without_nulls(value)
    elif not coerced.problems:
        found = "is empty" if value is None else "is not an object"
        coerced.problems.append(Problem("", found, "It needs `connection` and `request`."))
    spec = coerced.spec
    for name in spec:
        spec[name] = _opened(spec[name], name, coerced.problems)
    if "debug" in spec:
        spec["debug"] = coerce_boolean(spec["debug"])
    if isinstance(spec.get("connection"), dict):
        spec["connection"] = _convert_connection(_without_nulls(spec["connection"]))
    if isinstance(spec.get("request"), dict):
        spec["request"] = _convert_request(_without_nulls(spec["request"]), schema, coerced)
    return coerced


def _as_json_value(value: object, path: str, problems: list[Problem], depth: int = 0) -> object:
    """Return a value with its bytes decoded; note what JSON cannot carry, and leave it out."""
    if depth == NAMED_LEVELS and exceeds_depth(value, MAX_DEPTH - depth):
        problems.append(Problem(path, _TOO_DEEP))
        return None
    if isinstance(value, dict):
        members = _with_binary_content(value) if "_attachments" in path else value
        return {
            _text_of(key, path, problems) or "": _as_json_value(
                item, f"{path}.{key}" if path else str(key), problems, depth + 1
            )
            for key, item in members.items()
        }
    if isinstance(value, list):
        return [
            _as_json_value(item, f"{path}[{index}]", problems, depth + 1)
            for index, item in enumerate(value)
        ]
    if isinstance(value, str | bytes):
        return _text_of(value, path, problems)
    wrong = _wrong_number(value)
    if wrong:
        problems.append(Problem(path, wrong))
    return None if wrong else value


def _with_binary_content(item: Mapping[Any, object]) -> Mapping[Any, object]:
    """Return an attachment whose content, if the Relay SDK made bytes of it, is base64 again."""
    content = item.get("content")
    if not isinstance(content, bytes):
        return item
    others = {name: value for name, value in item.items() if name != "content"}
    return {**others, "content_base64": base64.b64encode(content).decode("ascii")}


def _text_of(value: object, path: str, problems: list[Problem]) -> str | None:
    """Return text, decoded where it is bytes; None where there is none."""
    try:
        if isinstance(value, bytes):
            return value.decode("utf-8")
        if isinstance(value, str):
            value.encode("utf-8")
            return value
    except UnicodeError:
        problems.append(
            Problem(
                path,
                "is not text",
                "Text must be valid UTF-8; attach other data as a file.",
            )
        )
        return None
    problems.append(Problem(path, "has a key that is not text"))
    return None


def _wrong_number(value: object) -> str:
    """Return why JSON cannot carry a value that is neither text, list nor object; or nothing."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, int):
        return "is a number with more than 1000 digits" if abs(value) >= _MAX_INTEGER else ""
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"is {value}, which is no number in JSON"
    return f"is a {type(value).__name__}, which is no JSON value"


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object without its nulls: null means "left out" (seed 001)."""
    return {name: value for name, value in values.items() if value is not None}


def _opened(value: object, path: str, problems: list[Problem]) -> object:
    """Return what a JSON text says when it says an object or a list; else the value itself.

    Relay turns objects and lists into JSON text inside string templates.
    """
    if not isinstance(value, str) or value.strip(_BLANKS)[:1] not in ("{", "["):
        return value
    try:
        opened = json.loads(value)
        deep = exceeds_depth(opened)
    except ValueError:
        return value
    except RecursionError:
        deep = True
    if deep:
        problems.append(Problem(path, _TOO_DEEP))
        return value
    return _as_json_value(opened, path, problems)


def _convert_connection(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a connection with its texts trimmed: secrets from files end in a line break."""
    texts = {name: coerce_text(value) for name, value in values.items()}
    return {
        name: value.strip(_BLANKS) if isinstance(value, str) else value
        for name, value in texts.items()
    }


def _convert_request(
    values: Mapping[str, Any], schema: SpecSchema, coerced: CoercedSpec
) -> dict[str, Any]:
    converted: dict[str, Any] = {}
    given: dict[str, tuple[str, object]] = {}
    for name, value in values.items():
        known = schema.fields.get(name)
        if known is None:
            converted[name] = value
            continue
        if known.place == "nowhere":
            coerced.ignored.append(name)
            continue
        cleared = value == "" and known.clearable
        result = "" if cleared else _convert_field(known, value, coerced, f"request.{name}")
        earlier, other = given.setdefault(known.sent_as, (name, result))
        if earlier != name:
            _compare(name, result, earlier, other, coerced)
            continue
        if known.name != name:
            coerced.spelled[known.name] = name
        if cleared:
            coerced.cleared.append(known.name)
        else:
            converted[known.name] = result
    return converted


def _compare(name: str, value: object, earlier: str, other: object, coerced: CoercedSpec) -> None:
    """Note when two spellings of one reference do not agree."""
    if type(value) is type(other) and value == other:
        return
    wrong = f"and request.{earlier} are two values for one reference"
    coerced.problems.append(Problem(f"request.{name}", wrong, "Keep one of them."))


def _convert_field(known: Field, value: object, coerced: CoercedSpec, path: str) -> object:
    if known.kind in _OPENED:
        value = _opened(value, path, coerced.problems)
    if known.kind == "custom_fields":
        return _to_custom_fields(value, coerced, path)
    if known.kind == "attachments":
        return _to_attachments(value, known)
    converter = _CONVERTERS.get(known.kind)
    return value if converter is None else converter(value)


def coerce_boolean(value: object) -> object:
    """Return the boolean that a value stands for (seed 001), or the value itself."""
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    word = value.strip(_BLANKS).lower() if isinstance(value, str) else ""
    if word in _TRUE:
        return True
    return False if word in _FALSE else value


def coerce_integer(value: object) -> object:
    """Return the integer that a number or ASCII digits stand for, or the value itself."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    if not isinstance(value, str):
        return value
    digits = value.strip(_BLANKS)
    if digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS:
        return int(digits)
    return value


def coerce_reference(value: object) -> object:
    """Return the id that a number, digits, or an object with an `id` stand for."""
    return coerce_integer(value["id"] if isinstance(value, dict) and "id" in value else value)


def coerce_duration(value: object) -> object:
    """Return the minutes that a number or `h:mm` stand for, or the value itself."""
    match = _HOURS_AND_MINUTES.fullmatch(value.strip(_BLANKS)) if isinstance(value, str) else None
    return coerce_integer(value) if match is None else int(match[1]) * 60 + int(match[2])


def coerce_text(value: object) -> object:
    """Return the text of a number, or the value itself.

    A number without a fraction is written without one: Relay's arithmetic always makes floats.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    exact = coerce_integer(value)
    if isinstance(exact, float) and exact.is_integer():
        return value  # nobody knows which number was written; it has to come as text
    return json.dumps(exact)


def coerce_media_type(value: object) -> object:
    """Return a media type without what surrounds it, or the value itself."""
    return value.strip(_BLANKS) if isinstance(value, str) else value


def coerce_texts(value: object) -> object:
    """Return a list with the texts of its numbers, or the value itself."""
    return [coerce_text(item) for item in value] if isinstance(value, list) else value


_OPENED = frozenset({"reference", "custom_fields", "strings", "attachments", "object"})
_CONVERTERS: Mapping[str, Callable[[object], object]] = {
    "id": coerce_integer,
    "boolean": coerce_boolean,
    "integer": coerce_integer,
    "duration": coerce_duration,
    "reference": coerce_reference,
    "enum": coerce_text,
    "string": coerce_text,
    "text": coerce_text,
    "media_type": coerce_media_type,
    "datetime": coerce_text,
    "strings": coerce_texts,
}


def _to_attachments(value: object, known: Field) -> object:
    """Return a list of attachments, converted; one object alone is a list of one."""
    items = [value] if isinstance(value, dict) else value
    if not isinstance(items, list):
        return items
    return [_to_attachment(item, known) if isinstance(item, dict) else item for item in items]


def _to_attachment(item: Mapping[str, Any], known: Field) -> dict[str, Any]:
    return {
        name: _CONVERTERS.get(known.member_kinds.get(name, ""), _as_it_is)(value)
        for name, value in _without_nulls(item).items()
    }


def _as_it_is(value: object) -> object:
    return value


def _to_custom_fields(value: object, coerced: CoercedSpec, path: str) -> object:
    """Return `{id: value}` as the list that the API takes; leave out items without a value."""
    if isinstance(value, dict):
        if value.keys() == {"id", "value"}:
            coerced.problems.append(
                Problem(
                    path,
                    "is an object with exactly `id` and `value`, which can be read in two ways",
                    "Write one custom field as a list: [{id: ..., value: ...}].",
                )
            )
        value = [{"id": name, "value": item} for name, item in value.items()]
    if not isinstance(value, list):
        return value
    items = [{**item, "id": coerce_text(item["id"])} if _has_id(item) else item for item in value]
    return [item for item in items if not (_has_id(item) and item.get("value", "") is None)]


def _has_id(item: object) -> bool:
    return isinstance(item, dict) and "id" in item
