"""The fault matrix (tests/data/fault_matrix.txt): what the step does when a call fails."""

from __future__ import annotations

import pytest

from sandbox.faults import FAULTS
from tests.fault_matrix import Outcome, load, run_all

CASES = load()


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    """Run all cases side by side."""
    return {outcome.case.name: outcome for outcome in run_all(CASES)}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_each_fault_ends_as_the_matrix_says(case: object, outcomes: dict[str, Outcome]) -> None:
    """Exit code, number of PATCHes, notes in the store, output and link are as documented."""
    outcome = outcomes[getattr(case, "name", "")]
    assert outcome.result.matches(outcome.case.expected), outcome.printed


def test_no_secret_is_printed_or_published(outcomes: dict[str, Outcome]) -> None:
    """Neither token is in anything printed or published, though every error page echoes one."""
    assert len(outcomes) == len(CASES)
    assert [name for name, outcome in outcomes.items() if outcome.leaks] == []


def test_every_line_is_short_and_printable(outcomes: dict[str, Outcome]) -> None:
    """All lines are printable, and far from what stops Relay's log reader."""
    lines = [line for outcome in outcomes.values() for line in outcome.printed.splitlines()]
    assert len(lines) > len(CASES)
    assert [line for line in lines if not line.isprintable() or len(line.encode()) > 16_384] == []


def test_the_matrix_has_every_fault_of_every_call() -> None:
    """A fault that the sandbox knows is in the matrix for the calls that it can hit."""
    seen = {rule.rstrip("*") for case in CASES for rule in case.faults}
    kinds = {rule.partition("=")[2].partition(":")[0] for rule in seen}
    assert kinds >= FAULTS.keys() - {"none", "slow"}
    for call in ("spec", "storage", "upload", "patch", "verification", "read", "output", "link"):
        for fault in ("refused", "reset-before", "reset-after", "stall-before", "429:3600", "502"):
            assert f"{call}={fault}" in seen
