"""What is wrong with a converted spec, by jsonschema, in words for users."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

from jsonschema import Draft7Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from spec.formats import FORMATS, MAX_BYTES, fits_bytes, is_integer
from spec.json_values import join_path
from spec.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from spec.coercion import CoercedSpec
    from spec.schema import SpecSchema

_MAX_SHOWN = 60  # characters of a value in a message
_EXPECTED = {
    "id": "Give the number of the request, a whole number greater than 0.",
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
    "object": "Give an object.",
    "host": "Give a host such as https://api.4me.com.",
    "secret": "Give the token as text: printable ASCII characters without spaces.",
}


def iter_problems(coerced: CoercedSpec, schema: SpecSchema) -> Iterator[Problem]:
    """Yield what is wrong with a converted spec, in the order in which jsonschema finds it."""
    for error in _validator(schema).iter_errors(coerced.spec):
        yield from _problems_of(error, coerced, schema)


def _validator(schema: SpecSchema) -> Draft7Validator:
    checks = FormatChecker(formats=())
    for name, check in FORMATS.items():
        checks.checks(name, raises=ValueError)(check)
    kind = extend(  # type: ignore[no-untyped-call]  # types-jsonschema has no types for it
        Draft7Validator,
        {MAX_BYTES: _check_bytes},
        type_checker=Draft7Validator.TYPE_CHECKER.redefine(
            "integer", lambda _, value: is_integer(value)
        ),
    )
    validator: Draft7Validator = kind(schema.document, format_checker=checks)
    return validator


def _check_bytes(_: object, limit: int, value: object, __: object) -> Iterator[ValidationError]:
    if not fits_bytes(value, limit):
        yield ValidationError("too many bytes")


class _Violation(NamedTuple):
    """An error of jsonschema without its message, which shows values.

    Attributes:
        rule: the schema keyword that is not satisfied, such as `maximum`.
        limit: its value in the schema.
        value: the value that violates it.
        entry: the part of the schema for this value.
        cause: what a format check raised.
    """

    rule: str
    limit: Any
    value: Any
    entry: Mapping[str, Any]
    cause: Exception | None

    @property
    def kind(self) -> str:
        """The documented type of the value."""
        return str(self.entry.get("x-4me-type", ""))


def _problems_of(
    error: ValidationError, coerced: CoercedSpec, schema: SpecSchema
) -> Iterator[Problem]:
    """Yield what an error of jsonschema means to a user."""
    entry = error.schema if isinstance(error.schema, dict) else {}
    cause = error.cause if isinstance(error.cause, Exception) else None
    violation = _Violation(
        str(error.validator), error.validator_value, error.instance, entry, cause
    )
    path = _path_of(error, coerced)
    if violation.rule == "required":
        yield from _missing(path, violation, coerced)
    elif violation.rule == "additionalProperties":
        yield from _unknown(path, violation, schema)
    else:
        yield Problem(path, *_message(violation))


def _missing(path: str, violation: _Violation, coerced: CoercedSpec) -> Iterator[Problem]:
    for name in violation.limit:
        if name not in violation.value:
            hint = _missing_hint(name, violation.value, coerced)
            yield Problem(join_path(path, name), "is missing", hint)


def _unknown(path: str, violation: _Violation, schema: SpecSchema) -> Iterator[Problem]:
    known = list(schema.fields if path == "request" else violation.entry["properties"])
    for name in violation.value:
        if name not in known:
            yield Problem(join_path(path, name), "is not a known input", _nearest(name, known))


def _message(violation: _Violation) -> tuple[str, str]:
    """Return what is wrong with a value, and what would be right."""
    message = _MESSAGES.get(violation.rule)
    if message is not None:
        return message(violation)
    return f"is {_shown(violation)}, which is not valid", _EXPECTED.get(violation.kind, "")


def _wrong_type(violation: _Violation) -> tuple[str, str]:
    if _is_blank(violation.value):
        return _blank(violation)
    wrong = f"is {_shown(violation)}, which is not {_with_article(str(violation.limit))}"
    return wrong, _EXPECTED.get(violation.kind, "")


def _wrong_pattern(violation: _Violation) -> tuple[str, str]:
    if _is_blank(violation.value):
        return _blank(violation)
    return f"is {_shown(violation)}, which is not valid", _EXPECTED.get(violation.kind, "")


def _is_blank(value: object) -> bool:
    return isinstance(value, str) and not value.strip()


def _blank(violation: _Violation) -> tuple[str, str]:
    hint = _EXPECTED.get(violation.kind, "")
    if violation.entry.get("x-4me-idempotent") is False:
        hint = f"Usually a variable was empty. {hint} Leave it out to add nothing."
    return "is empty" if violation.value == "" else "is blank", hint


def _not_allowed(violation: _Violation) -> tuple[str, str]:
    allowed = ", ".join(map(str, violation.limit))
    suggestion = _suggestion(violation.value, violation.limit)
    return f"is {_shown(violation)}, which is not allowed", f"Allowed are: {allowed}.{suggestion}"


def _bad_format(violation: _Violation) -> tuple[str, str]:
    wrong = "no real date" if violation.cause else "not valid"
    return f"is {_shown(violation)}, which is {wrong}", _EXPECTED[violation.kind]


_MESSAGES: Mapping[str, Callable[[_Violation], tuple[str, str]]] = {
    "type": _wrong_type,
    "enum": _not_allowed,
    "format": _bad_format,
    "pattern": _wrong_pattern,
    "maxLength": lambda violation: (
        f"has {len(violation.value)} characters",
        f"At most {violation.limit} are allowed.",
    ),
    MAX_BYTES: lambda violation: (
        f"has {len(violation.value.encode())} bytes",
        f"At most {violation.limit} are allowed (64 KB of UTF-8).",
    ),
    "minLength": lambda _: ("is empty", "It cannot be cleared; leave it out to keep its value."),
    "minimum": lambda violation: (
        f"is {_shown(violation)}",
        f"It must be at least {violation.limit}.",
    ),
    "maximum": lambda violation: (
        f"is {_shown(violation)}",
        f"It must be at most {violation.limit}.",
    ),
}


def _with_article(kind: str) -> str:
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def _missing_hint(name: str, instance: Iterable[str], coerced: CoercedSpec) -> str:
    if name == "request_id" and "id" in coerced.ignored:
        return "The read-only `id` is not used; name the request in `request_id`."
    return _suggestion(name, instance, "Did you mean it by").strip()


def _nearest(name: str, known: Iterable[str]) -> str:
    return _suggestion(name, known).strip() or "See the README for the known inputs."


def _suggestion(value: object, known: Iterable[object], words: str = "Did you mean") -> str:
    """Return a question that names the nearest known word, with a space before it; or nothing."""
    by_lower = {str(word).lower(): str(word) for word in known}
    near = get_close_matches(str(value).lower().strip(), by_lower, n=1, cutoff=0.7)
    return f" {words} `{by_lower[near[0]]}`?" if near else ""


def _path_of(error: ValidationError, coerced: CoercedSpec) -> str:
    """Return where an error is, as in `request.custom_fields[0].id`, in the user's spelling."""
    path = ""
    for depth, part in enumerate(error.absolute_path):
        is_field = depth == 1 and path == "request"
        name = coerced.spelled.get(str(part), part) if is_field else part
        path = f"{path}[{name}]" if isinstance(name, int) else join_path(path, str(name))
    return path


def _shown(violation: _Violation) -> str:
    """Return a value to show in a message: no secrets, no notes, no long ones."""
    value, entry = violation.value, violation.entry
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
    text = repr(value)  # never a part of it: secrets are recognised as a whole
    return text if len(text) <= _MAX_SHOWN else f"{type(value).__name__} of {len(text)} characters"
