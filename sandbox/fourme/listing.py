"""A collection as the API lists it: filtered, sorted, page by page.

Documented (pagination, sorting, field selection): parameters, defaults and limits, and the messages
`Unknown fields` and `Filtering not allowed on fields`. Assumptions: `page` beside `search_after`; a
`per_page` above the limit is reduced to it; references are sorted by id and enumerations by name,
blank values and the words for targets first; all other error messages.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.fourme.filters import QueryError, comparable, condition

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.fourme.collection import Collection
    from sandbox.fourme.filters import Condition, Kind

Record = dict[str, object]
Pairs = list[tuple[str, str]]
Key = tuple[str | float, int]

_PER_PAGE = 20
_MAX_PER_PAGE = 100
_PAGING = ("fields", "page", "per_page", "search_after", "sort")
_BLANK = float("-inf")  # before all numbers and times
_POSITIVE = re.compile(r"0*[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class Page:
    """One page of a collection.

    Attributes:
        items: Its records.
        headers: The pagination headers.
        following: The query of the next page; None for the last page.
    """

    items: list[Record]
    headers: dict[str, str]
    following: Pairs | None


@dataclass(frozen=True)
class _Sort:
    """A field to sort by, then the id; both ascending, or both descending."""

    field: str
    kind: Kind
    descending: bool

    @property
    def blank(self) -> str | float:
        """What a blank value is sorted as."""
        return "" if self.kind in ("enumeration", "text") else _BLANK

    def key(self, record: Record) -> Key:
        """Return the sort key of a record."""
        place = comparable(self.kind, record.get(self.field))
        number = record["id"]
        return (
            place if type(place) is type(self.blank) else self.blank,
            number if isinstance(number, int) else 0,
        )

    def is_after(self, record: Record, last: Key) -> bool:
        """Whether a record is sorted after the one with this key."""
        return self.key(record) < last if self.descending else self.key(record) > last


def page_of(collection: Collection, records: Sequence[Record], query: Pairs) -> Page:
    """Return the page that a query asks for.

    Args:
        collection: What may be asked for.
        records: All records, in any order.
        query: The parameters, decoded.

    Raises:
        QueryError: The query is invalid.
    """
    parameters = dict(query)
    conditions = _conditions(collection, query)
    sort = _sort(collection, parameters.get("sort", collection.sort))
    size = min(_count(parameters, "per_page", _PER_PAGE), _MAX_PER_PAGE)
    found = [
        record for record in records if all(is_met(record.get(name)) for name, is_met in conditions)
    ]
    found.sort(key=sort.key, reverse=sort.descending)
    before = _before(found, sort, size, parameters)
    items = found[before : before + size]
    following = None
    if len(found) > before + size:
        kept = [(name, value) for name, value in query if name not in ("page", "search_after")]
        following = [*kept, ("search_after", _encoded_cursor(sort.key(items[-1])))]
    shown = _with_fields(collection, items, parameters.get("fields"))
    return Page(shown, _headers(before, size, len(found)), following)


def _before(found: Sequence[Record], sort: _Sort, size: int, parameters: Mapping[str, str]) -> int:
    """Return how many records come before the page."""
    page = _count(parameters, "page", 1)
    if "search_after" not in parameters:
        return (page - 1) * size
    # By the key of the last record, not by its position: some may be added between two pages.
    last = _decoded_cursor(parameters["search_after"], sort)
    return sum(1 for record in found if not sort.is_after(record, last))


def _headers(before: int, size: int, total: int) -> dict[str, str]:
    """Return the pagination headers; names are lower case, as documented since 2024."""
    return {
        "x-pagination-per-page": str(size),
        "x-pagination-current-page": str(before // size + 1),
        "x-pagination-total-pages": str(max(-(-total // size), 1)),
        "x-pagination-total-entries": str(total),
    }


def _conditions(collection: Collection, query: Pairs) -> list[tuple[str, Condition]]:
    """Return the filters of a query, each with its field."""
    # `status!=assigned` is documented beside `status=!assigned`.
    filters = [
        (name.removesuffix("!"), "!" + text if name.endswith("!") else text)
        for name, text in query
        if name not in _PAGING
    ]
    names = [name for name, _ in filters]
    known = collection.known
    _reject("Unknown fields", [name for name in names if collection.field(name) not in known])
    wrong = [name for name in names if collection.field(name) not in collection.filterable]
    _reject("Filtering not allowed on fields", wrong)
    return [_condition(collection, name, text) for name, text in filters]


def _condition(collection: Collection, name: str, text: str) -> tuple[str, Condition]:
    field = collection.field(name)
    kind = collection.kinds[field]
    return field, condition(name, kind, text, ignore_case=collection.ignore_case)


def _sort(collection: Collection, text: str) -> _Sort:
    name = text.removeprefix("-")
    if name not in collection.sortable:
        known = name in collection.known
        _reject("Sorting not allowed on fields" if known else "Unknown fields", [name])
    if collection.order != "asked":
        return _Sort("id", "integer", collection.order == "descending")
    field = collection.field(name)
    return _Sort(field, collection.kinds[field], text.startswith("-"))


def _count(parameters: Mapping[str, str], name: str, default: int) -> int:
    text = parameters.get(name, str(default))
    if not _POSITIVE.fullmatch(text):
        raise QueryError(f"{name} must be a number greater than 0")
    return int(text)


def _with_fields(collection: Collection, items: list[Record], names: str | None) -> list[Record]:
    chosen = collection.shown if names is None else ("id", *filter(None, names.split(",")))
    _reject("Unknown fields", sorted({*chosen} - collection.known))
    wanted = set(chosen or collection.known)
    return [{name: value for name, value in item.items() if name in wanted} for item in items]


def _encoded_cursor(key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode("ascii").rstrip("=")


def _decoded_cursor(cursor: str, sort: _Sort) -> Key:
    try:
        place, number = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError):
        place = number = None
    if type(place) is not type(sort.blank) or not isinstance(number, int):
        raise QueryError("Invalid value for search_after")
    return place, number


def _reject(message: str, names: list[str]) -> None:
    if names:
        raise QueryError(f"{message}: {', '.join(names)}")
