"""Names in a spec that are no inputs: what was probably meant, and where they belong."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from spec.schema import SpecSchema


class UnknownName(NamedTuple):
    """A name that is no input where it stands.

    Attributes:
        name: the name.
        hint: what to do.
        explains: the names that are missing only because of it.
    """

    name: str
    hint: str
    explains: Collection[str] = ()


def explained_names(unknown: Iterable[UnknownName]) -> Iterator[str]:
    """Yield the names that are missing only because of unknown ones."""
    for item in unknown:
        yield from item.explains


def unknown_names(
    path: str, value: Mapping[str, Any], entry: Mapping[str, Any], schema: SpecSchema
) -> Iterator[UnknownName]:
    """Yield the names in an object that are none of its schema's, where it allows no others."""
    if entry.get("additionalProperties") is not False:
        return
    known = list(schema.fields if path == "request" else entry["properties"])
    for name, item in value.items():
        if name not in known:
            yield _misplaced(path, name, item, schema) or _misspelt(name, known)


def _misplaced(path: str, name: str, value: object, schema: SpecSchema) -> UnknownName | None:
    """Return a name that belongs elsewhere; None for any other."""
    if path == "request" and name in schema.inputs:
        return UnknownName(name, "It belongs at the top of the spec, beside `request`.", [name])
    if path:
        return None
    if name in schema.fields:
        return UnknownName(name, "It belongs under `request`.", ["request"])
    inputs = [item for item in value if item in schema.inputs] if isinstance(value, dict) else []
    if name == "spec" and inputs:
        return UnknownName(name, "Leave out `spec:`, and keep what is below it.", inputs)
    if inputs:
        return UnknownName(name, f"Write `{'`, `'.join(inputs)}` at the top of the spec.")
    return None


def _misspelt(name: str, known: Iterable[str]) -> UnknownName:
    similar = _most_similar(name, known)
    if similar is None:
        return UnknownName(name, "See the README for the known inputs.")
    return UnknownName(name, f"Did you mean `{similar}`?", [similar])


def suggestion(value: object, known: Iterable[object], words: str = "Did you mean") -> str:
    """Return " Did you mean `WORD`?" with the most similar known word; nothing without any."""
    similar = _most_similar(value, known)
    return "" if similar is None else f" {words} `{similar}`?"


def _most_similar(value: object, known: Iterable[object]) -> str | None:
    by_lower = {str(word).lower(): str(word) for word in known}
    matches = get_close_matches(str(value).lower().strip(), by_lower, n=1, cutoff=0.7)
    return by_lower[matches[0]] if matches else None
