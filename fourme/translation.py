"""A validated spec, to what is sent to 4me (contract section 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fourme.retry import Repeatable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourme.schema import SpecSchema

_NOTES = {"note": False, "internal_note": True}


@dataclass(frozen=True)
class ExpectedNote:
    """A note that the update adds, by which it can be told whether the update has arrived."""

    text: str
    internal: bool


@dataclass(frozen=True)
class Update:
    """One update of one request.

    Attributes:
        request_id: which request.
        body: the JSON object to PATCH.
        notes: the notes that it adds.
        adds: the names of all fields that add something each time they are sent.
    """

    request_id: int
    body: Mapping[str, Any]
    notes: tuple[ExpectedNote, ...] = ()
    adds: tuple[str, ...] = ()

    @property
    def repeatable(self) -> Repeatable:
        """What sending the update twice would do."""
        if not self.adds:
            return Repeatable.SETS
        return Repeatable.ADDS_VERIFIABLY if self.notes else Repeatable.ADDS

    @property
    def summary(self) -> str:
        """The fields that are sent, and the sizes of notes: for logs, without contents."""
        return ", ".join(map(self._field_summary, self.body)) or "nothing"

    def _field_summary(self, name: str) -> str:
        return f"{name} ({len(self.body[name])} characters)" if name in _NOTES else name


def translate(request: Mapping[str, Any], cleared: tuple[str, ...], schema: SpecSchema) -> Update:
    """Return the update that a validated request stands for.

    Args:
        request: the values of the spec's `request`, converted and valid.
        cleared: the fields to clear.
        schema: says how each field is sent.
    """
    body: dict[str, Any] = {}
    adds: list[str] = []
    for name, value in request.items():
        known = schema.fields[name]
        if known.place == "merge":
            body.update(value)
        if known.place != "body":
            continue
        renamed = isinstance(value, str) and value in known.renamed_values
        body[known.sent_as] = known.renamed_values[value] if renamed else value
        if known.adds and _adds_something(value):
            adds.append(name)
    body.update((schema.fields[name].sent_as, "") for name in cleared)
    notes = tuple(
        ExpectedNote(request[name], internal) for name, internal in _NOTES.items() if name in adds
    )
    return Update(request["request_id"], body, notes, tuple(adds))


def _adds_something(value: object) -> bool:
    """Return whether sending a value adds anything: blank notes, no minutes, no files do not."""
    return bool(value.strip()) if isinstance(value, str) else bool(value)
