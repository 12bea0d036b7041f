"""`spec.attachments`: what is wrong with the files that a spec names."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from spec.attachments import attachment_problems

if TYPE_CHECKING:
    from spec.schema import SpecSchema

NOBODY = 65532


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to give root up")
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


def test_what_the_system_says_of_access_counts(
    tmp_path: Path, schema: SpecSchema, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same without another user."""
    path = tmp_path / "secret.log"
    path.write_text("x")
    monkeypatch.setattr(os, "access", lambda *_: False)
    (problem,) = attachment_problems({"note_attachments": [{"path": str(path)}]}, schema)
    assert problem.path == "request.note_attachments[0].path"
    assert problem.wrong.startswith("may not be read")


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
    assert problem.wrong == f"does not have the size that the system reports: {path!r}"
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
    assert problem.wrong.startswith(says)


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
    """Nobody writes into it: opening it for reading would never end."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    (problem,) = attachment_problems({"note_attachments": [{"path": str(path)}]}, schema)
    assert problem.wrong.startswith("is no file")


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
    assert f": {index}], but there are {items} items" in problem.wrong


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
    assert "[note_attachments: 0], which is being removed" in problem.wrong
