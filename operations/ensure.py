"""What of an update differs from the request, and so has to be sent by the mode `ensure`.

The fields that differ are sent, and those that the schema sends with them. A note is sent unless
the history has it, with its files, and with the time: that belongs to `note` if both are given.
"""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fourme.client import ErrorContext
from fourme.requests_api import RequestsApi
from operations.changes import Difference, differences, record_of
from operations.comparison import ComparedField, compare_fields
from operations.note_history import read_note_history, with_images
from operations.payload import NOTES, ExpectedNote, UpdatePayload, build_payload
from process.errors import AccessError, RejectedError
from process.logs import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourme.client import ApiClient
    from spec.schema import SpecSchema
    from spec.validation import Spec

logger = logging.getLogger("step.4me")


def needed_changes(
    spec: Spec, payload: UpdatePayload, request: Mapping[str, Any], api: ApiClient
) -> tuple[UpdatePayload, list[Difference]]:
    """Return the part of an update that is to be sent, and what it changes.

    Reads the notes if the update adds one, and the linked records if it replaces them.
    """
    parts = _note_parts(payload, spec.schema)
    of_notes = {name for names in parts.values() for name in names}
    fields = {name: value for name, value in payload.fields.items() if name not in of_notes}
    compared = [
        _with_linked(item, payload.request_id, spec.schema, api)
        for item in compare_fields(fields, request, spec.schema)
    ]
    differing = [item for item in compared if item.result != "equal"]
    names = _with_companions({_field_of(item) for item in differing}, fields, spec.schema)
    missing, known_notes = _missing_notes(payload, parts, spec.schema, api)
    added = [name for note in missing for name in parts[note]]
    to_send = {*names, *added}
    custom_ids = {item.name.partition(".")[2] for item in differing if "." in item.name}
    needed = build_payload(
        _reduced(spec.values["request"], to_send, custom_ids),
        tuple(name for name in spec.cleared if name in to_send),
        spec.schema,
    )
    changes = differences(differing, spec.schema, spec.aliases_used)
    changes += [_addition(name, payload.fields[name], spec) for name in added]
    needed = needed._replace(request_id=payload.request_id, was_read=True, known_notes=known_notes)
    return needed, changes


def _field_of(item: ComparedField) -> str:
    return item.name.partition(".")[0]


def _reduced(request: Mapping[str, Any], names: set[str], custom_ids: set[str]) -> dict[str, Any]:
    reduced = {name: value for name, value in request.items() if name in names}
    if custom_ids:
        items = request["custom_fields"]
        reduced["custom_fields"] = [item for item in items if item["id"] in custom_ids]
    return reduced


def _note_parts(payload: UpdatePayload, schema: SpecSchema) -> dict[str, list[str]]:
    """Return the fields that belong to each note of an update, the note itself first."""
    notes = [name for name in NOTES if name in payload.fields]
    parts = {
        note: [note, *(field.name for field in schema.fields.values() if field.inline_in == note)]
        for note in notes
    }
    if notes:
        parts[notes[0]] += ["time_spent", *schema.fields["time_spent"].sent_with["any"]]
    return {
        note: [name for name in names if payload.fields.get(name) not in (None, 0, [])]
        for note, names in parts.items()
    }


def _missing_notes(
    payload: UpdatePayload, parts: Mapping[str, list[str]], schema: SpecSchema, api: ApiClient
) -> tuple[list[str], frozenset[int] | None]:
    """Return the notes that are not there, and the IDs of all that are; None if not read."""
    if not parts:
        return [], None
    expected = {note: _expected(note, payload, schema) for note in parts}
    history = read_note_history(payload.request_id, [*expected.values()], api)
    for note, item in expected.items():
        if item in history.found:
            _log_found(note, history.found[item], parts[note][1:])
    return [note for note, item in expected.items() if item not in history.found], history.ids


def _expected(note: str, payload: UpdatePayload, schema: SpecSchema) -> ExpectedNote:
    text = payload.fields[note]
    for field in schema.fields.values():
        if field.inline_in == note and payload.fields.get(field.name):
            text = with_images(text, field.name)
    return ExpectedNote(text, NOTES[note])


def _log_found(name: str, note: Mapping[str, Any], parts: list[str]) -> None:
    person = note.get("person")
    author = person.get("name") if isinstance(person, dict) else None
    logger.info(
        "The %s is there since %s, by %s (ID %s). Not sent again: %s.",
        name,
        quote(str(note.get("created_at"))),
        quote(str(author or "an unknown person")),
        quote(str(note.get("id"))),
        ", ".join([name, *parts]),
    )


def _with_companions(names: set[str], fields: Mapping[str, Any], schema: SpecSchema) -> set[str]:
    """Return the names with those that have to be sent together with one of them."""
    groups = []
    for name, value in fields.items():
        sent_with = schema.fields[name].sent_with
        members = sent_with.get("any") or sent_with.get(str(value), ())
        groups.append({name, *members} & fields.keys())
    result = set(names)
    for _ in groups:  # a group may join others
        result.update(*(group for group in groups if group & result))
    return result


def _with_linked(
    item: ComparedField, request_id: int, schema: SpecSchema, api: ApiClient
) -> ComparedField:
    """Return the comparison with all records that are linked, for a field that replaces them."""
    collection = schema.fields[_field_of(item)].linked
    if not collection:
        return item
    context = ErrorContext(f"read the {collection} of request {request_id}")
    try:
        records = RequestsApi(api).linked(request_id, collection, context, api.budget())
    except (AccessError, RejectedError) as error:
        if error.status == HTTPStatus.UNAUTHORIZED:
            raise
        logger.info("%s `%s` is sent, since it cannot be compared.", error.what, item.name)
        return item._replace(result="unknown")
    ids = [record.get("id") for record in records]
    wanted = [] if item.sent == "" else [item.sent]
    found = records[0] if len(records) == 1 else records or None
    return item._replace(found=found, result="equal" if ids == wanted else "different")


def _addition(name: str, value: Any, spec: Spec) -> Difference:  # noqa: ANN401  any JSON value
    if isinstance(value, list):
        value = f"{len(value)} file{'' if len(value) == 1 else 's'}"
    elif name in NOTES:
        value = f"{len(value)} characters"
    elif spec.schema.fields[name].kind == "reference":
        value = record_of(value)
    return Difference(spec.aliases_used.get(name, name), None, value)
