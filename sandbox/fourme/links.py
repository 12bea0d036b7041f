"""The records that are linked to a request: its CIs and knowledge articles.

Documented: a PATCH of the field replaces all that are linked. An assumption: what nobody linked
otherwise is the record in the field alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: The field of a request that each collection of linked records follows.
FIELDS: Mapping[str, str] = {"cis": "ci", "knowledge_articles": "knowledge_article"}

Section = dict[str, dict[str, list[int]]]


def is_valid(entry: object) -> bool:
    """Whether an entry of the data is lists of ids by collection, such as `{cis: [1, 2]}`."""
    return isinstance(entry, dict) and all(
        name in FIELDS and isinstance(ids, list) and all(isinstance(number, int) for number in ids)
        for name, ids in entry.items()
    )


def ids(section: Section, request: Mapping[str, object], collection: str) -> list[int]:
    """Return the ids of what is linked to a request.

    Args:
        section: The links of the data, by the request's id and the collection.
        request: The request.
        collection: `cis` or `knowledge_articles`.
    """
    known = section.get(str(request["id"]), {}).get(collection)
    if known is not None:
        return known
    value = request.get(FIELDS[collection])
    return [int(value["id"])] if isinstance(value, dict) else []


def replaced(section: Section, number: int, changed: Iterable[str]) -> Section:
    """Return the links without those that the changed fields of a request replace."""
    entry = {
        name: known
        for name, known in section.get(str(number), {}).items()
        if FIELDS[name] not in changed
    }
    return {**section, str(number): entry} if str(number) in section else section
