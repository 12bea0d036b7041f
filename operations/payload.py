"""From a valid spec to what an update sends to 4me."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from operations.attachments import attach, files_of
from process.logs import escape_controls
from spec.problems import Problem
from transport.retry_policy import Idempotency

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fourme.files import File, UploadedFile
    from spec.schema import SpecSchema

_NOTES = {"note": False, "internal_note": True}


class ExpectedNote(NamedTuple):
    """A note that the update adds, by which it can be told whether the update has arrived."""

    text: str
    internal: bool


class UpdatePayload(NamedTuple):
    """One update of one request.

    Attributes:
        request_id: which request.
        body: the JSON object to PATCH.
        notes: the notes that it adds.
        non_idempotent_fields: the fields that add something each time they are sent.
        files: the files to upload first; until then `body` has them as the spec names them.
    """

    request_id: int
    body: Mapping[str, Any]
    notes: tuple[ExpectedNote, ...] = ()
    non_idempotent_fields: tuple[str, ...] = ()
    files: tuple[File, ...] = ()

    @property
    def idempotency(self) -> Idempotency:
        """What sending the update twice would do."""
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
        if name in _NOTES:
            return f"{name} ({size} characters)"
        return f"{name} ({size})" if name.endswith("_attachments") else name

    def with_uploads(
        self, stored: Mapping[tuple[str, int], UploadedFile], schema: SpecSchema
    ) -> UpdatePayload:
        """Return the update as it is sent, once its files are in 4me's storage."""
        body = attach(self.body, stored, schema)
        return self._replace(body=body, notes=_notes_in(body, self.non_idempotent_fields), files=())

    def oversized(self, schema: SpecSchema) -> Iterator[Problem]:
        """Yield the texts that have become too long by the keys of files shown inline."""
        for name in self.non_idempotent_fields:
            limit, text = schema.fields[name].max_bytes, self.body.get(name)
            size = len(text.encode()) if isinstance(text, str) else 0
            if limit and size > limit:
                wrong = (
                    f"has {size} bytes with the files that it shows; at most {limit} are allowed"
                )
                yield Problem(f"request.{name}", wrong)


def build_payload(
    request: Mapping[str, Any], cleared: tuple[str, ...], schema: SpecSchema
) -> UpdatePayload:
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
        if not known.idempotent and _adds_something(value):
            adds.append(name)
        if known.location == "merge":
            body.update(value)
        if known.location != "body":
            continue
        renamed = isinstance(value, str) and value in known.value_aliases
        body[known.api_name] = known.value_aliases[value] if renamed else value
    body.update((schema.fields[name].api_name, "") for name in cleared)
    return UpdatePayload(
        request["request_id"],
        body,
        _notes_in(body, adds),
        tuple(adds),
        files_of(request, schema),
    )


def _notes_in(body: Mapping[str, Any], adds: Iterable[str]) -> tuple[ExpectedNote, ...]:
    return tuple(ExpectedNote(body[name], _NOTES[name]) for name in adds if name in _NOTES)


def _adds_something(value: object) -> bool:
    """Return whether sending a value adds anything.

    No minutes do not, nor do attachments that are only removed.
    """
    if isinstance(value, list):
        return any(item.get("_destroy") is not True for item in value)
    return bool(value)
