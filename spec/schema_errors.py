"""What is wrong with a coerced spec, by jsonschema, in words for users.

jsonschema's own messages show values; the messages here are made of the other attributes of its
errors: `validator`, the keyword that is violated, `validator_value`, its value in the schema,
`instance`, the value that violates it, `schema`, the part of the schema for this value.
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from jsonschema import Draft7Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from spec.fast_path import (
    DATETIME_FORMAT,
    MAX_BYTES,
    ONE_OF,
    fits_bytes,
    has_one_of,
    is_datetime,
    is_integer,
    wrong_alternatives,
)
from spec.problems import Problem
from spec.unknown_names import explained_names, suggestion, unknown_names
from spec.values import join_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from spec.coercion import CoercedSpec
    from spec.schema import Schema, SpecSchema
    from spec.unknown_names import UnknownName

_MAX_SHOWN = 60  # characters of a value in a message
_EMPTY_VARIABLE = "A variable in the workflow was probably empty."
_UNCLEARABLE = "It cannot be cleared; leave it out to keep its value."
_EXPECTED = {
    "id": "Give a whole number greater than 0.",
    "request_id": 'Give the number of the request, a whole number, also as "#80339", or the '
    "address of its page, as https://ACCOUNT.4me.com/requests/80339.",
    "reference": "Give the id of the record, a whole number greater than 0, or an object with an "
    "`id`, such as an earlier step's output.",
    "boolean": "Give true or false (also 1, T, Y, YES, ON and 0, F, N, NO, OFF).",
    "integer": "Give a whole number.",
    "duration": 'Give minutes, such as 90, or "h:mm", such as "1:30".',
    "enum": "Give one of the documented values, as text.",
    "string": "Give text; where YAML reads something else, put it in quotes.",
    "text": "Give text; where YAML reads something else, put it in quotes.",
    "datetime": "Give a date and time such as 2026-11-21T17:30, optionally with seconds and a "
    "zone (Z or +01:00).",
    "media_type": "Give a media type such as text/plain, or text/plain; charset=utf-8.",
    "custom_fields": "Give a list of {id, value}, or an object {id: value}.",
    "strings": "Give a list of texts.",
    "attachments": "Give a list of attachments, or one.",
    "conditions": "Give an object {field: value} or {field: [values]}.",
    "object": "Give an object.",
    "host": "Give a host such as https://api.4me.com.",
    "secret": "Give the token as text: printable ASCII characters without spaces.",
}


def iter_problems(coerced: CoercedSpec, schema: SpecSchema) -> Iterator[Problem]:
    """Yield what is wrong with a coerced spec, in the order in which jsonschema finds it."""
    for error in _validator(schema.document).iter_errors(coerced.spec):
        path = _path_of(error, coerced)
        value: Any = error.instance
        unknown = unknown_names(path, value, _entry_of(error), schema)
        if error.validator == "required":
            yield from _missing(path, error, unknown, coerced)
        elif error.validator == ONE_OF:
            yield from _not_one_of(path, error, unknown)
        elif error.validator == "additionalProperties":
            for item in unknown:
                yield Problem(join_path(path, item.name), "is not a known input", item.hint)
        else:
            yield Problem(path, *_message(error))
    yield from _wrong_alternatives(coerced, schema)


def value_problem(path: str, value: object, schema: Schema) -> Problem:
    """Return what is wrong with a value that does not satisfy its schema."""
    return Problem(path, *_message(next(_validator(schema).iter_errors(value))))


def _validator(schema: Schema) -> Draft7Validator:
    formats = FormatChecker(formats=())
    formats.checks(DATETIME_FORMAT, raises=ValueError)(is_datetime)
    types = Draft7Validator.TYPE_CHECKER.redefine("integer", lambda _, value: is_integer(value))
    kind = extend(  # type: ignore[no-untyped-call]  # types-jsonschema has no types for it
        Draft7Validator, {MAX_BYTES: _check_bytes, ONE_OF: _check_one_of}, type_checker=types
    )
    validator: Draft7Validator = kind(schema, format_checker=formats)
    return validator


def _check_bytes(_: object, limit: int, value: object, __: object) -> Iterator[ValidationError]:
    if not fits_bytes(value, limit):
        yield ValidationError("too many bytes")


def _check_one_of(
    _: object, groups: Sequence[Sequence[str]], value: object, __: object
) -> Iterator[ValidationError]:
    if isinstance(value, dict) and not has_one_of(value, groups):
        yield ValidationError("not one of the groups")


def _missing(
    path: str, error: ValidationError, unknown: Iterable[UnknownName], coerced: CoercedSpec
) -> Iterator[Problem]:
    value: Any = error.instance
    required: Any = error.validator_value
    known = {*value, *explained_names(unknown)}
    for name in required:
        if name not in known:
            yield Problem(join_path(path, name), "is missing", _missing_hint(name, value, coerced))


def _not_one_of(
    path: str, error: ValidationError, unknown: Iterable[UnknownName]
) -> Iterator[Problem]:
    value: Any = error.instance
    groups: Any = error.validator_value
    names = {*value, *explained_names(unknown)}
    given = [group for group in groups if names.intersection(group)]
    hint = f"Give {', or '.join(' and '.join(f'`{name}`' for name in group) for group in groups)}."
    if not given:
        yield Problem(path, "is incomplete", hint)
    elif given[1:]:
        first = "` and `".join(name for name in given[0] if name in names)
        wrong = f"cannot be given together with `{first}`"
        others = [name for group in given[1:] for name in group if name in value]
        yield from (Problem(join_path(path, name), wrong, hint) for name in others)
    else:
        missing = [name for name in given[0] if name not in names]
        yield from (Problem(join_path(path, name), "is missing", hint) for name in missing)


def _wrong_alternatives(coerced: CoercedSpec, schema: SpecSchema) -> Iterator[Problem]:
    """Yield a problem for each input that is not given exactly once with its alternative."""
    spec = coerced.spec
    for path, other in wrong_alternatives(spec, schema):
        place, name = ".".join(path), path[-1]
        parents = {"": (spec, schema.document)}
        if path[1:]:
            parents[path[0]] = (spec[path[0]], schema.document["properties"][path[0]])
        unknown = [unknown_names(parent, *parents[parent], schema) for parent in parents]
        if other in spec:
            yield Problem(place, f"and {other} are both given", f"Keep `{name}` or `{other}`.")
        elif {name, other}.isdisjoint(explained_names(chain(*unknown))):
            hint = _missing_hint(name, [*parents.values()][-1][0], coerced)
            yield Problem(place, "is missing", hint or f"Give it, or `{other}`.")


def _entry_of(error: ValidationError) -> dict[str, Any]:
    """Return the part of the schema for the value; reduced schemas have no booleans as schemas."""
    entry: Any = error.schema
    return dict(entry)


def _message(error: ValidationError) -> tuple[str, str]:
    """Return what is wrong with a value, and what would be right."""
    value: Any = error.instance
    limit: Any = error.validator_value
    shown = f"is {_shown(error)}"
    hint = _EXPECTED.get(_entry_of(error).get("x-4me-type", ""), "")
    match error.validator:
        case "type" | "pattern" if isinstance(value, str) and not value.strip():
            if _entry_of(error).get("x-4me-idempotent") is False:
                hint = _empty_hint(_entry_of(error)["x-4me-type"])
            return "is blank" if value else "is empty", hint
        case "type":
            return f"{shown}, which is not {_with_article(str(limit))}", hint
        case "enum":
            hint = f"Allowed are: {', '.join(limit)}.{suggestion(value, limit)}"
            return f"{shown}, which is not allowed", hint
        case "format":
            return f"{shown}, which is {'not a real date' if error.cause else 'not valid'}", hint
        case "minLength":
            is_field = [*error.absolute_path][:1] == ["request"]
            return "is empty", _UNCLEARABLE if is_field else _EMPTY_VARIABLE
        case "minimum" | "maximum" as rule:
            return shown, f"It must be at {'least' if rule == 'minimum' else 'most'} {limit}."
        case "maxLength":
            return f"has {len(value)} characters", f"At most {limit} are allowed."
        case "x-4me-max-bytes":
            size = len(value.encode())
            return f"has {size} bytes", f"At most {limit} are allowed (64 KB of UTF-8)."
        case _:
            is_secret = _entry_of(error).get("writeOnly", False)
            found = f"{shown}, which is not valid"
            return "contains characters that are not allowed" if is_secret else found, hint


def _empty_hint(kind: str) -> str:
    """Return the hint for an empty text that would be added to the request."""
    expected = "" if kind == "text" else f" {_EXPECTED[kind]}"
    return f"{_EMPTY_VARIABLE}{expected} Leave it out to add nothing."


def _with_article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _missing_hint(name: str, instance: Iterable[str], coerced: CoercedSpec) -> str:
    if name == "request_id" and "id" in coerced.ignored:
        return "The read-only `id` is not used; name the request in `request_id`."
    return suggestion(name, instance, "Did you mean it by").strip()


def _path_of(error: ValidationError, coerced: CoercedSpec) -> str:
    """Return where an error is, as in `request.custom_fields[0].id`, in the user's spelling."""
    path = ""
    for depth, part in enumerate(error.absolute_path):
        is_field = depth == 1 and path == "request"
        name = coerced.aliases_used.get(str(part), part) if is_field else part
        path = f"{path}[{name}]" if isinstance(name, int) else join_path(path, str(name))
    return path


def _shown(error: ValidationError) -> str:
    """Return how a message shows the value: no secrets, no notes, no long texts."""
    value, entry = error.instance, _entry_of(error)
    if entry.get("writeOnly"):
        return "set to something"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    hidden = entry.get("type") in ("object", "array") or entry.get("x-4me-private", False)
    if isinstance(value, str) and hidden:
        return f"a text of length {len(value)}"
    if value is None:
        return "null"
    text = repr(value)  # never a part of it: secrets are recognised only as a whole
    return text if len(text) <= _MAX_SHOWN else f"{type(value).__name__} of {len(text)} characters"
