"""Attachments, from files to a request that has them, with both kinds of storage."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from process.exit_codes import ExitCode
from sandbox import FOURME_HOST, FourMeOptions, Sandbox, document_for
from tests.step_process import REQUEST_ID, STEP, connection, environment, run_step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Provider = Literal["s3", "local"]
MEBIBYTE = 1024 * 1024


def sandbox_with(
    request: dict[str, object],
    storage: Provider = "s3",
    faults: Iterable[str] = (),
    size_limit: int | None = None,
    allowed_extensions: tuple[str, ...] | None = None,
) -> Sandbox:
    """Return a sandbox whose storage has these limits."""
    spec = {
        "connection": connection(FOURME_HOST),
        "request": {"request_id": REQUEST_ID, **request},
    }
    options = FourMeOptions(
        storage=storage, size_limit=size_limit, allowed_extensions=allowed_extensions
    )
    return Sandbox(document_for(spec), fourme=options, faults=faults)


def body_of(sandbox: Sandbox) -> dict[str, object]:
    """Return what was PATCHed last."""
    patches = [call for call in sandbox.calls if call.name == "patch"]
    body: dict[str, object] = json.loads(patches[-1].body)
    return body


def file_with(folder: Path, name: str, content: bytes) -> str:
    """Write a file; return its path."""
    path = folder / name
    path.write_bytes(content)
    return str(path)


@pytest.mark.parametrize("storage", ["s3", "local"])
def test_every_kind_of_item_is_stored(storage: Provider, tmp_path: Path) -> None:
    """Text, base64, bytes and a file are stored as they are, with names, types and sizes."""
    log = b"\x00\xffline\r\n" * 1000
    items = [
        {"name": "notes.txt", "content": "Grüße"},
        {"name": "dot.png", "content_base64": "iVBORw0KGgo=\n", "inline": "true"},
        {"name": "core", "content": b"\xff\xfe", "content_type": "application/x-core"},
        {"path": file_with(tmp_path, "build.log", log)},
        {"path": file_with(tmp_path, "a.yaml", b""), "name": "values.yaml"},
    ]
    request: dict[str, object] = {"note": "See the files", "note_attachments": items}
    with sandbox_with(request, storage, allowed_extensions=()) as sandbox:
        ended = run_step(sandbox.environment())
        assert ended.code == ExitCode.OK, ended.log
        stored = [(u.filename, u.content_type, u.size, u.sha256) for u in sandbox.store.uploads]
        contents = ["Grüße".encode(), b"\x89PNG\r\n\x1a\n", b"\xff\xfe", log, b""]
        assert stored == [
            (name, kind, len(content), hashlib.sha256(content).hexdigest())
            for name, kind, content in zip(
                ("notes.txt", "dot.png", "core", "build.log", "values.yaml"),
                ("text/plain", "image/png", "application/x-core", "text/plain", "application/yaml"),
                contents,
                strict=True,
            )
        ]
        keys = [upload.key for upload in sandbox.store.uploads]
        assert body_of(sandbox)["note_attachments"] == [
            {"key": key, "filesize": len(content), **({"inline": True} if index == 1 else {})}
            for index, (key, content) in enumerate(zip(keys, contents, strict=True))
        ]
        note = sandbox.store.notes(REQUEST_ID)[0]
        attached = note["attachments"]
        assert isinstance(attached, list)
        assert [item["key"] for item in attached] == keys


@pytest.mark.parametrize(("storage", "has_token"), [("s3", False), ("local", True)])
def test_the_token_goes_to_4me_alone(storage: Provider, has_token: bool) -> None:  # noqa: FBT001  a parameter of pytest's
    """S3 never gets the step's headers; 4me's own storage does."""
    items = [{"name": "a.txt", "content": "x"}]
    with sandbox_with({"note_attachments": items}, storage) as sandbox:
        assert run_step(sandbox.environment()).code == ExitCode.OK
        upload = next(call for call in sandbox.calls if call.name == "upload")
    assert ("authorization" in upload.headers) is has_token
    assert ("x-4me-account" in upload.headers) is has_token


def test_inline_references_become_keys() -> None:
    """`[FIELD: INDEX]` in each field's own text becomes markdown, and the item inline."""
    request: dict[str, object] = {
        "note": "Before [note_attachments: 1], after [internal_note_attachments: 0]",
        "note_attachments": [
            {"name": "a.txt", "content": "a"},
            {"name": "b.png", "content": "b"},
        ],
        "internal_note": "[internal_note_attachments:0] [internal_note_attachments:0]",
        "internal_note_attachments": {"name": "c.png", "content": "c"},
        "custom_fields": {"text": "[custom_fields_attachments: 0]", "number": 5},
        "custom_fields_attachments": {"name": "d.png", "content": "d"},
    }
    with sandbox_with(request) as sandbox:
        ended = run_step(sandbox.environment())
        assert ended.code == ExitCode.OK, ended.log
        body = body_of(sandbox)
        a, b, c, d = (upload.key for upload in sandbox.store.uploads)
    assert body["note"] == f"Before ![]({b}), after [internal_note_attachments: 0]"
    assert body["internal_note"] == f"![]({c}) ![]({c})"
    assert body["custom_fields"] == [
        {"id": "text", "value": f"![]({d})"},
        {"id": "number", "value": 5},
    ]
    assert body["note_attachments"] == [
        {"key": a, "filesize": 1},
        {"key": b, "filesize": 1, "inline": True},
    ]


def test_uploaded_and_removed_items_are_passed_on() -> None:
    """Items with a key go as they are, after coercion; the upload target is not requested."""
    with sandbox_with({"note_attachments": [{"name": "a.txt", "content": "x"}]}) as first:
        assert run_step(first.environment()).code == ExitCode.OK
        key = first.store.uploads[0].key
    items = [{"key": key, "filesize": "16", "inline": "no"}, {"key": key, "_destroy": 1}]
    with sandbox_with({"note": "x", "note_attachments": items}) as sandbox:
        run_step(sandbox.environment())
        assert [call.name for call in sandbox.calls][:2] == ["spec", "patch"]
        assert body_of(sandbox)["note_attachments"] == [
            {"key": key, "filesize": 16, "inline": False},
            {"key": key, "_destroy": True},
        ]


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    """Sources, names, base64, paths and inline references: one run, one list, no call."""
    wrong = {
        "has 0 sources": {"name": "a"},
        "has 2 sources": {"name": "a", "content": "x", "path": "/etc/hostname"},
        "[2].name does not go with `key`": {"key": "k", "name": "n"},
        "[3].filesize does not go with `content`": {"name": "n", "content": "", "filesize": 1},
        "[4].content_base64 is not base64": {"name": "n", "content_base64": "?"},
        "is a folder": {"path": str(tmp_path)},
        "No such file or directory": {"path": str(tmp_path / "nothing")},
        "is not a file": {"path": "/dev/null"},
        "not have the size that the system reports: '/proc/version'": {"path": "/proc/version"},
        "which has a folder in it": {"name": "../a", "content": "x"},
        "is not a valid file name": {"name": 'a"b', "content": "x"},
        "[11].name is missing": {"content": "x"},
        "[12].filesiz is not a known input. Did you mean `filesize`?": {"key": "k", "filesiz": 1},
        "not a path": {"path": "a\0b"},
        "a text of length 3": "abc",
    }
    request: dict[str, object] = {
        "note": "[note_attachments: 99] [note_attachments: 15]",
        "note_attachments": [*wrong.values(), {"key": "k", "_destroy": True}],
        "internal_note": "[internal_note_attachments: 1]",
        "internal_note_attachments": [{"key": "k"}],
    }
    with sandbox_with(request) as sandbox:
        ended = run_step(sandbox.environment())
        assert [call.name for call in sandbox.calls] == ["spec"]
    assert ended.code == ExitCode.DATA
    assert [words for words in wrong if words not in ended.log] == []
    assert "request.note refers to [note_attachments: 99], but there are 16 items" in ended.log
    assert "request.internal_note refers to [internal_note_attachments: 1]" in ended.log


def test_all_files_are_checked_against_the_limits_before_any_upload() -> None:
    """Extension and size of all files are checked, and the message says what is allowed."""
    items = [
        {"name": "fine.txt", "content": "x"},
        {"name": "virus.EXE", "content": "x"},
        {"name": "noending", "content": "x"},
        {"name": "large.TXT", "content": "x" * 51},
    ]
    limits = {"size_limit": 50, "allowed_extensions": ("txt", "log")}
    with sandbox_with({"note_attachments": items}, **limits) as sandbox:  # type: ignore[arg-type]  # mixed values
        ended = run_step(sandbox.environment())
        assert [call.name for call in sandbox.calls] == ["spec", "storage"]
        assert sandbox.store.uploads == ()
    assert ended.code == ExitCode.DATA
    assert "'virus.EXE', whose extension is not allowed. 4me accepts: txt, log." in ended.log
    assert "'noending', whose extension is not allowed" in ended.log
    assert "'large.TXT', of 51 bytes. 4me accepts 50 bytes at most." in ended.log
    assert "fine.txt" not in ended.log


def test_after_a_failed_upload_nothing_is_updated() -> None:
    """When one of two uploads fails for good, nothing is PATCHed."""
    items = [{"name": "a.txt", "content": "a"}, {"name": "b.txt", "content": "b"}]
    faults = ["upload=none", "upload=403"]
    with sandbox_with({"note": "x", "note_attachments": items}, faults=faults) as sandbox:
        ended = run_step(sandbox.environment())
        assert [call.name for call in sandbox.calls] == ["spec", "storage", "upload", "upload"]
    assert ended.code == ExitCode.DATA
    assert "the request was not updated" in ended.log


def test_an_upload_is_retried_from_its_first_byte() -> None:
    """After a failure, a file is sent again from its first byte, under a new key."""
    items = [{"name": "a.txt", "content": "all of it"}]
    faults = [f"upload={fault}" for fault in ("500", "reset-after", "truncated")]
    faults += ["upload=s3-timeout", "upload=s3-slow-down"]
    with sandbox_with({"note_attachments": items}, faults=faults) as sandbox:
        ended = run_step(sandbox.environment(), fast_clock=True)
        assert ended.code == ExitCode.OK, ended.log
        last = sandbox.store.uploads[-1]
        assert last.sha256 == hashlib.sha256(b"all of it").hexdigest()
        assert body_of(sandbox)["note_attachments"] == [{"key": last.key, "filesize": 9}]


@contextlib.contextmanager
def growing(path: Path) -> Iterator[None]:
    """Append to a file without pause, as a build does."""
    ended = threading.Event()

    def write() -> None:
        with path.open("ab", buffering=0) as file:
            while not ended.wait(0.001):
                file.write(b"another line\n" * 2000)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        ended.set()
        writer.join()


@pytest.mark.parametrize("storage", ["s3", "local"])
def test_a_file_that_is_being_written_is_uploaded_up_to_its_checked_size(
    storage: Provider, tmp_path: Path
) -> None:
    """The log of a running build: its content at the time of the check, exactly."""
    log = Path(file_with(tmp_path, "build.log", b"a line\n" * 2_000_000))
    request: dict[str, object] = {"note": "See the log", "note_attachments": [{"path": str(log)}]}
    with sandbox_with(request, storage, size_limit=2**40) as sandbox:
        with growing(log):
            ended = run_step(sandbox.environment())
        assert ended.code == ExitCode.OK, ended.log
        calls = [call.name for call in sandbox.calls if call.name != "link"]
        assert calls == ["spec", "storage", "upload", "patch", "output"]
        (upload,) = sandbox.store.uploads
        content = log.read_bytes()
        assert 14_000_000 <= upload.size < len(content)
        assert upload.sha256 == hashlib.sha256(content[: upload.size]).hexdigest()
        sent = [{"key": upload.key, "filesize": upload.size}]
        assert body_of(sandbox)["note_attachments"] == sent


def test_a_large_file_is_streamed(tmp_path: Path) -> None:
    """A file of 200 MiB raises the peak memory of the step by 2 MiB at most."""
    large = tmp_path / "large.bin"
    with large.open("wb") as file:
        file.truncate(200 * MEBIBYTE)
    small = file_with(tmp_path, "small.bin", b"x")
    assert peak_memory(str(large)) - peak_memory(small) <= 2 * MEBIBYTE


def peak_memory(path: str) -> int:
    """Return the peak memory, in bytes, of a step that uploads a file.

    It is the kernel's VmHWM: getrusage would count what the test process had before exec.
    """
    script = (
        "import os, re, runpy, sys\n"
        "os._exit = sys.exit\n"
        "try:\n"
        f"    runpy.run_path({str(STEP)!r}, run_name='__main__')\n"
        "finally:\n"
        "    print(re.search(r'VmHWM:\\s+(\\d+) kB', open('/proc/self/status').read())[1])\n"
    )
    with sandbox_with(
        {"note_attachments": [{"path": path}]}, size_limit=2**31, allowed_extensions=()
    ) as sandbox:
        process = subprocess.run(
            [sys.executable, "-c", script],
            env=environment({**sandbox.environment(), "PYTHONPATH": str(STEP.parent)}),
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert process.returncode == ExitCode.OK, process.stderr
        assert sandbox.store.uploads[0].size == Path(path).stat().st_size
    return int(process.stdout) * 1024


def test_a_long_upload_logs_its_progress(tmp_path: Path) -> None:
    """A line every few seconds, with the percentage."""
    path = file_with(tmp_path, "large.log", b"x" * MEBIBYTE)
    script = (
        "import runpy\n"
        "import process.settings\n"
        "process.settings.PROGRESS_INTERVAL = 0.0\n"
        f"runpy.run_path({str(STEP)!r}, run_name='__main__')\n"
    )
    with sandbox_with({"note_attachments": [{"path": path}]}) as sandbox:
        ended = run_step(sandbox.environment(), program=["-c", script])
    assert ended.code == ExitCode.OK, ended.log
    assert "Uploading large.log (1.0 MiB) to 4me's storage." in ended.log
    assert "Uploading large.log (1.0 MiB): 100 %." in ended.log


def test_uploaded_files_can_be_kept(tmp_path: Path) -> None:
    """The sandbox leaves them in a folder, so that they can be inspected."""
    spec = {
        "connection": connection(FOURME_HOST),
        "request": {
            "request_id": REQUEST_ID,
            "note_attachments": [{"name": "two  blanks (1).txt", "content": "x"}],
        },
    }
    with Sandbox(document_for(spec), fourme=FourMeOptions(uploads=tmp_path)) as sandbox:
        ended = run_step(sandbox.environment())
        assert ended.code == ExitCode.OK, ended.log
        (key,) = (item["key"] for item in body_of(sandbox)["note_attachments"])  # type: ignore[attr-defined]  # a JSON list
    assert key.endswith("/two  blanks (1).txt")
    (file,) = tmp_path.iterdir()
    assert (file.name.partition("-")[2], file.read_text()) == ("two  blanks (1).txt", "x")
