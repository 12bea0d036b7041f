"""The retry policy, for 4me, Relay's metadata service and uploads alike, as pure functions.

They neither wait, send, log nor read a clock; `transport.retrying` applies them.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from process.settings import (
    INITIAL_BACKOFF,
    INITIAL_RATE_LIMIT_BACKOFF,
    MAX_BACKOFF,
    MAX_INVALID_RESPONSES,
    PROCESSING_TIME,
    TIMEOUT_PROCESSING_TIME,
)
from transport.failures import AMBIGUOUS, FailureKind
from transport.http import Idempotency


class Verification(NamedTuple):
    """The result of a check whether a call was applied."""

    is_applied: bool  # for certain
    unclear: str = ""  # what may be the result of the call, or of another one


class Action(Enum):
    """What to do next."""

    RETRY = "retry"  # after the wait
    VERIFY = "verify"  # after the wait, find out whether the call was applied
    TRY_LATER = "try later"  # give up: not applied, or safe to repeat
    UNKNOWN = "unknown"  # give up: it is unknown whether the call was applied


class RetryState(NamedTuple):
    """The input of `decide`; times in seconds."""

    kind: FailureKind  # of the last attempt
    idempotency: Idempotency
    attempt: int  # how many there were, at least 1
    retry_left: float
    rate_limit_left: float
    retry_after: float | None = None  # what the server asks for; None if it does not
    # For how long the server may still be processing the call; None if it could no longer be doing
    # so when the verification began.
    processing_left: float | None = None


class RetryDecision(NamedTuple):
    """What to do, and how many seconds to wait before it."""

    action: Action
    wait: float = 0.0


def backoff(attempt: int, jitter: float, first: float = INITIAL_BACKOFF) -> float:
    """Return the seconds to wait after a number of attempts: doubling, capped, with jitter.

    Args:
        attempt: how many attempts there were, at least 1.
        jitter: a random number from 0 to 1; half of the delay depends on it.
        first: the longest delay after the first attempt.
    """
    longest: float = min(first * 2 ** min(attempt - 1, 16), MAX_BACKOFF)
    return longest * (1 + jitter) / 2


def decide(state: RetryState, jitter: float) -> RetryDecision:
    """Return what to do after an attempt; `jitter` is a random number from 0 to 1.

    The first row that fits decides:

    | failure                      | idempotency        | budget         | decision             |
    | ---------------------------- | ------------------ | -------------- | -------------------- |
    | rate limited                 | any                | wait fits      | wait as asked, retry |
    | rate limited                 | any                | too small      | give up: try later   |
    | not applied, not yet settled | verifiable         | any            | settle, verify again |
    | not applied, settled         | verifiable         | some left      | retry now            |
    | not applied, settled         | verifiable         | none           | give up: try later   |
    | ambiguous                    | non-idempotent     | any            | give up: unknown     |
    | ambiguous                    | verifiable         | any            | back off, verify     |
    | invalid response, third time | safe               | any            | give up: unknown     |
    | any other                    | any                | back-off fits  | back off, retry      |
    | invalid response             | safe or idempotent | too small      | give up: unknown     |
    | any other                    | any                | too small      | give up: try later   |

    Rate limits without Retry-After back off from 2 s. A verification that does not find the update
    counts only after the server has had time to settle: 10 s, or 30 s after a timeout. That wait is
    made whatever the budget: without it the outcome would stay unknown. An unknown host is retried
    for 15 s only (`transport.retrying`): a new name may not be known everywhere yet.
    """
    kind, idempotency = state.kind, state.idempotency
    if kind is FailureKind.RATE_LIMITED:
        return _after_rate_limit(state, jitter)
    if kind is FailureKind.NOT_APPLIED:
        if state.processing_left is not None:
            return RetryDecision(Action.VERIFY, state.processing_left)
        return RetryDecision(Action.RETRY if state.retry_left > 0 else Action.TRY_LATER)
    wait = backoff(state.attempt, jitter)
    if kind in AMBIGUOUS and idempotency is Idempotency.NON_IDEMPOTENT:
        return RetryDecision(Action.UNKNOWN)
    if kind in AMBIGUOUS and idempotency is Idempotency.VERIFIABLE:
        return RetryDecision(Action.VERIFY, wait)
    is_invalid = kind is FailureKind.INVALID_RESPONSE
    is_persistent = idempotency is Idempotency.SAFE and state.attempt >= MAX_INVALID_RESPONSES
    if wait <= state.retry_left and not (is_invalid and is_persistent):
        return RetryDecision(Action.RETRY, wait)
    return RetryDecision(Action.UNKNOWN if is_invalid else Action.TRY_LATER)


def _after_rate_limit(state: RetryState, jitter: float) -> RetryDecision:
    if state.retry_after is None:
        wait = backoff(state.attempt, jitter, first=2 * INITIAL_RATE_LIMIT_BACKOFF)
    else:
        wait = max(state.retry_after, INITIAL_BACKOFF)  # "0" must not become a busy loop
    fits = wait <= state.rate_limit_left
    return RetryDecision(Action.RETRY if fits else Action.TRY_LATER, wait)


def processing_time(kind: FailureKind) -> float:
    """Return for how many seconds after an attempt a server may still be processing it."""
    return TIMEOUT_PROCESSING_TIME if kind is FailureKind.TIMEOUT else PROCESSING_TIME
