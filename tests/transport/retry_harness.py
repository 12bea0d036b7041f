"""A call under the retry policy, with scripted attempts and verifications."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from process.errors import RejectedError, StepError
from process.settings import Settings
from tests.fake_clock import FakeClock
from transport.context import RetryBudget
from transport.failures import AttemptFailed, FailureKind
from transport.headers import RetryAfter
from transport.http import Idempotency
from transport.retry_policy import Verification
from transport.retrying import RetryableCall, retry_call

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

NOT_SENT = AttemptFailed(FailureKind.NOT_SENT, "no connection (test)")
SERVER_ERROR = AttemptFailed(
    FailureKind.SERVER_ERROR, "it answered 502 (test)", status=502, trace_id="trace-1"
)
TIMEOUT = AttemptFailed(FailureKind.TIMEOUT, "it did not answer in time")
INVALID_RESPONSE = AttemptFailed(FailureKind.INVALID_RESPONSE, "no JSON", status=200)
SAFE, IDEMPOTENT = Idempotency.SAFE, Idempotency.IDEMPOTENT
VERIFIABLE, NON_IDEMPOTENT = Idempotency.VERIFIABLE, Idempotency.NON_IDEMPOTENT


def rate_limited(seconds: float | None, until: datetime | None = None) -> AttemptFailed:
    """Return what a 429 is."""
    return AttemptFailed(
        FailureKind.RATE_LIMITED,
        "it answered 429",
        retry_after=RetryAfter(seconds, until),
        status=429,
    )


ANSWER = "the answer"
VERIFIED = "read after the verification"


def rejected(status: int) -> RejectedError:
    """Return what an attempt raises that the service rejects."""
    return RejectedError(f"refused ({status})", status=status)


class Script:
    """Attempts that go as written: each raises its error or returns its answer, in turn.

    Attributes:
        attempts: how many there were.
    """

    def __init__(self, *turns: str | Exception, clock: FakeClock | None = None) -> None:
        self.attempts = 0
        self._turns = turns
        self._clock = clock

    def __call__(self) -> str:
        """Make one attempt; the last turn repeats itself for ever. Each takes a second."""
        turn = self._turns[min(self.attempts, len(self._turns) - 1)]
        self.attempts += 1
        if self._clock:
            self._clock.advance(1.0)
        if isinstance(turn, Exception):
            raise turn
        return turn


@dataclasses.dataclass
class RetryHarness:
    """A call, its clock and its budget.

    Attributes:
        found: what each verification finds, in turn: True, False, what is unclear, or an error.
        verifications: how many there were.
        ambiguous_since: when the attempt that each of them is about began.
        during_check: what happens during each of them.
        finish_after_sigterm: whether the call goes on for a while after a signal.
    """

    idempotency: Idempotency = IDEMPOTENT
    settings: Settings = dataclasses.field(default_factory=Settings)
    clock: FakeClock = dataclasses.field(default_factory=FakeClock)
    found: tuple[bool | str | StepError, ...] = ()
    verifications: int = 0
    ambiguous_since: list[float] = dataclasses.field(default_factory=list)
    during_check: Callable[[], object] = lambda: None
    finish_after_sigterm: bool = False

    def retry_call(self, attempt: Callable[[], str]) -> str:
        """Make the call."""
        call = RetryableCall(
            "update request 5",
            "4me (api.4me.com)",
            self.idempotency,
            manual_check="Open the page.",
            finish_after_sigterm=self.finish_after_sigterm,
        )
        make_verifier = (lambda: self) if self.found else None
        return retry_call(call, attempt, RetryBudget(self.settings, self.clock), make_verifier)

    def verify(self, attempt_started: float) -> Verification:
        """Find what `found` says."""
        found = self.found[self.verifications]
        self.verifications += 1
        self.ambiguous_since.append(attempt_started)
        self.during_check()
        if isinstance(found, StepError):
            raise found
        if isinstance(found, str):
            return Verification(is_applied=False, unclear=found)
        return Verification(found)

    def result(self) -> str:
        """Return what is there once the call is verified."""
        return VERIFIED
