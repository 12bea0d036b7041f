"""What a query may ask of each collection."""

from __future__ import annotations

import pytest

from sandbox.fourme.collection import CIS, KNOWLEDGE_ARTICLES, NOTES, REQUESTS, Collection
from sandbox.fourme.fields import REFERENCES


@pytest.mark.parametrize("collection", [CIS, KNOWLEDGE_ARTICLES, NOTES, REQUESTS])
def test_a_collection_is_consistent(collection: Collection) -> None:
    """What can be filtered, sorted and shown is known, and has a kind where one is needed."""
    used = {*collection.filterable, *map(collection.field, collection.sortable)}
    assert used <= set(collection.kinds)
    assert {*collection.kinds, *collection.shown} <= collection.known
    assert collection.sort.removeprefix("-") in collection.sortable


def test_requests_have_the_documented_fields() -> None:
    """25 filters, 13 fields to sort by, and 14 by default: `source` is not among those."""
    counts = (len(REQUESTS.filterable), len(REQUESTS.sortable), len(REQUESTS.shown))
    assert counts == (25, 13, 14)
    assert "source" in REQUESTS.filterable
    assert "source" not in {*REQUESTS.shown, *REQUESTS.sortable}


def test_kinds_are_those_of_the_fields() -> None:
    """Every reference that can be written is filtered as a reference, and nothing else is."""
    references = {name for name, kind in REQUESTS.kinds.items() if kind == "reference"}
    written = {name for name in REQUESTS.filterable if name in REFERENCES}
    assert references - written == {"created_by", "organization"}  # 4me sets these


@pytest.mark.parametrize(
    ("name", "field"),
    [("team", "team"), ("team_id", "team"), ("id", "id"), ("source_id", "source_id")],
)
def test_a_reference_may_be_written_with_its_suffix(name: str, field: str) -> None:
    """As in the documented filters, `team_id` is `team`; no other field has a suffix."""
    assert REQUESTS.field(name) == field
