"""A small soak test; `make soak` runs a large one."""

from __future__ import annotations

import pytest

from process.exit_codes import ExitCode
from tests.soak import Soak


# Coverage's tracer cannot start in two threads at once (CPython 3.11); the thread is replaced.
@pytest.mark.filterwarnings(
    "ignore:Exception ignored in thread started by:pytest.PytestUnraisableExceptionWarning"
)
@pytest.mark.parametrize(
    ("runs", "history", "rewrite"), [(30, 0, False), (30, 120, False), (30, 30, True)]
)
def test_under_random_faults_nothing_is_lost_duplicated_or_leaked(
    runs: int,
    history: int,
    rewrite: bool,  # noqa: FBT001  a table's column
) -> None:
    """Each note is there exactly as often as the exit code says, and no log has a secret."""
    soak = Soak(runs=runs, seed=20_261_121, history=history, rewrite=rewrite)
    soak.run()
    assert soak.mismatches == []
    assert soak.duplicates == []
    assert soak.minutes_off == 0
    assert soak.leaks == 0
    assert soak.ignored == (), "4me ignores a field that the step sends"
    assert soak.codes[ExitCode.OK] > 0
    assert len(soak.codes) > 2, "hardly any fault had an effect"
