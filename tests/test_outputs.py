"""An output that cannot be written is detected before anything is sent."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from process.exit_codes import ExitCode
from sandbox import FourMeOptions, Sandbox, document_for
from tests.catalog.container import Container, can_run_containers, entry_point
from tests.engines.shell import connection_variables, run_in
from tests.step_process import REQUEST_ID, ROOT, STEP, Ended, environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

UPDATE = "{request_id: 80339, note: Deployed., impact: low}"
USER = 65532  # the image's
CONTAINED = pytest.mark.skipif(not can_run_containers(), reason="needs root and mount namespaces")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Return a running sandbox; its metadata service is not used."""
    with Sandbox(document_for({}), fourme=FourMeOptions()) as running:
        yield running


def texts(sandbox: Sandbox) -> list[object]:
    """Return the texts of all notes of the request."""
    return [note["text"] for note in sandbox.store.notes(REQUEST_ID)]


def assert_unwritable(ended: Ended, sandbox: Sandbox) -> None:
    """Assert that a run has ended in 78 without any call to 4me."""
    assert ended.code == ExitCode.CONFIG, ended.log
    assert "The output could not be written, so nothing was sent." in ended.log
    assert "Request updated: no" in ended.log
    assert "Traceback" not in ended.log
    assert sandbox.calls == []
    assert "Deployed." not in texts(sandbox)


@pytest.mark.parametrize(
    ("variable", "place", "message"),
    [
        ("FOURME_OUTPUT", "x" * 256, ": File name too long"),
        ("FOURME_OUTPUT", "file/out.json", "file: Not a directory"),
        ("FOURME_OUTPUT", "folder", "folder/request.json: Is a directory"),
        ("FOURME_OUTPUT", "loop", "loop: Too many levels of symbolic links"),
        ("FOURME_RESULTS_DIR", "file", "file: Not a directory"),
        ("FOURME_DOTENV", "folder", "folder: Is a directory"),
    ],
)
def test_places_that_cannot_be_written(
    sandbox: Sandbox, tmp_path: Path, variable: str, place: str, message: str
) -> None:
    """Each ends in 78, names the place, and leaves nothing behind."""
    (tmp_path / "file").write_text("earlier", encoding="utf-8")
    (tmp_path / "folder" / "request.json").mkdir(parents=True)
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(tmp_path.rglob("*"))
    environ = connection_variables(sandbox, FOURME_REQUEST=UPDATE, FOURME_OUTPUT="new/out.json")
    ended = run_in(tmp_path, [], {**environ, variable: place})
    assert_unwritable(ended, sandbox)
    assert message in ended.log
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "file").read_text("utf-8") == "earlier"


def test_an_earlier_output_stays_when_the_update_fails(sandbox: Sandbox, tmp_path: Path) -> None:
    """The check does not truncate it, whatever the outcome of the run."""
    (tmp_path / "out.json").write_text("earlier", encoding="utf-8")
    environ = connection_variables(sandbox, FOURME_REQUEST="{request_id: 1, note: Deployed.}")
    ended = run_in(
        tmp_path, [], {**environ, "FOURME_RESULTS_DIR": "new", "FOURME_OUTPUT": "out.json"}
    )
    assert ended.code == ExitCode.NO_INPUT, ended.log
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]
    assert (tmp_path / "out.json").read_text("utf-8") == "earlier"


def test_a_fifo_is_not_opened_before(sandbox: Sandbox, tmp_path: Path) -> None:
    """Its reader gets the whole output, and one end of file."""
    os.mkfifo(tmp_path / "fifo")
    with subprocess.Popen(["/bin/cat", tmp_path / "fifo"], stdout=subprocess.PIPE) as reader:
        environ = connection_variables(sandbox, FOURME_REQUEST=UPDATE, FOURME_OUTPUT="fifo")
        ended = run_in(tmp_path, [], environ)
        out, _ = reader.communicate(timeout=60)
    assert ended.code == ExitCode.OK, ended.log
    assert json.loads(out)["impact"] == "low"


@CONTAINED
@pytest.mark.parametrize(
    ("mode", "place", "message"),
    [
        (0o755, "out.json", "/work/out.json: Permission denied"),
        (0o755, "new/out.json", "/work/new: Permission denied"),
        (0o666, "out.json", "/work/out.json: Permission denied"),
        (0o666, "new/out.json", "/work/new: Permission denied"),
        (0o755, "old.json", "/work/old.json: Permission denied"),
    ],
)
def test_places_that_the_images_user_may_not_write(
    sandbox: Sandbox, tmp_path: Path, mode: int, place: str, message: str
) -> None:
    """A folder of another user that may not be written or entered, or a file in it."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old.json").write_text("earlier", encoding="utf-8")
    folder.chmod(mode)
    variables = {"FOURME_REQUEST": UPDATE, "FOURME_OUTPUT": f"/work/{place}"}
    ended = contained(connection_variables(sandbox, **variables), folder, tmp_path)
    assert_unwritable(ended, sandbox)
    assert message in ended.log
    assert f"this user ({USER})" in ended.log
    assert [path.name for path in folder.iterdir()] == ["old.json"]
    assert (folder / "old.json").read_text("utf-8") == "earlier"


@CONTAINED
def test_a_folder_that_the_images_user_may_write(sandbox: Sandbox, tmp_path: Path) -> None:
    """What belongs to it, as with `fsGroup`, is written."""
    folder = tmp_path / "folder"
    folder.mkdir()
    os.chown(folder, 0, USER)
    folder.chmod(0o2775)
    variables = {"FOURME_REQUEST": UPDATE, "FOURME_OUTPUT": "/work/new/out.json"}
    ended = contained(connection_variables(sandbox, **variables), folder, tmp_path)
    assert ended.code == ExitCode.OK, ended.log
    assert json.loads((folder / "new" / "out.json").read_bytes())["impact"] == "low"


def contained(environ: Mapping[str, str], folder: Path, scratch: Path) -> Ended:
    """Run the step as the image's user, with a folder of the machine at /work."""
    return Container(entry_point(), environ, {"/work": folder}, user=USER).run(scratch)


@CONTAINED
@pytest.mark.parametrize(
    ("options", "filled", "message"),
    [
        ("ro", 0, "out.json: Read-only file system"),
        ("size=64k", 0, "out.json: No space left on device, or less than 262144 bytes"),
        ("size=512k", 400, "out.json: No space left on device, or less than 262144 bytes"),
        ("size=512k,nr_inodes=1", 0, "out.json: No space left on device"),
    ],
)
def test_file_systems_without_space(
    sandbox: Sandbox, tmp_path: Path, options: str, filled: int, message: str
) -> None:
    """One that is read-only, and one that is full, even for root."""
    environ = connection_variables(sandbox, FOURME_REQUEST=UPDATE, FOURME_OUTPUT="out.json")
    assert_unwritable(run_on(tmp_path, options, filled, environ), sandbox)
    ended = run_on(tmp_path, options, filled, environ)
    assert message in ended.log
    assert ended.out == "filler\n" * bool(filled)


@CONTAINED
def test_a_small_file_system_with_room(sandbox: Sandbox, tmp_path: Path) -> None:
    """It is written when there is room for several outputs."""
    environ = connection_variables(sandbox, FOURME_REQUEST=UPDATE, FOURME_OUTPUT="out.json")
    ended = run_on(tmp_path, "size=512k", 100, environ)
    assert ended.code == ExitCode.OK, ended.log
    assert ended.out == "filler\nout.json\n"


# $1: options of a tmpfs; $2: KiB of it that are filled; the rest: a command that is run in it.
_SCRIPT = """
mount -t tmpfs -o "$1" tmpfs . && cd "$PWD" || exit 1
if [ "$2" -gt 0 ]; then head -c "${2}K" /dev/zero >filler; fi
shift 2
"$@"
code=$?
ls -A
exit "$code"
"""


def run_on(folder: Path, options: str, filled: int, environ: Mapping[str, str]) -> Ended:
    """Run the step in a tmpfs of its own; its output ends with the names of the files in it."""
    process = subprocess.run(
        [
            *("unshare", "--mount", "--propagation", "private", "bash", "-c", _SCRIPT, "bash"),
            *(options, str(filled), sys.executable, str(STEP)),
        ],
        env=environment({"PYTHONPATH": str(ROOT), **environ}),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ended(process.returncode, process.stdout, process.stderr)
