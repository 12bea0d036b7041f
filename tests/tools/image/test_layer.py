"""tools.image.layer and tools.image.rehearsal: what is checked and made uniform in the build stage."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tools.image import layer, rehearsal

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
    layer._make_uniform(tmp_path, 1000.0)  # noqa: SLF001  the rest takes a build stage
    modes = {path.name: path.stat().st_mode & 0o777 for path in (plain, program, plain.parent)}
    assert modes == {"plain": 0o644, "program": 0o755, "folder": 0o755}
    assert {path.lstat().st_mtime for path in tmp_path.rglob("*")} == {1000.0}


def test_a_step_that_does_not_start_fails_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that ends otherwise than it should is an error that shows its log."""
    monkeypatch.setattr(rehearsal, "OPTIONS", ("-c", "import sys; sys.exit('broken')"))
    with pytest.raises(rehearsal.RehearsalError, match=r"ended with 1, not 0(.|\n)*broken"):
        rehearsal.rehearse()


def test_the_stand_in_says_yes_to_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real step, played against the stand-in, ends as each scene says."""
    path = f"import sys; sys.path.insert(0, {str(layer.__file__)!r}.rpartition('/tools/')[0]); "
    run = "import runpy; runpy.run_module('step', run_name='__main__')"
    monkeypatch.setattr(rehearsal, "OPTIONS", ("-I", "-c", path + run))
    rehearsal.rehearse()
    others = [replace(scene, exit_code=scene.exit_code + 1) for scene in rehearsal.SCENES]
    for scene in others:
        with pytest.raises(rehearsal.RehearsalError, match=f"not {scene.exit_code}"):
            rehearsal.rehearse(scenes=[scene])
