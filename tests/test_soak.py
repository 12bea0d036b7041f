"""A small soak; `make soak` runs a large one."""

from __future__ import annotations

from fourme.errors import ExitCode
from tests.soak import Soak


def test_under_random_faults_nothing_is_lost_doubled_or_leaked() -> None:
    """Each note is there exactly as often as the exit code says, and no log has a secret."""
    soak = Soak(runs=40, seed=20_261_121)
    soak.run()
    assert soak.lies == []
    assert soak.doubled == []
    assert soak.minutes_off == 0
    assert soak.leaks == 0
    assert soak.codes[ExitCode.OK] > 0
    assert len(soak.codes) > 3, "hardly any fault has hit"
