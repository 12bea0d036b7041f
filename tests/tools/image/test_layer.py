"""tools.image.layer and smoke_run: the smoke runs, and the modes and times of files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tools.image import layer, smoke_run

if TYPE_CHECKING:
    from pathlib import Path


def test_every_file_gets_one_mode_and_one_time(tmp_path: Path) -> None:
    """Whatever the checkout's umask was, any user can read the layer, and only root change it."""
    (tmp_path / "folder").mkdir(mode=0o700)
    plain, program = tmp_path / "folder" / "plain", tmp_path / "program"
    for path, mode in ((plain, 0o600), (program, 0o700)):
        path.write_text("x", encoding="utf-8")
        path.chmod(mode)
    (tmp_path / "link").symlink_to("nowhere")
    layer._normalize_metadata(tmp_path, 1000.0)  # noqa: SLF001  the rest needs a build stage
    modes = {path.name: path.stat().st_mode & 0o777 for path in (plain, program, plain.parent)}
    assert modes == {"plain": 0o644, "program": 0o755, "folder": 0o755}
    assert {path.lstat().st_mtime for path in tmp_path.rglob("*")} == {1000.0}


def test_a_step_that_does_not_start_fails_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run with another exit code than expected is an error that shows its log."""
    monkeypatch.setattr(smoke_run, "OPTIONS", ("-c", "import sys; sys.exit('broken')"))
    with pytest.raises(smoke_run.SmokeRunError, match=r"ended with 1, not 0(.|\n)*broken"):
        smoke_run.run_smoke_cases()


def test_the_smoke_runs_pass_with_the_real_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real step ends with each case's exit code against the stub, and no other."""
    path = f"import sys; sys.path.insert(0, {str(layer.__file__)!r}.rpartition('/tools/')[0]); "
    run = "import runpy; runpy.run_module('step', run_name='__main__')"
    monkeypatch.setattr(smoke_run, "OPTIONS", ("-I", "-c", path + run))
    smoke_run.run_smoke_cases()
    others = [replace(case, exit_code=case.exit_code + 1) for case in smoke_run.SMOKE_CASES]
    for case in others:
        with pytest.raises(smoke_run.SmokeRunError, match=f"not {case.exit_code}"):
            smoke_run.run_smoke_cases(cases=[case])
