"""`spec.attachments`: the items of a field, one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from spec.attachments import attachment_problems

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


def test_references_in_custom_fields_are_checked(schema: SpecSchema) -> None:
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
