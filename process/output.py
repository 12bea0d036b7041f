"""What a run publishes, neutral to the operation that makes it and the engine that takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from process.errors import Applied


class ResultSpec(NamedTuple):
    """One result: a small value that every engine can carry as plain text.

    Attributes:
        name: what engines call it.
        description: what users read about it.
        max_size: the longest text, in bytes as Go writes it into JSON.
        truncatable: whether a longer text is cut. Any other value would mean something else when
            cut, so it is left empty.
    """

    name: str
    description: str
    max_size: int
    truncatable: bool = False


class OutputSpec(NamedTuple):
    """What an operation publishes.

    Attributes:
        values: the names of its JSON values, the main one first.
        results: its results.
    """

    values: Sequence[str]
    results: Sequence[ResultSpec]


class Link(NamedTuple):
    """A link to what a run has worked on.

    Attributes:
        name: the value that it belongs to.
        label: its text.
        url: its address.
    """

    name: str
    label: str
    url: str


class Output(NamedTuple):
    """What a run publishes.

    Attributes:
        values: JSON values by name; None for one that this run has no value for.
        results: plain texts by name, not yet cut to their size.
        link: a link for people; None without one.
        applied: whether the run has changed anything, should publishing fail.
    """

    values: Mapping[str, Any]
    results: Mapping[str, str]
    link: Link | None
    applied: Applied
