"""The fault matrix (tests/data/fault_matrix.txt): what the step does when a call fails."""

from __future__ import annotations

import pytest

from sandbox.faults import FAULTS
from tests.fault_cases import load
from tests.fault_matrix import Outcome, run_all

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


def test_runs_in_mode_ensure_end_with_one_note_whatever_has_failed(
    outcomes: dict[str, Outcome],
) -> None:
    """Run until it ends in 0, an update is there once, and one more run sends nothing."""
    assert {name: outcome.rerun for name, outcome in outcomes.items() if outcome.rerun} == {}
    assert sum(outcome.case.adds_note for outcome in outcomes.values()) > len(CASES) / 2


def test_a_preview_sends_nothing_whatever_fails(outcomes: dict[str, Outcome]) -> None:
    """Neither an update nor a file."""
    previews = [outcome for outcome in outcomes.values() if outcome.case.kind == "preview"]
    assert {outcome.result.patches for outcome in previews} == {0}
    assert sum(outcome.uploads for outcome in previews) == 0


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


@pytest.mark.parametrize(
    ("kinds", "call"),
    [
        (["ensure", "linked", "preview", "only-if"], "read"),
        (["ensure", "preview"], "verification"),
        (["linked", "preview"], "linked"),
        (["find"], "search"),
    ],
)
def test_the_matrix_has_faults_of_every_call_that_comes_before_an_update(
    kinds: list[str], call: str
) -> None:
    """So that it is known to send nothing where it cannot compare."""
    for kind in kinds:
        cases = {case.faults[0].rstrip("*"): case for case in CASES if case.kind == kind}
        for fault in ("refused", "500", "404"):
            assert f"{call}={fault}" in cases
