"""`fourme.retry`: the one retry policy, row by row, and what always holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fourme.retry import (
    DOUBTFUL,
    Action,
    Decision,
    Happening,
    Repeatable,
    Situation,
    backoff,
    decide,
    settle_time,
)
from process.settings import INITIAL_BACKOFF, INITIAL_RATE_LIMIT_BACKOFF, MAX_BACKOFF

NOT_SENT, THROTTLED, FAILED = Happening.NOT_SENT, Happening.THROTTLED, Happening.FAILED
NO_HOST = Happening.NO_HOST
SILENT, GARBLED, ABSENT = Happening.SILENT, Happening.GARBLED, Happening.ABSENT
READS, SETS = Repeatable.READS, Repeatable.SETS
VERIFIABLE, ADDS = Repeatable.ADDS_VERIFIABLY, Repeatable.ADDS
REPEAT, VERIFY = Action.REPEAT, Action.VERIFY
LATER, UNKNOWN = Action.TRY_LATER, Action.UNKNOWN
PLENTY = 1000.0

times = st.floats(-1e4, 1e6)
draws = st.floats(0, 1)
situations = st.builds(
    Situation,
    happening=st.sampled_from(Happening),
    repeatable=st.sampled_from(Repeatable),
    attempt=st.integers(1, 10_000),
    retry_left=times,
    throttle_left=times,
    retry_after=st.none() | st.floats(0, 1e9),
    unsettled=st.none() | st.floats(0, 30),
).filter(lambda each: each.happening is not ABSENT or each.repeatable is VERIFIABLE)


def rows(
    happenings: tuple[Happening, ...], sent: tuple[Repeatable, ...], left: float, decision: Decision
) -> list[tuple[Situation, Decision]]:
    """Return a row of the table for each happening and each thing sent, after one attempt."""
    return [
        (Situation(happening, repeatable, 1, left, left), decision)
        for happening in happenings
        for repeatable in sent
    ]


TABLE = [
    # throttled, with what the server asks for
    *[(Situation(THROTTLED, sent, 1, 0, 60, 60.0), Decision(REPEAT, 60.0)) for sent in Repeatable],
    *[
        (Situation(THROTTLED, sent, 1, PLENTY, 60, 60.1), Decision(LATER, 60.1))
        for sent in Repeatable
    ],
    (Situation(THROTTLED, SETS, 1, 0, 60, 0.0), Decision(REPEAT, INITIAL_BACKOFF)),
    (Situation(THROTTLED, SETS, 1, 0, 0, 0.0), Decision(LATER, INITIAL_BACKOFF)),
    # throttled, without it
    (Situation(THROTTLED, SETS, 1, 0, 60), Decision(REPEAT, 2 * INITIAL_RATE_LIMIT_BACKOFF)),
    (Situation(THROTTLED, SETS, 3, 0, 60), Decision(REPEAT, 8 * INITIAL_RATE_LIMIT_BACKOFF)),
    (Situation(THROTTLED, ADDS, 3, PLENTY, 15), Decision(LATER, 8 * INITIAL_RATE_LIMIT_BACKOFF)),
    # verified as absent, too early to tell
    *[
        (Situation(ABSENT, VERIFIABLE, 1, left, left, unsettled=wait), Decision(VERIFY, wait))
        for left in (PLENTY, 3.0, 0, -5)
        for wait in (0.0, 0.01, 10.0, 30.0)
    ],
    # verified as absent, settled
    *rows((ABSENT,), (VERIFIABLE,), 0.1, Decision(REPEAT)),
    *rows((ABSENT,), (VERIFIABLE,), 0, Decision(LATER)),
    *rows((ABSENT,), (VERIFIABLE,), -1, Decision(LATER)),
    # in doubt, adds
    *rows(DOUBTFUL, (ADDS,), PLENTY, Decision(UNKNOWN)),
    *rows(DOUBTFUL, (ADDS,), 0, Decision(UNKNOWN)),
    # in doubt, adds verifiably
    *rows(DOUBTFUL, (VERIFIABLE,), PLENTY, Decision(VERIFY, INITIAL_BACKOFF)),
    *rows(DOUBTFUL, (VERIFIABLE,), 0.1, Decision(VERIFY, INITIAL_BACKOFF)),
    *rows(DOUBTFUL, (VERIFIABLE,), 0, Decision(VERIFY, INITIAL_BACKOFF)),
    *rows(DOUBTFUL, (VERIFIABLE,), -5, Decision(VERIFY, INITIAL_BACKOFF)),
    # the rest, too late
    *rows((GARBLED,), (READS, SETS), 0, Decision(UNKNOWN)),
    *rows((FAILED, SILENT), (READS, SETS), 0, Decision(LATER)),
    *rows((NOT_SENT, NO_HOST), tuple(Repeatable), 0, Decision(LATER)),
    *rows((NOT_SENT, NO_HOST), tuple(Repeatable), INITIAL_BACKOFF - 0.01, Decision(LATER)),
    # garbled for good
    (Situation(GARBLED, READS, 2, PLENTY, PLENTY), Decision(REPEAT, 2 * INITIAL_BACKOFF)),
    *[
        (Situation(GARBLED, READS, attempt, PLENTY, PLENTY), Decision(UNKNOWN))
        for attempt in (3, 4, 100)
    ],
    # the rest, in time
    *rows(
        (NOT_SENT, NO_HOST), tuple(Repeatable), INITIAL_BACKOFF, Decision(REPEAT, INITIAL_BACKOFF)
    ),
    *rows(DOUBTFUL, (READS, SETS), PLENTY, Decision(REPEAT, INITIAL_BACKOFF)),
]


@pytest.mark.parametrize(("situation", "decision"), TABLE)
def test_table(situation: Situation, decision: Decision) -> None:
    """Each row of the documented table holds; the draw is 1, so that waits are their longest."""
    assert decide(situation, 1.0) == decision


def test_table_is_complete() -> None:
    """The table above has every pair of what happened and what was sent that can come up."""
    pairs = {(situation.happening, situation.repeatable) for situation, _ in TABLE}
    possible = {
        (happening, sent)
        for happening in Happening
        for sent in Repeatable
        if happening is not ABSENT or sent is VERIFIABLE
    }

    assert pairs == possible


@pytest.mark.parametrize(
    ("happening", "seconds"), [(FAILED, 10.0), (GARBLED, 10.0), (SILENT, 30.0)]
)
def test_settle_time(happening: Happening, seconds: float) -> None:
    """A server may still be at work 10 s after a failure, and 30 s after it gave no answer."""
    assert settle_time(happening) == seconds


@given(situations, draws)
def test_unsettled_absence_is_no_evidence(situation: Situation, draw: float) -> None:
    """As long as the server may still be at work, an absence leads to another look, no more."""
    if situation.happening is ABSENT and situation.unsettled is not None:
        assert decide(situation, draw) == Decision(VERIFY, situation.unsettled)


@pytest.mark.parametrize(
    ("attempt", "longest"),
    [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (8, 30.0), (10**6, 30.0)],
)
def test_backoff(attempt: int, longest: float) -> None:
    """The delay doubles up to a cap, and chance takes at most half of it."""
    assert backoff(attempt, 1.0) == longest
    assert backoff(attempt, 0.0) == longest / 2


@given(st.integers(1, 10**9), draws, st.floats(0.001, 100))
def test_backoff_bounds(attempt: int, draw: float, first: float) -> None:
    """A delay is never nothing, never beyond the cap, and never shorter after more attempts."""
    delay = backoff(attempt, draw, first)

    assert min(first, MAX_BACKOFF) / 2 <= delay <= MAX_BACKOFF
    assert delay <= backoff(attempt + 1, draw, first)


@given(situations, draws)
def test_never_doubled(situation: Situation, draw: float) -> None:
    """What adds is never repeated after an attempt that may have been applied."""
    if situation.happening in DOUBTFUL and situation.repeatable in (ADDS, VERIFIABLE):
        assert decide(situation, draw).action is not REPEAT
    if situation.happening in DOUBTFUL and situation.repeatable is ADDS:
        assert decide(situation, draw) == Decision(UNKNOWN)


@given(situations, draws)
def test_verifies_only_what_can_be(situation: Situation, draw: float) -> None:
    """Only what adds verifiably is verified."""
    if decide(situation, draw).action is VERIFY:
        assert situation.repeatable is VERIFIABLE
        assert situation.happening in (*DOUBTFUL, ABSENT)


@given(situations, draws)
def test_never_beyond_the_budget(situation: Situation, draw: float) -> None:
    """A wait before a repetition is within its budget; one before a look is bounded without."""
    decision = decide(situation, draw)

    assert decision.wait >= 0
    if decision.action is VERIFY:
        assert decision.wait <= max(MAX_BACKOFF, situation.unsettled or 0)
    if decision.action is REPEAT:
        throttled = situation.happening is THROTTLED
        left = situation.throttle_left if throttled else situation.retry_left
        assert decision.wait <= max(left, 0)


@given(situations, draws)
def test_no_busy_loop(situation: Situation, draw: float) -> None:
    """Each repetition and look comes after a wait, but the one that a verification preceded."""
    decision = decide(situation, draw)

    if decision.action in (REPEAT, VERIFY) and situation.happening is not ABSENT:
        assert decision.wait >= INITIAL_BACKOFF / 2


@given(situations, draws)
def test_waits_as_asked(situation: Situation, draw: float) -> None:
    """A server that says how long to wait is not called again earlier."""
    if situation.happening is THROTTLED and situation.retry_after is not None:
        assert decide(situation, draw).wait >= situation.retry_after
