"""`operations.attachments`: the files of a request, and how its body refers to them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from fourme.files import UploadedFile
from operations.attachments import attach, content_type_of, files_of
from process.errors import SpecError

if TYPE_CHECKING:
    from pathlib import Path

    from spec.schema import SpecSchema


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("build.log", "text/plain"),
        ("BUILD.LOG", "text/plain"),
        ("values.yml", "application/yaml"),
        ("shot.png", "image/png"),
        ("report.pdf", "application/pdf"),
        ("data.json", "application/json"),
        ("core", "application/octet-stream"),
        ("odd.xyz123", "application/octet-stream"),
    ],
)
def test_content_types_follow_the_name(name: str, content_type: str) -> None:
    """The media type does not depend on what the machine knows of file names."""
    assert content_type_of(name) == content_type


def test_files_have_their_content(tmp_path: Path, schema: SpecSchema) -> None:
    """Whatever the source; stored files are none to upload."""
    path = tmp_path / "c.bin"
    path.write_bytes(b"\0c")
    items = [
        {"name": "a.txt", "content": "\u00e4"},
        {"key": "k"},
        {"name": "b", "content_base64": base64.encodebytes(b"\0" * 60).decode()},
        {"path": str(path), "content_type": "x/y"},
    ]
    files = files_of({"note_attachments": items}, schema)
    found = []
    for file in files:
        with file.open() as content:
            found.append((file.position, file.name, file.content_type, content.read()))
        assert file.size_now() == len(found[-1][3])
    assert found == [
        (0, "a.txt", "text/plain", "\u00e4".encode()),
        (2, "b", "application/octet-stream", b"\0" * 60),
        (3, "c.bin", "x/y", b"\0c"),
    ]


def test_references_become_links_wherever_texts_are(schema: SpecSchema) -> None:
    """In the texts of custom fields, too; an item that is shown is marked, others are not."""
    body = {
        "custom_fields": [{"id": "a", "value": "[custom_fields_attachments: 1]"}, {"value": 5}],
        "custom_fields_attachments": [
            {"name": "a", "content": "x", "inline": False},
            {"key": "k", "filesize": 3},
        ],
    }
    stored = {("custom_fields_attachments", 0): UploadedFile("s", 1)}

    assert attach(body, stored, schema) == {
        "custom_fields": [{"id": "a", "value": "![](k)"}, {"value": 5}],
        "custom_fields_attachments": [
            {"key": "s", "filesize": 1, "inline": False},
            {"key": "k", "filesize": 3, "inline": True},
        ],
    }


@pytest.mark.parametrize("items", [{}, {"note_attachments": []}])
def test_a_reference_without_attachments_stays_text(
    items: dict[str, object], schema: SpecSchema
) -> None:
    """It is sent as it stands in the note."""
    body = {"note": "see [note_attachments: 0]", **items}
    assert attach(body, {}, schema) == body


def test_a_file_that_was_removed_is_an_error_of_the_spec(
    tmp_path: Path, schema: SpecSchema
) -> None:
    """Between check and upload a file may be removed."""
    path = tmp_path / "gone.log"
    path.write_text("x")
    (file,) = files_of({"note_attachments": [{"path": str(path)}]}, schema)
    assert (file.name, file.size_now(), file.place) == (
        "gone.log",
        1,
        "request.note_attachments[0]",
    )
    path.unlink()
    with pytest.raises(SpecError, match="cannot be read any more: No such file"):
        file.size_now()
    with pytest.raises(SpecError, match="cannot be read any more: No such file"):
        file.open()
