"""From a valid spec to the body of an update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from process.logs import escape_controls
from spec.problems import Problem
from transport.http import Idempotency

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from spec.schema import SpecSchema

NOTES = {"note": False, "internal_note": True}  # whether it is internal


class ExpectedNote(NamedTuple):
    """A note that an update adds."""

    text: str
    internal: bool


class UpdatePayload(NamedTuple):
    """One update of one request.

    Attributes:
        request_id: the ID of the request; 0 where it is not known yet.
        body: the JSON object to PATCH.
        non_idempotent_fields: those that add something each time they are sent.
        fields: the values that it sets, by the schema's names; an empty text clears a field.
        was_read: whether the request has been read before: then it exists.
        known_notes: the IDs of all notes of the request before; None where they were not read.
    """

    request_id: int
    body: Mapping[str, Any]
    non_idempotent_fields: tuple[str, ...] = ()
    fields: Mapping[str, Any] = {}
    was_read: bool = False
    known_notes: frozenset[int] | None = None

    @property
    def notes(self) -> tuple[ExpectedNote, ...]:
        """The notes that it adds."""
        names = [name for name in self.non_idempotent_fields if name in NOTES]
        return tuple(ExpectedNote(self.body[name], NOTES[name]) for name in names)

    @property
    def idempotency(self) -> Idempotency:
        """Whether sending the update twice has the same effect as sending it once."""
        if not self.non_idempotent_fields:
            return Idempotency.IDEMPOTENT
        return Idempotency.NON_IDEMPOTENT

    @property
    def private_texts(self) -> tuple[str, ...]:
        """The texts that no log may show."""
        return tuple(note.text for note in self.notes)

    @property
    def summary(self) -> str:
        """The fields that are sent, and the sizes of notes: for logs, without contents."""
        return escape_controls(", ".join(map(self._field_summary, self.body))) or "nothing"

    def _field_summary(self, name: str) -> str:
        size = len(self.body[name]) if isinstance(self.body[name], str | list) else 0
        if name in NOTES:
            return f"{name} ({size} characters)"
        return f"{name} ({size})" if name.endswith("_attachments") else name

    def oversized(self, schema: SpecSchema) -> Iterator[Problem]:
        """Yield the texts that have become too long by the keys of files shown inline."""
        for name in self.non_idempotent_fields:
            limit, text = schema.fields[name].max_bytes, self.body.get(name)
            size = len(text.encode()) if isinstance(text, str) else 0
            if limit and size > limit:
                wrong = f"has {size} bytes with the files that it shows; at most {limit} are"
                yield Problem(f"request.{name}", f"{wrong} allowed")


def build_payload(
    request: Mapping[str, Any], cleared: tuple[str, ...], schema: SpecSchema
) -> UpdatePayload:
    """Return the update for a valid request and the fields to clear.

    Attachments are still as the spec has them; see `operations.attachments`.
    """
    fields: dict[str, Any] = {}
    body: dict[str, Any] = {}
    non_idempotent: list[str] = []
    for name, value in request.items():
        field = schema.fields[name]
        if not field.idempotent and _adds_something(value):
            non_idempotent.append(name)
        if field.location == "merge":
            body.update(value)
        if field.location == "body":
            has_alias = isinstance(value, str) and value in field.value_aliases
            fields[name] = field.value_aliases[value] if has_alias else value
    fields.update(dict.fromkeys(cleared, ""))
    body.update((schema.fields[name].api_name, value) for name, value in fields.items())
    return UpdatePayload(request.get("request_id", 0), body, tuple(non_idempotent), fields)


def _adds_something(value: object) -> bool:
    """Return whether sending a value adds anything: not zero minutes, nor removed attachments."""
    if isinstance(value, list):
        return any(item.get("_destroy") is not True for item in value)
    return bool(value)
