"""`spec.attachments`: what is wrong with the files that a spec names."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from spec.attachments import attachment_problems

if TYPE_CHECKING:
    from spec.schema import SpecSchema

NOBODY = 65532
NAME = "request.note_attachments[0].name"


def problems_of(schema: SpecSchema, item: dict[str, Any]) -> list[str]:
    """Return the problems of one item, a line each."""
    return [str(each) for each in attachment_problems({"note_attachments": [item]}, schema)]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to drop it")
def test_a_file_that_may_not_be_read_is_a_problem(schema: SpecSchema) -> None:
    """What counts is the user as whom the step runs."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder, "secret.log")
        path.write_text("x")
        path.chmod(0)
        child = os.fork()
        if child == 0:
            if os.geteuid() == 0:  # who may read everything
                os.setuid(NOBODY)
            problems = attachment_problems({"note_attachments": [{"path": str(path)}]}, schema)
            os._exit(0 if "may not be read" in "".join(map(str, problems)) else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_the_result_of_access_counts(
    tmp_path: Path, schema: SpecSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same without another user."""
    path = tmp_path / "secret.log"
    path.write_text("x")
    monkeypatch.setattr(os, "access", lambda *_: False)
    (problem,) = attachment_problems({"note_attachments": [{"path": str(path)}]}, schema)
    assert problem.path == "request.note_attachments[0].path"
    assert problem.message.startswith("may not be read")


@pytest.mark.parametrize(
    "path", ["/proc/self/status", "/proc/self/cmdline", "/sys/class/net/lo/mtu"]
)
def test_a_file_whose_size_the_system_misreports_is_a_problem(
    path: str, schema: SpecSchema
) -> None:
    """Files of /proc have no size, those of /sys have a page's; the hint says what to do."""
    if not Path(path).exists():
        pytest.skip("that file system is not mounted here")
    (problem,) = attachment_problems({"note_attachments": [{"path": path}]}, schema)
    assert problem.path == "request.note_attachments[0].path"
    assert problem.message == f"does not have the size that the system reports: {path!r}"
    assert "Copy it to a regular file first" in problem.hint


@pytest.mark.parametrize(
    ("content", "last", "says"),
    [
        (b"", b"x", "does not have the size"),
        (b"abc", b"", "does not have the size"),
        (b"", OSError(errno.EAGAIN, "Resource temporarily unavailable"), "cannot be read"),
        (b"", OSError(errno.ESPIPE, "Illegal seek"), "cannot be read"),
    ],
)
def test_what_reading_the_last_byte_says_counts(
    content: bytes,
    last: bytes | OSError,
    says: str,
    tmp_path: Path,
    schema: SpecSchema,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A byte where none should be, none where one should be, or a file that cannot be asked."""

    def pread(*_: object) -> bytes:
        if isinstance(last, OSError):
            raise last
        return last

    path = tmp_path / "a.log"
    path.write_bytes(content)
    monkeypatch.setattr(os, "pread", pread)
    (problem,) = attachment_problems({"note_attachments": [{"path": str(path)}]}, schema)
    assert problem.message.startswith(says)


@pytest.mark.parametrize(("before", "after"), [(b"", b"x"), (b"abc", b"")])
def test_a_file_that_is_being_written_is_not_misreported(
    before: bytes,
    after: bytes,
    tmp_path: Path,
    schema: SpecSchema,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may grow or be cut off between the two questions; the upload sees to that."""
    path = tmp_path / "a.log"
    path.write_bytes(before)
    pread = os.pread

    def changed(number: int, size: int, place: int) -> bytes:
        path.write_bytes(after)
        return pread(number, size, place)

    monkeypatch.setattr(os, "pread", changed)
    assert [*attachment_problems({"note_attachments": [{"path": str(path)}]}, schema)] == []


@pytest.mark.parametrize("content", [b"", b"a", b"abc" * 5000])
def test_regular_files_have_the_size_that_the_system_reports(
    content: bytes, tmp_path: Path, schema: SpecSchema
) -> None:
    """Empty ones, too; no descriptor is left open."""
    path = tmp_path / "a.log"
    path.write_bytes(content)
    open_before = len([*Path("/proc/self/fd").iterdir()])
    assert [*attachment_problems({"note_attachments": [{"path": str(path)}]}, schema)] == []
    assert len([*Path("/proc/self/fd").iterdir()]) == open_before


def test_a_pipe_is_no_file_and_is_not_waited_for(tmp_path: Path, schema: SpecSchema) -> None:
    """There is no writer: opening it for reading would never end."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    (problem,) = attachment_problems({"note_attachments": [{"path": str(path)}]}, schema)
    assert problem.message.startswith("is not a file")


def test_a_name_of_another_type_is_left_to_the_schema(schema: SpecSchema) -> None:
    """What the schema reports is not reported twice."""
    items = [{"name": ["a"], "content": "x"}]
    assert [*attachment_problems({"note_attachments": items}, schema)] == []


@pytest.mark.parametrize(
    ("request_", "place", "index", "items"),
    [
        ({"note": "[note_attachments: 1234567]"}, "note", 1234567, 1),
        ({"note": "[note_attachments:1]"}, "note", 1, 1),
        ({"internal_note": "[internal_note_attachments: 3 ]"}, "internal_note", 3, 1),
    ],
)
def test_a_reference_to_an_item_that_is_not_there_is_a_problem(
    request_: dict[str, object], place: str, index: int, items: int, schema: SpecSchema
) -> None:
    """However long the number is."""
    there = {"note_attachments": [{"key": "a"}], "internal_note_attachments": [{"key": "b"}]}
    (problem,) = attachment_problems({**request_, **there}, schema)
    assert problem.path == f"request.{place}"
    assert f": {index}], but there are {items} items" in problem.message


@pytest.mark.parametrize(
    "request_",
    [
        {"note": "[note_attachments: 0]", "note_attachments": [{"key": "a"}]},
        {"note": "[note_attachments: x], [other: 0]"},
        {"note": "see [note_attachments: 0]"},
        {"note": "see [note_attachments: 0]", "note_attachments": []},
        {"note": "[note_attachments: 7]", "internal_note_attachments": [{"key": "a"}]},
        {"note": 5},
        {},
    ],
)
def test_what_is_no_reference_or_a_good_one_is_no_problem(
    request_: dict[str, object], schema: SpecSchema
) -> None:
    """Only numbers of the field's own name refer to items, and only where the field has any.

    A note that quotes the documentation, or another note, is plain text.
    """
    assert [*attachment_problems(request_, schema)] == []


def test_what_is_being_removed_is_not_shown(schema: SpecSchema) -> None:
    """A reference to an item that the same update removes is a problem."""
    items = [{"key": "a", "_destroy": True}]
    request = {"note": "[note_attachments: 0]", "note_attachments": items}
    (problem,) = attachment_problems(request, schema)
    assert "[note_attachments: 0], which is being removed" in problem.message


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
        ({"content": "x", "name": 'a"b'}, f"{NAME} is not a valid file name"),
        ({"content": "x", "name": "a\nb"}, f"{NAME} is not a valid file name"),
        ({"content": "x", "name": "\u00fc" * 128}, f"{NAME} is not a valid file name"),
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
        ({"path": "/dev/null"}, "request.note_attachments[0].path is not a file: '/dev/null'"),
    ],
)
def test_what_is_wrong_with_an_item(item: dict[str, Any], line: str, schema: SpecSchema) -> None:
    """Each is one problem at the place where it is."""
    (problem,) = problems_of(schema, item)
    assert problem.startswith(line)


def test_the_name_of_a_file_counts_where_none_is_given(tmp_path: Path, schema: SpecSchema) -> None:
    """A given name replaces it."""
    path = tmp_path / 'a"b.txt'
    path.write_text("x")
    (problem,) = problems_of(schema, {"path": str(path)})
    assert problem.startswith("request.note_attachments[0].path is not a valid file name")
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
    assert "[custom_fields_attachments: 7], but there are 1 items" in problem.message


@pytest.mark.parametrize("digits", ["9" * 5000, "1" + "0" * 4400, "0" * 5000 + "1"])
def test_a_very_long_index_is_a_problem_like_any_other(digits: str, schema: SpecSchema) -> None:
    """Python cannot read such numbers; the step reports that there is no such item."""
    request = {"note": f"[note_attachments: {digits}]", "note_attachments": [{"key": "k"}]}
    (problem,) = attachment_problems(request, schema)
    assert problem.path == "request.note"
    assert "but there are 1 items" in problem.message
