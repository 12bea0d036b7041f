"""`operations.payload`: a validated spec becomes the body of one call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from fourme.files import UploadedFile
from operations.attachments import attach, files_of
from operations.payload import ExpectedNote, UpdatePayload, build_payload
from transport.http import Idempotency

if TYPE_CHECKING:
    from spec.schema import SpecSchema

ATTACHMENT = {"key": "attachments/5/a.txt", "filesize": 16}


@pytest.mark.parametrize(
    ("request_", "body"),
    [
        ({}, {}),
        ({"team": 13}, {"team_id": 13}),
        ({"change": 238}, {"workflow_id": 238}),
        ({"workflow": 238}, {"workflow_id": 238}),
        ({"status": "change_pending"}, {"status": "workflow_pending"}),
        ({"status": "completed"}, {"status": "completed"}),
        ({"subject": "change_pending"}, {"subject": "change_pending"}),
        ({"urgent": False}, {"urgent": False}),
        ({"additional_fields": {"a": 1, "b": None}}, {"a": 1, "b": None}),
        ({"additional_fields": {}}, {}),
        (
            {"custom_fields": [{"id": "a", "value": 1}]},
            {"custom_fields": [{"id": "a", "value": 1}]},
        ),
    ],
)
def test_body(request_: dict[str, Any], body: dict[str, Any], schema: SpecSchema) -> None:
    """Each field goes where the schema says, under its API name, and request_id into the path."""
    update = build_payload({"request_id": 5, **request_}, (), schema)

    assert (update.request_id, update.body) == (5, body)


def test_cleared(schema: SpecSchema) -> None:
    """A cleared field is sent as an empty text under its API name."""
    update = build_payload({"request_id": 5}, ("team", "impact", "change"), schema)

    assert update.body == {"team_id": "", "impact": "", "workflow_id": ""}


@pytest.mark.parametrize(
    ("request_", "fields", "idempotency"),
    [
        ({}, (), Idempotency.IDEMPOTENT),
        ({"subject": "a", "custom_fields": []}, (), Idempotency.IDEMPOTENT),
        ({"note": "a"}, ("note",), Idempotency.NON_IDEMPOTENT),
        ({"internal_note": "a"}, ("internal_note",), Idempotency.NON_IDEMPOTENT),
        ({"time_spent": 5}, ("time_spent",), Idempotency.NON_IDEMPOTENT),
        ({"note_attachments": [ATTACHMENT]}, ("note_attachments",), Idempotency.NON_IDEMPOTENT),
        (
            {"custom_fields_attachments": [ATTACHMENT]},
            ("custom_fields_attachments",),
            Idempotency.NON_IDEMPOTENT,
        ),
        ({"time_spent": 5, "note": "a"}, ("time_spent", "note"), Idempotency.NON_IDEMPOTENT),
        ({"additional_fields": {"a": None}}, ("additional_fields",), Idempotency.NON_IDEMPOTENT),
        (
            {"additional_fields": {"new_note": "a"}, "note": "a"},
            ("additional_fields", "note"),
            Idempotency.NON_IDEMPOTENT,
        ),
        # What adds nothing:
        ({"additional_fields": {}}, (), Idempotency.IDEMPOTENT),
        ({"time_spent": 0, "planned_effort": 5}, (), Idempotency.IDEMPOTENT),
        ({"note_attachments": [{"key": "a", "_destroy": True}]}, (), Idempotency.IDEMPOTENT),
        ({"internal_note_attachments": []}, (), Idempotency.IDEMPOTENT),
    ],
)
def test_non_idempotent_fields(
    request_: dict[str, Any], fields: tuple[str, ...], idempotency: Idempotency, schema: SpecSchema
) -> None:
    """Fields that add something each time they are sent make an update non-idempotent."""
    update = build_payload({"request_id": 5, **request_}, (), schema)

    assert update.non_idempotent_fields == fields
    assert update.idempotency is idempotency


def test_cleared_adds_nothing(schema: SpecSchema) -> None:
    """A cleared field adds nothing."""
    assert (
        build_payload({"request_id": 5}, ("note_attachments",), schema).non_idempotent_fields == ()
    )


def test_notes(schema: SpecSchema) -> None:
    """The notes by which an update is recognised have their text, and whether they are internal."""
    update = build_payload({"request_id": 5, "internal_note": "b", "note": "a"}, (), schema)

    assert set(update.notes) == {
        ExpectedNote("a", internal=False),
        ExpectedNote("b", internal=True),
    }


def test_attached(schema: SpecSchema) -> None:
    """Once its files are stored, an update refers to them, and knows its note as it is sent."""
    update = build_payload(
        {
            "request_id": 5,
            "note": "See [note_attachments: 0]",
            "note_attachments": [{"name": "a.txt", "content": "a"}, ATTACHMENT],
        },
        (),
        schema,
    )
    assert [file.name for file in files_of(update.body, schema)] == ["a.txt"]

    uploaded = {("note_attachments", 0): UploadedFile("attachments/9/a.txt", 1)}
    sent = update._replace(body=attach(update.body, uploaded, schema))

    assert sent.notes == (ExpectedNote("See ![](attachments/9/a.txt)", internal=False),)
    assert sent.body["note_attachments"] == [
        {"key": "attachments/9/a.txt", "filesize": 1, "inline": True},
        ATTACHMENT,
    ]


@pytest.mark.parametrize("name", ["note", "internal_note"])
@pytest.mark.parametrize("char", ["a", "\u20ac"])
def test_oversized(name: str, char: str, schema: SpecSchema) -> None:
    """A note that the keys of its files make too long is one problem, by its bytes."""
    limit = schema.fields[name].max_bytes
    fits = char * (limit // len(char.encode()))
    fits += "." * (limit - len(fits.encode()))

    assert [*UpdatePayload(5, {name: fits}, non_idempotent_fields=(name,)).oversized(schema)] == []
    (problem,) = UpdatePayload(5, {name: fits + "."}, non_idempotent_fields=(name,)).oversized(
        schema
    )
    assert problem.path == f"request.{name}"
    assert problem.message == (
        "has 65537 bytes with the files that it shows; at most 65536 are allowed"
    )


def test_oversized_is_about_texts(schema: SpecSchema) -> None:
    """What adds and is no text, or has no limit of bytes, is not too long."""
    body = {"time_spent": 10**9, "note_attachments": [ATTACHMENT], "x": "x" * 10**5}
    update = UpdatePayload(
        5, body, non_idempotent_fields=("time_spent", "note_attachments", "additional_fields")
    )

    assert [*update.oversized(schema)] == []


def test_summary() -> None:
    """The summary for logs has names and sizes, and no contents."""
    update = UpdatePayload(5, {"note": "geheim", "team_id": 13, "internal_note": "äöü"})

    assert update.summary == "note (6 characters), team_id, internal_note (3 characters)"
    assert UpdatePayload(5, {}).summary == "nothing"
    assert UpdatePayload(5, {"a\n::b": 1}).summary == "a\\n::b"
    attachments = {"note_attachments": [ATTACHMENT], "custom_fields_attachments": ""}
    assert (
        UpdatePayload(5, attachments).summary
        == "note_attachments (1), custom_fields_attachments (0)"
    )
