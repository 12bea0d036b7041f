"""Compares fields as they were sent with a request as 4me returned it: one table, by kind.

A comparison is `equal` (nothing needs to be sent), `different` (for certain: what was sent was not
applied), or `unknown`: 4me may have stored what was sent in another form, or the answer lacks it.
What is unknown is sent again by `mode: ensure`, which does no harm, and is never reported as not
applied. Notes, attachments and time are no values of a request; see `operations.note_history`.

docs/comparison.md says for each kind what is equal and what never counts; a test compares the
kinds.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from operations.texts import fold_text, normalize_text
from spec.values import coerce_boolean, coerce_duration, coerce_integer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from spec.schema import Field, SpecSchema

Comparison = Literal["equal", "different", "unknown"]

_MINUTE = 60  # seconds; a server may not store the seconds of a time
_MAX_NUMBER = 40  # characters of a number in a text


class ComparedField(NamedTuple):
    """One field as it was sent, or is to be sent, beside its value in a request.

    Attributes:
        name: the schema's name; `custom_fields.ID` for a custom field.
        sent: the value sent; an empty text clears the field.
        found: the value in the request; None for a blank one, and where the answer lacks it.
        result: how they compare.
    """

    name: str
    sent: Any
    found: Any
    result: Comparison


def compare_fields(
    values: Mapping[str, Any], request: Mapping[str, Any], schema: SpecSchema
) -> Iterator[ComparedField]:
    """Yield the comparison of each field with a request, of those whose kind can be compared.

    Args:
        values: the fields as they are sent, by the schema's names.
        request: the full request.
        schema: the schema of the fields.
    """
    for name, sent in values.items():
        field = schema.fields[name]
        if field.location != "body" or not field.idempotent:
            continue
        key = field.api_name.removesuffix("_id") if field.kind == "reference" else field.api_name
        if field.kind == "custom_fields" and sent != "":
            yield from _custom_fields(sent, request, name)
        else:
            result = compare(field, sent, request[key]) if key in request else "unknown"
            yield ComparedField(name, sent, request.get(key), result)


def compare(field: Field, sent: object, found: object) -> Comparison:
    """Return how a value compares with the one that was sent."""
    result = _blank(field, sent, found) or COMPARISONS[field.kind](field, sent, found)
    return result if result == "equal" or field.comparable else "unknown"


def _blank(field: Field, sent: object, found: object) -> Comparison | None:
    """Return the comparison where one of the values is blank; None where none is."""
    is_blank = is_blank_value(found)
    if field.kind in ("boolean", "custom_fields"):
        return None
    if (sent == "" and found == 0) or (sent == 0 and is_blank):
        return "unknown"  # 4me may store none as zero, or zero as none
    if is_blank_value(sent) or is_blank:
        return "equal" if is_blank_value(sent) and is_blank else "different"
    return None


def is_blank_value(value: object) -> bool:
    """Return whether a value of a request is blank, as null or an empty text."""
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, list):
        return all(isinstance(item, str) and not item.strip() for item in value)
    return value is None or value == {}


def _enum(field: Field, sent: object, found: object) -> Comparison:
    aliases = field.value_aliases
    return _text(aliases.get(str(sent), sent), aliases.get(str(found), found))


def _boolean(_: Field, sent: object, found: object) -> Comparison:
    value = coerce_boolean(False if found is None else found)
    if not isinstance(value, bool):
        return "unknown"
    return "equal" if value is sent else "different"


def _integer(_: Field, sent: object, found: object) -> Comparison:
    return _number(coerce_integer(sent), coerce_integer(found))


def _duration(_: Field, sent: object, found: object) -> Comparison:
    return _number(coerce_duration(sent), coerce_duration(found))


def _number(sent: object, found: object) -> Comparison:
    if isinstance(found, bool) or not isinstance(found, int | float):
        return "unknown"
    return "equal" if sent == found else "different"


def _reference(_: Field, sent: object, found: object) -> Comparison:
    return _number(sent, coerce_integer(found.get("id") if isinstance(found, dict) else found))


def _string(_: Field, sent: object, found: object) -> Comparison:
    if isinstance(found, dict) and "reference" in found:
        found = found["reference"]  # of a closure code or an RFC type
    return _text(sent, found)


def _datetime(_: Field, sent: object, found: object) -> Comparison:
    instants = [_instant(sent), _instant(found)]
    if None in instants:
        return "unknown"
    seconds = abs((instants[0] or 0) - (instants[1] or 0))
    if seconds >= _MINUTE:
        return "different"
    return "unknown" if seconds else "equal"


def _strings(_: Field, sent: Any, found: object) -> Comparison:  # noqa: ANN401  any JSON value
    if not isinstance(found, list) or not all(isinstance(item, str) for item in found):
        return "unknown"
    for form in (normalize_text, fold_text):
        if {*map(form, sent)} - {""} == {*map(form, found)} - {""}:
            return "equal" if form is normalize_text else "unknown"
    return "different"


def _cleared_custom_fields(_: Field, __: object, found: object) -> Comparison:
    # 4me merges custom fields: what an empty text does to them is not documented.
    return "equal" if is_blank_value(found) else "unknown"


COMPARISONS: Mapping[str, Callable[[Field, Any, Any], Comparison]] = {
    "enum": _enum,
    "boolean": _boolean,
    "integer": _integer,
    "duration": _duration,
    "reference": _reference,
    "string": _string,
    "datetime": _datetime,
    "strings": _strings,
    "custom_fields": _cleared_custom_fields,
}


def _custom_fields(
    sent: list[Mapping[str, Any]], request: Mapping[str, Any], name: str
) -> Iterator[ComparedField]:
    """Yield the comparison of each custom field: 4me keeps those that are not sent."""
    found = request.get("custom_fields", [])
    items = found if isinstance(found, list) else []
    known = {str(item["id"]): item.get("value") for item in items if _has_id(item)}
    for item in sent:
        value = known.get(item["id"])
        result = compare_custom_value(item["value"], value)
        if "custom_fields" not in request or not isinstance(found, list | None):
            result = "unknown"
        yield ComparedField(f"{name}.{item['id']}", item["value"], value, result)


def compare_custom_value(sent: object, found: object) -> Comparison:
    """Return how the value of a custom field compares with the one sent; 4me coerces values.

    Only booleans and numbers are certainly different: anything else may have another form in 4me.
    """
    if is_blank_value(sent) or is_blank_value(found):
        if is_blank_value(sent) and is_blank_value(found):
            return "equal"
        other = found if is_blank_value(sent) else sent
        return "unknown" if _parsed(other) == 0 else "different"  # may be stored as none
    if isinstance(sent, str) and isinstance(found, str):
        is_same = normalize_text(sent) == normalize_text(found)
        return "equal" if is_same or _is_same_instant(sent, found) else "unknown"
    values = _parsed(sent), _parsed(found)
    if all(isinstance(value, bool) for value in values):
        return "equal" if values[0] == values[1] else "different"
    if all(map(_is_number, values)):
        return _rounded_number(*values)
    return "equal" if _form(sent) == _form(found) else "unknown"


def _rounded_number(sent: Any, found: Any) -> Comparison:  # noqa: ANN401  numbers
    """Return how two numbers compare where the one found may be rounded."""
    if sent == found:
        return "equal"
    try:
        return "different" if abs(sent - found) >= 1 else "unknown"
    except OverflowError:  # one is a float, the other far beyond any
        return "different"


def _parsed(value: object) -> object:
    """Return the boolean or the number in a text; any other value as it is."""
    try:
        is_short = isinstance(value, str) and len(value) <= _MAX_NUMBER
        parsed = json.loads(str(value)) if is_short else value
    except ValueError:
        return value
    return parsed if isinstance(parsed, bool) or _is_number(parsed) else value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _form(value: object) -> str:
    """Return JSON in which the order of the items of a list does not count."""
    return json.dumps(_ordered(value), sort_keys=True)


def _ordered(value: object) -> object:
    if isinstance(value, list):
        return sorted(map(_ordered, value), key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, dict):
        return {name: _ordered(item) for name, item in value.items()}
    return normalize_text(value) if isinstance(value, str) else value


def _is_same_instant(text: str, other: str) -> bool:
    return _instant(text) is not None and _instant(text) == _instant(other)


def _text(sent: object, found: object) -> Comparison:
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return "unknown"
    texts = str(sent), str(found)
    if normalize_text(texts[0]) == normalize_text(texts[1]):
        return "equal"
    return "unknown" if fold_text(texts[0]) == fold_text(texts[1]) else "different"


def _instant(value: object) -> float | None:
    """Return the seconds since the epoch of a time; None if it is none, or has no zone."""
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
        return moment.timestamp() if moment is not None and moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _has_id(value: object) -> bool:
    return isinstance(value, dict) and "id" in value
