"""The notes of a request as the API lists them: filtered, sorted, page by page.

Names, operators, defaults and limits are the documentation's (notes, filtering, sorting,
pagination). Assumptions: `page` beside `search_after`, a `per_page` above the limit is reduced to
it, and all error messages but `Unknown fields`, `Filtering not allowed on fields` and `Cannot apply
the '=' operator to a set of values`.
"""

from __future__ import annotations

import base64
import json
import operator
import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from sandbox.clock import ACCOUNT_ZONE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

#: The order in which notes are listed: as the caller asks, or a fixed one that ignores `sort`.
SortOrder = Literal["asked", "ascending", "descending"]

Note = dict[str, object]
Pairs = list[tuple[str, str]]

_PER_PAGE = 20
_MAX_PER_PAGE = 100
_PAGING = ("fields", "page", "per_page", "search_after", "sort")
_FIELDS = (
    "account",
    "attachments",
    "created_at",
    "id",
    "internal",
    "internal_account",
    "medium",
    "nodeID",
    "person",
    "text",
)
_FILTERABLE = ("created_at", "medium", "person")
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


@dataclass(frozen=True)
class Page:
    """One page of a list.

    Attributes:
        items: Its notes.
        headers: The pagination headers.
        following: The query of the next page; None for the last page.
    """

    items: list[Note]
    headers: dict[str, str]
    following: Pairs | None


@dataclass(frozen=True)
class _Sort:
    """A field to sort by, then the id; both ascending, or both descending."""

    field: str
    descending: bool

    def key(self, note: Note) -> tuple[float, int]:
        """Return the sort key of a note."""
        number = _number(note["id"])
        if self.field == "created_at":
            return _instant(str(note["created_at"])), number
        person = note.get("person")
        author = _number(person.get("id")) if isinstance(person, dict) else 0
        return (author if self.field == "person_id" else number), number

    def is_after(self, note: Note, last: tuple[float, int]) -> bool:
        """Whether a note is sorted after the one with this key."""
        return self.key(note) < last if self.descending else self.key(note) > last


def page_of(notes: Sequence[Note], query: Pairs, order: SortOrder = "asked") -> Page:
    """Return the page of notes that a query asks for.

    Args:
        notes: All notes of a request, in any order.
        query: The parameters, decoded.
        order: The order in which they are listed; `asked` for the one of the query.

    Raises:
        QueryError: The query is invalid.
    """
    _check_names(query)
    parameters = dict(query)
    sort = _sort(parameters.get("sort", "id"), order)
    size = min(_count(parameters, "per_page", _PER_PAGE), _MAX_PER_PAGE)
    found = sorted(_filtered(notes, query), key=sort.key, reverse=sort.descending)
    before = (_count(parameters, "page", 1) - 1) * size
    if "search_after" in parameters:
        # By the key of the last note, not by its position: notes may be added between two pages.
        last = _decoded_cursor(parameters["search_after"])
        before = sum(1 for note in found if not sort.is_after(note, last))
    items = found[before : before + size]
    following = None
    if len(found) > before + size:
        kept = [(name, value) for name, value in query if name not in ("page", "search_after")]
        following = [*kept, ("search_after", _encoded_cursor(sort.key(items[-1])))]
    headers = {
        "x-pagination-per-page": str(size),
        "x-pagination-current-page": str(before // size + 1),
        "x-pagination-total-pages": str(max(-(-len(found) // size), 1)),
        "x-pagination-total-entries": str(len(found)),
    }
    return Page(_with_fields(items, parameters.get("fields")), headers, following)


def _check_names(query: Pairs) -> None:
    names = [name for name, _ in query if name not in _PAGING]
    _reject("Unknown fields", [name for name in names if name not in _FIELDS])
    wrong = [name for name in names if name not in _FILTERABLE]
    _reject("Filtering not allowed on fields", wrong)


def _sort(text: str, order: SortOrder) -> _Sort:
    name = text.removeprefix("-")
    if name not in ("created_at", "id", "person_id"):
        known = "Sorting not allowed on fields" if name in _FIELDS else "Unknown fields"
        _reject(known, [name])
    if order != "asked":
        return _Sort("id", order == "descending")
    return _Sort(name, text.startswith("-"))


def _count(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, str(default))
    if not _WHOLE.fullmatch(text) or int(text) < 1:
        raise QueryError(f"{name} must be a number greater than 0")
    return int(text)


def _filtered(notes: Sequence[Note], query: Pairs) -> list[Note]:
    tests = [_test(name, value) for name, value in query if name in _FILTERABLE]
    return [note for note in notes if all(test(note) for test in tests)]


def _test(name: str, value: str) -> Callable[[Note], bool]:
    """Return a filter as a function of a note."""
    if value in ("", "!"):  # blank, and present: no note lacks any of these
        return lambda _note: value == "!"
    if name == "created_at":
        return _time_test(value)
    negated = value.startswith("!")
    values = set(value.removeprefix("!").split(","))
    if name == "person" and not all(map(_WHOLE.fullmatch, values)):
        raise QueryError(f"Invalid value for field {name}")
    return lambda note: (_plain(note.get(name)) in values) is not negated


def _time_test(value: str) -> Callable[[Note], bool]:
    def moment(note: Note) -> float:
        return _instant(str(note["created_at"]))

    if _RANGE.fullmatch(value):
        ends = [
            (_COMPARISONS[sign], _parsed_time(text)) for sign, text in _COMPARISON.findall(value)
        ]
        return lambda note: all(compare(moment(note), end) for compare, end in ends)
    if "," in value:
        raise QueryError("Cannot apply the '=' operator to a set of values for field created_at")
    wanted, negated = _parsed_time(value.removeprefix("!")), value.startswith("!")
    return lambda note: (moment(note) == wanted) is not negated


def _parsed_time(text: str) -> float:
    try:
        return _instant(text)
    except ValueError:
        raise QueryError("Invalid value for field created_at") from None


def _instant(text: str) -> float:
    """Return a time in seconds since the epoch; without a zone it is in the user's."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=ACCOUNT_ZONE)).timestamp()


def _plain(value: object) -> str:
    return str(value["id"]) if isinstance(value, dict) and "id" in value else str(value)


def _with_fields(items: list[Note], names: str | None) -> list[Note]:
    if names is None:
        return items
    wanted = {"id", *filter(None, names.split(","))}
    _reject("Unknown fields", sorted(wanted - set(_FIELDS)))
    return [{name: value for name, value in note.items() if name in wanted} for note in items]


def _encoded_cursor(key: tuple[float, int]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode("ascii").rstrip("=")


def _decoded_cursor(cursor: str) -> tuple[float, int]:
    try:
        place, number = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        return float(place), int(number)
    except (ValueError, TypeError):
        raise QueryError("Invalid value for search_after") from None


def _reject(message: str, names: list[str]) -> None:
    if names:
        raise QueryError(f"{message}: {', '.join(names)}")


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
