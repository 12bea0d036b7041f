"""The one retry policy, written down once, as two pure functions.

`decide` says what to do after one attempt at a call has not brought an answer to work with;
`backoff` says how long to wait where nobody else does. Neither waits, sends, logs or reads a
clock. The loop that applies them is `transport.retrying.deliver`, for 4me, for the
metadata service and for uploads alike.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from process.settings import (
    INITIAL_BACKOFF,
    INITIAL_RATE_LIMIT_BACKOFF,
    MAX_BACKOFF,
    MAX_INVALID_RESPONSES,
    SETTLE_TIME,
    TIMEOUT_SETTLE_TIME,
)


class FailureKind(Enum):
    """What became of one attempt."""

    NOT_SENT = "not sent"  # no connection, or not all of the body has left: not processed
    UNKNOWN_HOST = "no host"  # the resolver says that there is no such host: not processed
    RATE_LIMITED = "throttled"  # 429, 503 with Retry-After, 500 that says so: not processed
    SERVER_ERROR = "failed"  # connection lost, truncated answer, 500, 502, other 5xx: who knows
    TIMEOUT = "silent"  # no answer in time, 504 and the like: who knows; it may still be at work
    INVALID_RESPONSE = "garbled"  # a whole answer that is not JSON: who knows
    NOT_APPLIED = "absent"  # a verification found that the update had not arrived


#: After these, who knows whether the call was processed?
AMBIGUOUS = (FailureKind.SERVER_ERROR, FailureKind.TIMEOUT, FailureKind.INVALID_RESPONSE)


class Idempotency(Enum):
    """What sending the same again does to the data."""

    SAFE = "reads"  # nothing
    IDEMPOTENT = "sets"  # nothing more than the first time
    VERIFIABLE = "adds verifiably"  # adds again, but it can be asked whether it is there
    NON_IDEMPOTENT = "adds"  # adds again, and nothing can tell


class Action(Enum):
    """What to do next."""

    RETRY = "repeat"  # after the wait
    VERIFY = "verify"  # after the wait, find out whether it has arrived
    TRY_LATER = "try later"  # give up: not applied, or safe to repeat
    UNKNOWN = "unknown"  # give up: nobody can tell whether it was applied


class RetryState(NamedTuple):
    """What `decide` looks at.

    Attributes:
        kind: what became of the last attempt.
        idempotency: what sending the same again would do.
        attempt: how many attempts there were, at least 1.
        retry_left: seconds left for repeating.
        throttle_left: seconds left for waiting on rate limits.
        retry_after: seconds that the server asks to wait; None when it does not say.
        unsettled: seconds for which what was sent may still be processed; None when the server had
            had its time before the verification began.
    """

    kind: FailureKind
    idempotency: Idempotency
    attempt: int
    retry_left: float
    throttle_left: float
    retry_after: float | None = None
    unsettled: float | None = None


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
    """Say what to do after an attempt (contract section 9).

    In this order; the first row that fits decides:

    | what happened            | what was sent       | budget          | decision                 |
    | ------------------------ | ------------------- | --------------- | ------------------------ |
    | throttled                | anything            | throttle, fits  | wait as asked, repeat    |
    | throttled                | anything            | too small       | give up: try later       |
    | absent, but unsettled    | adds verifiably     | any             | wait till settled, verify |
    | absent, settled          | adds verifiably     | retry left      | repeat now               |
    | absent, settled          | adds verifiably     | none            | give up: try later       |
    | failed, silent, garbled  | adds                | any             | give up: unknown         |
    | failed, silent, garbled  | adds verifiably     | any             | wait, verify             |
    | garbled, the third time  | reads               | any             | give up: unknown         |
    | garbled                  | reads or sets       | too small       | give up: unknown         |
    | not sent, or the above   | anything            | too small       | give up: try later       |
    | not sent, or the above   | anything            | retry, fits     | back off, repeat         |

    Throttling without Retry-After backs off from 2 s. A verification that finds the update settles
    the matter at once; one that does not find it counts only after the server has had time to
    finish: 10 s after a failure, 30 s after no answer. That wait is made whatever the budget, since
    without it nobody could tell whether the update was applied. A host that does not exist is
    "not sent" with a smaller budget: 15 s, in which a name that is new may come to be known.

    Args:
        state: what happened, what was being sent, what is left of the budgets.
        jitter: a random number from 0 to 1, for jitter.
    """
    kind = state.kind
    if kind is FailureKind.RATE_LIMITED:
        return _after_throttling(state, jitter)
    if kind is FailureKind.NOT_APPLIED and state.unsettled is not None:
        return RetryDecision(Action.VERIFY, state.unsettled)
    if kind is FailureKind.NOT_APPLIED:
        return RetryDecision(Action.RETRY if state.retry_left > 0 else Action.TRY_LATER)
    if kind in AMBIGUOUS:
        if state.idempotency is Idempotency.NON_IDEMPOTENT:
            return RetryDecision(Action.UNKNOWN)
        if state.idempotency is Idempotency.VERIFIABLE:
            return RetryDecision(Action.VERIFY, backoff(state.attempt, jitter))
    if _is_garbled_for_good(state):
        return RetryDecision(Action.UNKNOWN)
    wait = backoff(state.attempt, jitter)
    if wait <= state.retry_left:
        return RetryDecision(Action.RETRY, wait)
    return RetryDecision(
        Action.UNKNOWN if kind is FailureKind.INVALID_RESPONSE else Action.TRY_LATER
    )


def _is_garbled_for_good(state: RetryState) -> bool:
    """Return whether a whole answer makes no sense, again and again: that is not an outage."""
    is_garbled = state.kind is FailureKind.INVALID_RESPONSE
    reads = state.idempotency is Idempotency.SAFE
    return is_garbled and reads and state.attempt >= MAX_INVALID_RESPONSES


def _after_throttling(state: RetryState, jitter: float) -> RetryDecision:
    if state.retry_after is None:
        wait = backoff(state.attempt, jitter, first=2 * INITIAL_RATE_LIMIT_BACKOFF)
    else:
        wait = max(state.retry_after, INITIAL_BACKOFF)  # "0" must not become a busy loop
    fits = wait <= state.throttle_left
    return RetryDecision(Action.RETRY if fits else Action.TRY_LATER, wait)


def settle_time(kind: FailureKind) -> float:
    """Return for how many seconds after an attempt a server may still be at work on it."""
    return TIMEOUT_SETTLE_TIME if kind is FailureKind.TIMEOUT else SETTLE_TIME
