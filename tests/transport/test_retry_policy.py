"""`transport.retry_policy`: the one retry policy, row by row, and what always holds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from process.settings import INITIAL_BACKOFF, INITIAL_RATE_LIMIT_BACKOFF, MAX_BACKOFF
from transport.failures import AMBIGUOUS, FailureKind
from transport.http import Idempotency
from transport.retry_policy import (
    Action,
    RetryDecision,
    RetryState,
    backoff,
    decide,
    processing_time,
)

NOT_SENT, RATE_LIMITED, SERVER_ERROR = (
    FailureKind.NOT_SENT,
    FailureKind.RATE_LIMITED,
    FailureKind.SERVER_ERROR,
)
UNKNOWN_HOST = FailureKind.UNKNOWN_HOST
TIMEOUT, INVALID_RESPONSE, NOT_APPLIED = (
    FailureKind.TIMEOUT,
    FailureKind.INVALID_RESPONSE,
    FailureKind.NOT_APPLIED,
)
SAFE, IDEMPOTENT = Idempotency.SAFE, Idempotency.IDEMPOTENT
VERIFIABLE, NON_IDEMPOTENT = Idempotency.VERIFIABLE, Idempotency.NON_IDEMPOTENT
RETRY, VERIFY = Action.RETRY, Action.VERIFY
LATER, UNKNOWN = Action.TRY_LATER, Action.UNKNOWN
PLENTY = 1000.0

times = st.floats(-1e4, 1e6)
jitters = st.floats(0, 1)
states = st.builds(
    RetryState,
    kind=st.sampled_from(FailureKind),
    idempotency=st.sampled_from(Idempotency),
    attempt=st.integers(1, 10_000),
    retry_left=times,
    rate_limit_left=times,
    retry_after=st.none() | st.floats(0, 1e9),
    processing_left=st.none() | st.floats(0, 30),
).filter(lambda each: each.kind is not NOT_APPLIED or each.idempotency is VERIFIABLE)


def rows(
    kinds: tuple[FailureKind, ...],
    sent: tuple[Idempotency, ...],
    left: float,
    decision: RetryDecision,
) -> list[tuple[RetryState, RetryDecision]]:
    """Return a row of the table for each kind of failure and each thing sent, after one attempt."""
    return [
        (RetryState(kind, idempotency, attempt=1, retry_left=left, rate_limit_left=left), decision)
        for kind in kinds
        for idempotency in sent
    ]


TABLE = [
    # rate limited, with what the server asks for
    *[
        (
            RetryState(
                RATE_LIMITED, sent, attempt=1, retry_left=0, rate_limit_left=60, retry_after=60.0
            ),
            RetryDecision(RETRY, 60.0),
        )
        for sent in Idempotency
    ],
    *[
        (
            RetryState(
                RATE_LIMITED,
                sent,
                attempt=1,
                retry_left=PLENTY,
                rate_limit_left=60,
                retry_after=60.1,
            ),
            RetryDecision(LATER, 60.1),
        )
        for sent in Idempotency
    ],
    (
        RetryState(
            RATE_LIMITED, IDEMPOTENT, attempt=1, retry_left=0, rate_limit_left=60, retry_after=0.0
        ),
        RetryDecision(RETRY, INITIAL_BACKOFF),
    ),
    (
        RetryState(
            RATE_LIMITED, IDEMPOTENT, attempt=1, retry_left=0, rate_limit_left=0, retry_after=0.0
        ),
        RetryDecision(LATER, INITIAL_BACKOFF),
    ),
    # rate limited, without it
    (
        RetryState(RATE_LIMITED, IDEMPOTENT, attempt=1, retry_left=0, rate_limit_left=60),
        RetryDecision(RETRY, 2 * INITIAL_RATE_LIMIT_BACKOFF),
    ),
    (
        RetryState(RATE_LIMITED, IDEMPOTENT, attempt=3, retry_left=0, rate_limit_left=60),
        RetryDecision(RETRY, 8 * INITIAL_RATE_LIMIT_BACKOFF),
    ),
    (
        RetryState(RATE_LIMITED, NON_IDEMPOTENT, attempt=3, retry_left=PLENTY, rate_limit_left=15),
        RetryDecision(LATER, 8 * INITIAL_RATE_LIMIT_BACKOFF),
    ),
    # not applied, too early to tell
    *[
        (
            RetryState(
                NOT_APPLIED,
                VERIFIABLE,
                attempt=1,
                retry_left=left,
                rate_limit_left=left,
                processing_left=wait,
            ),
            RetryDecision(VERIFY, wait),
        )
        for left in (PLENTY, 3.0, 0, -5)
        for wait in (0.0, 0.01, 10.0, 30.0)
    ],
    # not applied, settled
    *rows((NOT_APPLIED,), (VERIFIABLE,), 0.1, RetryDecision(RETRY)),
    *rows((NOT_APPLIED,), (VERIFIABLE,), 0, RetryDecision(LATER)),
    *rows((NOT_APPLIED,), (VERIFIABLE,), -1, RetryDecision(LATER)),
    # in doubt, non-idempotent
    *rows(AMBIGUOUS, (NON_IDEMPOTENT,), PLENTY, RetryDecision(UNKNOWN)),
    *rows(AMBIGUOUS, (NON_IDEMPOTENT,), 0, RetryDecision(UNKNOWN)),
    # in doubt, verifiable
    *rows(AMBIGUOUS, (VERIFIABLE,), PLENTY, RetryDecision(VERIFY, INITIAL_BACKOFF)),
    *rows(AMBIGUOUS, (VERIFIABLE,), 0.1, RetryDecision(VERIFY, INITIAL_BACKOFF)),
    *rows(AMBIGUOUS, (VERIFIABLE,), 0, RetryDecision(VERIFY, INITIAL_BACKOFF)),
    *rows(AMBIGUOUS, (VERIFIABLE,), -5, RetryDecision(VERIFY, INITIAL_BACKOFF)),
    # the rest, too late
    *rows((INVALID_RESPONSE,), (SAFE, IDEMPOTENT), 0, RetryDecision(UNKNOWN)),
    *rows((SERVER_ERROR, TIMEOUT), (SAFE, IDEMPOTENT), 0, RetryDecision(LATER)),
    *rows((NOT_SENT, UNKNOWN_HOST), tuple(Idempotency), 0, RetryDecision(LATER)),
    *rows(
        (NOT_SENT, UNKNOWN_HOST), tuple(Idempotency), INITIAL_BACKOFF - 0.01, RetryDecision(LATER)
    ),
    # invalid responses only
    (
        RetryState(INVALID_RESPONSE, SAFE, attempt=2, retry_left=PLENTY, rate_limit_left=PLENTY),
        RetryDecision(RETRY, 2 * INITIAL_BACKOFF),
    ),
    *[
        (
            RetryState(
                INVALID_RESPONSE, SAFE, attempt=attempt, retry_left=PLENTY, rate_limit_left=PLENTY
            ),
            RetryDecision(UNKNOWN),
        )
        for attempt in (3, 4, 100)
    ],
    # the rest, in time
    *rows(
        (NOT_SENT, UNKNOWN_HOST),
        tuple(Idempotency),
        INITIAL_BACKOFF,
        RetryDecision(RETRY, INITIAL_BACKOFF),
    ),
    *rows(AMBIGUOUS, (SAFE, IDEMPOTENT), PLENTY, RetryDecision(RETRY, INITIAL_BACKOFF)),
]


@pytest.mark.parametrize(("state", "decision"), TABLE)
def test_table(state: RetryState, decision: RetryDecision) -> None:
    """Each row of the documented table holds; the jitter is 1, so that waits are their longest."""
    assert decide(state, 1.0) == decision


def test_table_is_complete() -> None:
    """The table above has every pair of what happened and what was sent that can come up."""
    pairs = {(state.kind, state.idempotency) for state, _ in TABLE}
    possible = {
        (kind, sent)
        for kind in FailureKind
        for sent in Idempotency
        if kind is not NOT_APPLIED or sent is VERIFIABLE
    }

    assert pairs == possible


@pytest.mark.parametrize(
    ("kind", "seconds"),
    [(SERVER_ERROR, 10.0), (INVALID_RESPONSE, 10.0), (TIMEOUT, 30.0)],
)
def test_settle_time(kind: FailureKind, seconds: float) -> None:
    """A server may still be processing 10 s after a failure, and 30 s after it gave no answer."""
    assert processing_time(kind) == seconds


@given(states, jitters)
def test_not_applied_too_early_is_no_evidence(state: RetryState, jitter: float) -> None:
    """As long as the server may still be processing, the update is verified again, no more."""
    if state.kind is NOT_APPLIED and state.processing_left is not None:
        assert decide(state, jitter) == RetryDecision(VERIFY, state.processing_left)


@pytest.mark.parametrize(
    ("attempt", "longest"),
    [(1, 0.5), (2, 1.0), (3, 2.0), (6, 16.0), (7, 30.0), (8, 30.0), (10**6, 30.0)],
)
def test_backoff(attempt: int, longest: float) -> None:
    """The delay doubles up to a cap, and chance takes at most half of it."""
    assert backoff(attempt, 1.0) == longest
    assert backoff(attempt, 0.0) == longest / 2


@given(st.integers(1, 10**9), jitters, st.floats(0.001, 100))
def test_backoff_bounds(attempt: int, jitter: float, first: float) -> None:
    """A delay is never nothing, never beyond the cap, and never shorter after more attempts."""
    delay = backoff(attempt, jitter, first)

    assert min(first, MAX_BACKOFF) / 2 <= delay <= MAX_BACKOFF
    assert delay <= backoff(attempt + 1, jitter, first)


@given(states, jitters)
def test_never_doubled(state: RetryState, jitter: float) -> None:
    """What adds is never repeated after an attempt that may have been applied."""
    if state.kind in AMBIGUOUS and state.idempotency in (NON_IDEMPOTENT, VERIFIABLE):
        assert decide(state, jitter).action is not RETRY
    if state.kind in AMBIGUOUS and state.idempotency is NON_IDEMPOTENT:
        assert decide(state, jitter) == RetryDecision(UNKNOWN)


@given(states, jitters)
def test_verifies_only_what_can_be(state: RetryState, jitter: float) -> None:
    """Only what is verifiable is verified."""
    if decide(state, jitter).action is VERIFY:
        assert state.idempotency is VERIFIABLE
        assert state.kind in (*AMBIGUOUS, NOT_APPLIED)


@given(states, jitters)
def test_never_beyond_the_budget(state: RetryState, jitter: float) -> None:
    """A wait before a repetition is within its budget; one before a look is bounded without."""
    decision = decide(state, jitter)

    assert decision.wait >= 0
    if decision.action is VERIFY:
        assert decision.wait <= max(MAX_BACKOFF, state.processing_left or 0)
    if decision.action is RETRY:
        is_rate_limited = state.kind is RATE_LIMITED
        left = state.rate_limit_left if is_rate_limited else state.retry_left
        assert decision.wait <= max(left, 0)


@given(states, jitters)
def test_no_busy_loop(state: RetryState, jitter: float) -> None:
    """Each repetition and look comes after a wait, but the one that a verification preceded."""
    decision = decide(state, jitter)

    if decision.action in (RETRY, VERIFY) and state.kind is not NOT_APPLIED:
        assert decision.wait >= INITIAL_BACKOFF / 2


@given(states, jitters)
def test_waits_as_asked(state: RetryState, jitter: float) -> None:
    """A server that says how long to wait is not called again earlier."""
    if state.kind is RATE_LIMITED and state.retry_after is not None:
        assert decide(state, jitter).wait >= state.retry_after
