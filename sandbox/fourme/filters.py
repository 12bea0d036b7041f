"""The filters of a collection: the condition that a value in the query stands for.

Documented (filtering): the operators; sets for numbers and enumerations only, comparisons and
ranges for numbers and times only; text is case sensitive; the words that stand for a target.
Assumptions: references accept sets; a text that starts with `!`, `<` or `>` reads as an operator,
and one with a comma as a set: none of them can be escaped; a blank value differs from every other;
what is compared with a blank value or a word is not found; all error messages but `Cannot apply the
'=' operator to a set of values`.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from sandbox.clock import ACCOUNT_ZONE

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What kind of value a field has.
Kind = Literal["enumeration", "integer", "reference", "text", "time"]

#: A value as it is compared: a time in seconds since the epoch, a reference by its id.
Comparable = str | float | None

#: Whether the value of a field meets a filter.
Condition = Callable[[object], bool]

_SETS: tuple[Kind, ...] = ("enumeration", "integer", "reference")
_RANGES: tuple[Kind, ...] = ("integer", "time")
_TARGETS = ("best_effort", "clock_stopped", "no_target")
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COMPARISON = re.compile(r"(<=|>=|<|>)([^<>=]+)")
_RANGE = re.compile(rf"(?:{_COMPARISON.pattern}){{1,2}}")
_WHOLE = re.compile(r"-?[0-9]{1,18}")


class QueryError(ValueError):
    """An invalid query; the message is that of the 400."""


def condition(name: str, kind: Kind, text: str, *, ignore_case: bool = False) -> Condition:
    """Return a filter as a function of the field's value.

    Args:
        name: The field.
        kind: Its kind.
        text: The value in the query, with its operator.
        ignore_case: Whether texts are compared without their case.

    Raises:
        QueryError: The value or its operator is invalid for this kind.
    """
    if text in ("", "!"):  # blank, and present
        return lambda value: (value is None) is (text == "")
    if text[0] in "<>":
        return _range(name, kind, text)
    sign = "!=" if text.startswith("!") else "="
    texts = text.removeprefix("!").split(",")
    if len(texts) > 1 and kind not in _SETS:
        raise QueryError(
            f"Cannot apply the '{sign}' operator to a set of values for field '{name}'"
        )
    fold = str.casefold if ignore_case and kind == "text" else str
    wanted = {_parsed(name, kind, fold(item)) for item in texts}
    if kind == "text":
        return lambda value: (value is not None and fold(str(value)) in wanted) is (sign == "=")
    return lambda value: (comparable(kind, value) in wanted) is (sign == "=")


def comparable(kind: Kind, value: Any) -> Comparable:  # noqa: ANN401 - any field of a record
    """Return the value of a field as it is compared; the word for a target as it is."""
    if value is None:
        return None
    if kind == "reference":
        return float(value["id"])
    if kind == "integer":
        return float(value)
    return _moment(str(value)) if kind == "time" and value not in _TARGETS else str(value)


def _range(name: str, kind: Kind, text: str) -> Condition:
    if kind not in _RANGES:
        sign = text[:2] if text[1:2] == "=" else text[0]
        raise QueryError(f"Cannot apply the '{sign}' operator to field '{name}'")
    if not _RANGE.fullmatch(text):
        raise _invalid(name)
    ends = [
        (_COMPARISONS[sign], _parsed(name, kind, item)) for sign, item in _COMPARISON.findall(text)
    ]

    def is_within(value: object) -> bool:
        known = comparable(kind, value)
        return isinstance(known, float) and all(
            isinstance(end, float) and compare(known, end) for compare, end in ends
        )

    return is_within


def _parsed(name: str, kind: Kind, text: str) -> Comparable:
    if kind in ("integer", "reference"):
        if not _WHOLE.fullmatch(text):
            raise _invalid(name)
        return float(text)
    if kind != "time" or (text in _TARGETS and name.endswith("_target_at")):
        return text
    try:
        return _moment(text)
    except ValueError:
        raise _invalid(name) from None


def _invalid(name: str) -> QueryError:
    return QueryError(f"Invalid value for field {name}")


def _moment(text: str) -> float:
    """Return a time in seconds since the epoch; without a zone it is in the user's."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=ACCOUNT_ZONE)).timestamp()
