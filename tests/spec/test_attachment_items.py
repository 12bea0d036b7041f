"""`spec.attachments`: the items of a field, one by one, and as they are sent."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from spec.attachments import UploadedFile, attach, attachment_problems, files_of

if TYPE_CHECKING:
    from pathlib import Path

    from spec.schema import SpecSchema

NAME = "request.note_attachments[0].name"


def problems_of(schema: SpecSchema, item: dict[str, Any]) -> list[str]:
    """Return the problems of one item, a line each."""
    return [str(each) for each in attachment_problems({"note_attachments": [item]}, schema)]


@pytest.mark.parametrize(
    ("item", "line"),
    [
        ({}, "request.note_attachments[0] has 0 sources"),
        ({"name": "a", "content": "x", "key": "k"}, "request.note_attachments[0] has 2 sources"),
        ({"key": "k", "name": "a"}, f"{NAME} does not go with `key`"),
        (
            {"name": "a", "content": "x", "filesize": 1},
            "request.note_attachments[0].filesize does not go with `content`",
        ),
        ({"content": "x"}, f"{NAME} is missing"),
        ({"content": "x", "name": ""}, f"{NAME} is missing"),
        ({"content_base64": "eA=="}, f"{NAME} is missing"),
        ({"content": "x", "name": "a/b"}, f"{NAME} is 'a/b', which has a folder in it"),
        ({"content": "x", "name": "a\\b"}, f"{NAME} is 'a\\\\b', which has a folder in it"),
        ({"content": "x", "name": ".."}, f"{NAME} is '..', which has a folder in it"),
        ({"content": "x", "name": 'a"b'}, f"{NAME} is no name for a file"),
        ({"content": "x", "name": "a\nb"}, f"{NAME} is no name for a file"),
        ({"content": "x", "name": "\u00fc" * 128}, f"{NAME} is no name for a file"),
        (
            {"name": "a", "content_base64": "e"},
            "request.note_attachments[0].content_base64 is not base64",
        ),
        (
            {"path": "/nowhere/a.txt"},
            "request.note_attachments[0].path cannot be read: '/nowhere/a.txt': No such file",
        ),
        ({"path": "a\0b"}, "request.note_attachments[0].path cannot be read: 'a\\x00b': not a"),
        ({"path": "/"}, "request.note_attachments[0].path is a folder: '/'"),
        ({"path": "/dev/null"}, "request.note_attachments[0].path is no file: '/dev/null'"),
    ],
)
def test_what_is_wrong_with_an_item(item: dict[str, Any], line: str, schema: SpecSchema) -> None:
    """Each is one problem at the place where it is."""
    (problem,) = problems_of(schema, item)
    assert problem.startswith(line)


def test_the_name_of_a_file_counts_where_none_is_given(tmp_path: Path, schema: SpecSchema) -> None:
    """A name of one's own takes its place."""
    path = tmp_path / 'a"b.txt'
    path.write_text("x")
    (problem,) = problems_of(schema, {"path": str(path)})
    assert problem.startswith("request.note_attachments[0].path is no name for a file")
    assert problems_of(schema, {"path": str(path), "name": "ab.txt"}) == []
    (problem,) = problems_of(schema, {"path": str(path), "name": "a/b"})
    assert problem.startswith(f"{NAME} is 'a/b'")


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
            found.append((file.index, file.name, file.content_type, content.read()))
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


def test_references_in_custom_fields_are_judged(schema: SpecSchema) -> None:
    """Wherever the text is in them."""
    request = {
        "custom_fields": [{"id": "a", "value": {"b": ["[custom_fields_attachments: 7]"]}}],
        "custom_fields_attachments": [{"key": "k"}],
    }
    (problem,) = attachment_problems(request, schema)
    assert problem.path == "request.custom_fields"
    assert "[custom_fields_attachments: 7], but there are 1 items" in problem.wrong


@pytest.mark.parametrize("digits", ["9" * 5000, "1" + "0" * 4400, "0" * 5000 + "1"])
def test_an_endless_index_is_a_problem_like_any_other(digits: str, schema: SpecSchema) -> None:
    """Python refuses to read such numbers; the step says that there is no such item."""
    request = {"note": f"[note_attachments: {digits}]", "note_attachments": [{"key": "k"}]}
    (problem,) = attachment_problems(request, schema)
    assert problem.path == "request.note"
    assert "but there are 1 items" in problem.wrong
