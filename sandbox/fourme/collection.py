"""What a query may ask of each collection of the API: filters, order and fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sandbox.fourme import fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.fourme.filters import Kind

#: The order of a collection: as the caller asks, or a fixed one that ignores `sort`.
SortOrder = Literal["asked", "ascending", "descending"]


@dataclass(frozen=True)
class Collection:
    """What a query may ask of a collection.

    Attributes:
        kinds: The kinds of the fields that can be filtered or sorted by.
        filterable: The fields that can be filtered by; a reference also with `_id` at its end.
        sortable: The names that `sort` accepts.
        known: All fields of a record.
        shown: The fields that are shown by default; empty for all.
        sort: The default order.
        order: `asked`, or the fixed order by id of a server that ignores `sort`.
        ignore_case: Whether text filters ignore case.
    """

    kinds: Mapping[str, Kind]
    filterable: tuple[str, ...]
    sortable: tuple[str, ...]
    known: frozenset[str]
    shown: tuple[str, ...] = ()
    sort: str = "id"
    order: SortOrder = "asked"
    ignore_case: bool = False

    def field(self, name: str) -> str:
        """Return the field of a name: `team` for `team_id`, as the documented filters write it."""
        reference = name.removesuffix("_id")
        return reference if self.kinds.get(reference) == "reference" else name


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _kinds(names: Mapping[Kind, str]) -> dict[str, Kind]:
    return {name: kind for kind, known in names.items() for name in known.split()}


_REQUEST_KINDS = _kinds(
    {
        "enumeration": "category grouping impact major_incident_status status",
        "integer": "id",
        "reference": "created_by grouped_into knowledge_article member organization requested_by "
        "requested_for service_instance team template workflow",
        "text": "source sourceID subject supplier_requestID",
        "time": "completed_at created_at next_target_at updated_at",
    }
)

#: Documented: the filterable and sortable fields, those shown by default (`source` is not among
#: them), and that the newest request comes first.
REQUESTS = Collection(
    kinds=_REQUEST_KINDS,
    filterable=tuple(_REQUEST_KINDS),
    sortable=_words(
        "id sourceID subject category impact status next_target_at completed_at team member "
        "service_instance created_at updated_at"
    ),
    known=frozenset(fields.blank()) | {"archived", "trashed"},
    shown=_words(
        "id sourceID subject category impact status next_target_at completed_at team member "
        "grouped_into service_instance created_at updated_at"
    ),
    sort="-id",
)

#: Documented: filters, order, and that the oldest note comes first.
NOTES = Collection(
    kinds=_kinds(
        {"enumeration": "medium", "integer": "id", "reference": "person", "time": "created_at"}
    ),
    filterable=("created_at", "medium", "person"),
    sortable=("created_at", "id", "person_id"),
    known=frozenset(
        _words(
            "account attachments created_at id internal internal_account medium nodeID person text"
        )
    ),
)

#: Documented: the fields shown by default, what can be sorted by, and the order by label.
#: An assumption: the CIs of a request can't be filtered.
CIS = Collection(
    kinds=_kinds(
        {
            "enumeration": "status",
            "integer": "id",
            "reference": "support_team",
            "text": "sourceID label name",
            "time": "created_at updated_at",
        }
    ),
    filterable=(),
    sortable=_words("id sourceID label name status support_team created_at updated_at"),
    known=frozenset(
        _words(
            "account assetID created_at disabled id label name nodeID product rule_set serial_nr "
            "service software source sourceID status support_team systemID updated_at"
        )
    ),
    shown=_words(
        "id sourceID software label name status product rule_set support_team service created_at "
        "updated_at"
    ),
    sort="label",
)

#: All of it is an assumption, after the other collections.
KNOWLEDGE_ARTICLES = Collection(
    kinds=_kinds({"integer": "id", "text": "subject", "time": "created_at updated_at"}),
    filterable=(),
    sortable=_words("id subject created_at updated_at"),
    known=frozenset(
        _words(
            "account created_at description id nodeID service source sourceID status subject "
            "updated_at"
        )
    ),
    shown=_words("id sourceID service status subject created_at updated_at"),
)
