"""Small soak tests; `make soak` runs large ones."""

from __future__ import annotations

import signal

import pytest

from process.exit_codes import ExitCode
from tests.ensured_soak import EnsuredSoak
from tests.soak import Soak

# Coverage's tracer cannot start in two threads at once (CPython 3.11); the thread is replaced.
pytestmark = pytest.mark.filterwarnings(
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
    assert_nothing_is_wrong(soak)
    assert soak.codes[ExitCode.OK] > 0


def test_runs_in_mode_ensure_end_with_one_note_each_whatever_fails_or_kills_them() -> None:
    """Each is run until it ends in 0: its note and its time are there once; then it is repeated."""
    soak = EnsuredSoak(runs=30, seed=20_261_124, history=120, rewrite=True)
    soak.run()
    assert_nothing_is_wrong(soak)
    assert soak.sent_again == 0
    assert soak.codes[ExitCode.OK] == 60
    assert soak.codes[-signal.SIGKILL] > 0


def assert_nothing_is_wrong(soak: Soak) -> None:
    """Nothing is lost, duplicated or leaked, and some runs have failed."""
    assert soak.mismatches == []
    assert soak.duplicates == []
    assert soak.minutes_off == 0
    assert soak.leaks == 0
    assert soak.ignored == (), "4me ignores a field that the step sends"
    assert len(soak.codes) > 2, "hardly any fault had an effect"
