"""The one retry policy, written down once, as two pure functions.

`decide` says what to do after one attempt at a call has not brought an answer to work with;
`backoff` says how long to wait where nobody else does. Neither waits, sends, logs or reads a
clock. The loop that applies them is `fourme.delivery.deliver`, for 4me, for the
metadata service and for uploads alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from process.settings import (
    INITIAL_BACKOFF,
    INITIAL_RATE_LIMIT_BACKOFF,
    MAX_BACKOFF,
    MAX_INVALID_RESPONSES,
    SETTLE_TIME,
    TIMEOUT_SETTLE_TIME,
)


class Happening(Enum):
    """What became of one attempt."""

    NOT_SENT = "not sent"  # no connection, or not all of the body has left: not processed
    NO_HOST = "no host"  # the resolver says that there is no such host: not processed
    THROTTLED = "throttled"  # 429, 503 with Retry-After, 500 that says so: not processed
    FAILED = "failed"  # connection lost, truncated answer, 500, 502, other 5xx: who knows
    SILENT = "silent"  # no answer in time, 504 and the like: who knows; it may still be at work
    GARBLED = "garbled"  # a whole answer that is not JSON: who knows
    ABSENT = "absent"  # a verification found that the update had not arrived


#: After these, who knows whether the call was processed?
DOUBTFUL = (Happening.FAILED, Happening.SILENT, Happening.GARBLED)


class Repeatable(Enum):
    """What sending the same again does to the data."""

    READS = "reads"  # nothing
    SETS = "sets"  # nothing more than the first time
    ADDS_VERIFIABLY = "adds verifiably"  # adds again, but it can be asked whether it is there
    ADDS = "adds"  # adds again, and nothing can tell


class Action(Enum):
    """What to do next."""

    REPEAT = "repeat"  # after the wait
    VERIFY = "verify"  # after the wait, find out whether it has arrived
    TRY_LATER = "try later"  # give up: not applied, or safe to repeat
    UNKNOWN = "unknown"  # give up: nobody can tell whether it was applied


@dataclass(frozen=True)
class Situation:
    """What `decide` looks at.

    Attributes:
        happening: what became of the last attempt.
        repeatable: what sending the same again would do.
        attempt: how many attempts there were, at least 1.
        retry_left: seconds left for repeating.
        throttle_left: seconds left for waiting on rate limits.
        retry_after: seconds that the server asks to wait; None when it does not say.
        unsettled: seconds for which what was sent may still be processed; None when the server had
            had its time before the verification began.
    """

    happening: Happening
    repeatable: Repeatable
    attempt: int
    retry_left: float
    throttle_left: float
    retry_after: float | None = None
    unsettled: float | None = None


@dataclass(frozen=True)
class Decision:
    """What to do, and how many seconds to wait before it."""

    action: Action
    wait: float = 0.0


def backoff(attempt: int, draw: float, first: float = INITIAL_BACKOFF) -> float:
    """Return the seconds to wait after a number of attempts: doubling, capped, with jitter.

    Args:
        attempt: how many attempts there were, at least 1.
        draw: a random number from 0 to 1; half of the delay depends on it.
        first: the longest delay after the first attempt.
    """
    longest: float = min(first * 2 ** min(attempt - 1, 16), MAX_BACKOFF)
    return longest * (1 + draw) / 2


def decide(situation: Situation, draw: float) -> Decision:
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
        situation: what happened, what was being sent, what is left of the budgets.
        draw: a random number from 0 to 1, for jitter.
    """
    happening = situation.happening
    if happening is Happening.THROTTLED:
        return _after_throttling(situation, draw)
    if happening is Happening.ABSENT and situation.unsettled is not None:
        return Decision(Action.VERIFY, situation.unsettled)
    if happening is Happening.ABSENT:
        return Decision(Action.REPEAT if situation.retry_left > 0 else Action.TRY_LATER)
    if happening in DOUBTFUL:
        if situation.repeatable is Repeatable.ADDS:
            return Decision(Action.UNKNOWN)
        if situation.repeatable is Repeatable.ADDS_VERIFIABLY:
            return Decision(Action.VERIFY, backoff(situation.attempt, draw))
    if _is_garbled_for_good(situation):
        return Decision(Action.UNKNOWN)
    wait = backoff(situation.attempt, draw)
    if wait <= situation.retry_left:
        return Decision(Action.REPEAT, wait)
    return Decision(Action.UNKNOWN if happening is Happening.GARBLED else Action.TRY_LATER)


def _is_garbled_for_good(situation: Situation) -> bool:
    """Return whether a whole answer makes no sense, again and again: that is not an outage."""
    is_garbled = situation.happening is Happening.GARBLED
    reads = situation.repeatable is Repeatable.READS
    return is_garbled and reads and situation.attempt >= MAX_INVALID_RESPONSES


def _after_throttling(situation: Situation, draw: float) -> Decision:
    if situation.retry_after is None:
        wait = backoff(situation.attempt, draw, first=2 * INITIAL_RATE_LIMIT_BACKOFF)
    else:
        wait = max(situation.retry_after, INITIAL_BACKOFF)  # "0" must not become a busy loop
    fits = wait <= situation.throttle_left
    return Decision(Action.REPEAT if fits else Action.TRY_LATER, wait)


def settle_time(happening: Happening) -> float:
    """Return for how many seconds after an attempt a server may still be at work on it."""
    return TIMEOUT_SETTLE_TIME if happening is Happening.SILENT else SETTLE_TIME
