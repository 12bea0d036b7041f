"""tools.image.import_profile, budget and meter: how figures are read and taken."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tools.image.budget import read_budget
from tools.image.import_profile import Import, packages_of, read_profile, table
from tools.image.meter import Meter

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |   json.decoder
INFO: something else
import time:        50 |        150 | json
import time:       700 |        700 | email
"""


def test_a_profile_is_read_among_other_lines() -> None:
    """Each import has its own time and its total, whatever else is printed."""
    assert read_profile(PROFILE) == [
        Import("json.decoder", 100, 100),
        Import("json", 50, 150),
        Import("email", 700, 700),
    ]
    assert packages_of(read_profile(PROFILE)) == ["email", "json"]


def test_the_table_has_the_slowest_first() -> None:
    """A package's modules are added up; the last line has all of them."""
    lines = table(read_profile(PROFILE), 1).splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["0.7", "1", "email"],
        ["0.8", "3", "all", "2", "packages"],
    ]


def test_a_budget_is_read(tmp_path: Path) -> None:
    """Names are listed under headings; comments are not names."""
    path = tmp_path / "budget.txt"
    path.write_text("# a\n[lazy] # b\njson re\nemail\n[eager]\nattr # c\n", encoding="utf-8")
    budget = read_budget(path)
    assert budget.lazy == {"json", "re", "email"}
    assert budget.eager == {"attr"}
    assert budget.unexpected([Import("xml.sax", 1, 1), Import("json", 1, 1)]) == ["xml"]


def test_a_process_is_measured() -> None:
    """Time, memory, exit code and output are the process's own, not those of who starts it."""
    other_memory = bytearray(200 * 2**20)  # in this process, whose memory must not be counted
    script = "import sys; sys.stderr.write('printed'); sys.exit(7)"
    with Meter() as meter:
        run = meter.measure([sys.executable, "-I", "-c", script], {})
    assert (run.exit_code, run.stderr) == (7, "printed")
    assert 0 < run.cpu <= run.wall * 1.5 + 20
    assert 1 < run.memory < len(other_memory) / 2**20
