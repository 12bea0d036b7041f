"""The loop that repeats a call under the retry policy, until it succeeds or is given up."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from process.errors import StepError
from process.exit_codes import ExitCode
from process.settings import MAX_UNKNOWN_HOST_TIME
from transport.failures import AMBIGUOUS, AttemptFailed, FailureKind
from transport.http import Idempotency
from transport.retry_policy import Action, RetryState, decide, processing_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from process.errors import Applied
    from transport.context import RetryBudget
    from transport.retry_policy import Verification

logger = logging.getLogger("step.retry")

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class RetryableCall(NamedTuple):
    """What the loop and its messages need to know about a call."""

    purpose: str  # as in "The step could not ... "
    service: str  # as in "... answered 502"
    idempotency: Idempotency
    manual_check: str = ""  # what a person should look at when the outcome is unknown
    finish_after_sigterm: bool = False  # whether it is still tried after SIGTERM, to the deadline
    is_unsent: Callable[[], bool] = lambda: False  # whether the current attempt cannot have acted
    rate_limit: str = "the service limits how often it may be called"  # a cause, for messages


class Verifier(Protocol[T_co]):
    """Finds out whether a call whose response was lost was applied."""

    def verify(self, attempt_started: float) -> Verification:
        """Ask the server, about attempts since `attempt_started` in monotonic time."""

    def result(self) -> T_co:
        """Return what the call would have returned, once it is known to be applied."""


def retry_call(
    call: RetryableCall,
    attempt: Callable[[], T],
    budget: RetryBudget,
    make_verifier: Callable[[], Verifier[T]] | None = None,
) -> T:
    """Make a call until it succeeds, or is verified, under the retry policy.

    Args:
        call: its description.
        attempt: makes one attempt; raises AttemptFailed if the policy shall decide, or a
            StepError if a retry cannot help.
        budget: the time for retries.
        make_verifier: for a call that is not idempotent; None: it cannot be verified.

    Raises:
        TemporaryError: gave up; not applied, or safe to repeat.
        OutcomeUnknownError: gave up; it may have been applied.
        StepError: the attempt's own.
    """
    loop = _RetryLoop(call, budget, make_verifier)
    with budget.clock.in_flight(call.purpose, loop.exit_code_if_terminated):
        return loop.run(attempt)


class _RetryLoop(Generic[T]):
    """The state of one call: how often it was tried, and whether it may have been applied."""

    def __init__(
        self,
        call: RetryableCall,
        budget: RetryBudget,
        make_verifier: Callable[[], Verifier[T]] | None,
    ) -> None:
        self._call = call
        self._budget = budget
        self._clock = budget.clock
        self._make_verifier = make_verifier
        self._verifier: Verifier[T] | None = None
        self._idempotency = call.idempotency
        if make_verifier and call.idempotency is Idempotency.NON_IDEMPOTENT:
            self._idempotency = Idempotency.VERIFIABLE
        self._attempts = 0
        self._attempt_started = 0.0
        self._is_in_progress = False  # whether an attempt is being made
        self._ambiguous: AttemptFailed | None = None  # the last one that may have been applied
        self._ambiguous_since = 0.0  # when the first attempt that is in doubt began
        self._processed_at = 0.0
        self._host_unknown_since: float | None = None

    def exit_code_if_terminated(self) -> ExitCode:
        """Return what it means when the process has to end now."""
        if self._call.finish_after_sigterm:
            return ExitCode.IO
        is_repeatable = self._idempotency in (Idempotency.SAFE, Idempotency.IDEMPOTENT)
        may_be_applied = self._ambiguous or (self._is_in_progress and not self._call.is_unsent())
        return ExitCode.PROTOCOL if may_be_applied and not is_repeatable else ExitCode.TRY_LATER

    def run(self, attempt: Callable[[], T]) -> T:
        while True:
            self._attempts += 1
            self._attempt_started = self._clock.monotonic()
            self._is_in_progress = True
            try:
                return attempt()
            except AttemptFailed as error:
                failure = error
            except StepError as error:
                if self._ambiguous is None:
                    raise
                from transport.retry_errors import failed_after_ambiguous  # noqa: PLC0415  most succeed

                raise failed_after_ambiguous(self._call, self._ambiguous, error) from error
            self._record(failure)
            if self._next(failure) is Action.VERIFY and self._make_verifier:
                self._verifier = self._verifier or self._make_verifier()
                if self._verify_until_certain(self._verifier, failure):
                    return self._verifier.result()

    def _record(self, failure: AttemptFailed) -> None:
        self._is_in_progress = False
        now = self._clock.monotonic()
        if failure.kind is FailureKind.RATE_LIMITED:
            self._budget.charge_rate_limit(now - self._attempt_started)
        if failure.kind in AMBIGUOUS and self._idempotency is not Idempotency.SAFE:
            if self._ambiguous is None:
                self._ambiguous_since = self._attempt_started
            self._ambiguous = failure
            self._processed_at = now + processing_time(failure.kind)

    def _verify_until_certain(self, verifier: Verifier[T], failure: AttemptFailed) -> bool:
        """Verify until it is certain; return False when the call has to be made again."""
        while True:
            # A check that began too early proves nothing: what is applied later may be on a page
            # that it has read already.
            is_processed = self._processing_left == 0
            try:
                found = verifier.verify(self._ambiguous_since)
            except Exception as error:  # of any kind: the call stays in doubt
                reason = error.what if isinstance(error, StepError) else type(error).__name__
                raise self._not_verifiable(failure, f"the check failed: {reason}") from error
            if found.is_applied:
                return True
            if is_processed and found.unclear:
                raise self._not_verifiable(failure, found.unclear)
            if is_processed:
                self._ambiguous = None
            outcome = _not_applied(failure, found, is_processed=is_processed)
            if self._next(outcome, is_processed=is_processed) is Action.RETRY:
                return False

    def _not_verifiable(self, failure: AttemptFailed, reason: str) -> StepError:
        from transport.retry_errors import not_verifiable  # noqa: PLC0415  likewise

        return not_verifiable(self._call, failure, reason)

    def _next(self, failure: AttemptFailed, *, is_processed: bool = True) -> Action:
        """Ask the policy, wait, and return RETRY or VERIFY; or give up."""
        state = RetryState(
            failure.kind,
            self._idempotency,
            self._attempts,
            self._retry_left(failure.kind),
            min(self._budget.rate_limit_left, self._time_left),
            failure.retry_after,
            None if is_processed else self._processing_left,
        )
        action, wait = decide(state, self._clock.random())
        if action not in (Action.RETRY, Action.VERIFY):
            from transport.retry_errors import gave_up  # noqa: PLC0415  likewise

            raise gave_up(self._call, failure, action, self._applied) from failure
        self._log(failure, action, wait)
        if failure.kind is FailureKind.RATE_LIMITED:
            self._budget.charge_rate_limit(wait)
        if self._clock.wait(wait):
            return action
        if not self._call.finish_after_sigterm:
            from transport.retry_errors import terminated  # noqa: PLC0415  likewise

            raise terminated(self._call, failure, action, self._applied) from failure
        self._clock.sleep(min(wait, self._clock.time_left))
        return action

    def _log(self, failure: AttemptFailed, action: Action, wait: float) -> None:
        again = "again" if failure.kind is FailureKind.NOT_APPLIED else "the update"
        logger.warning(
            "%s: %s; %s %s (attempt %d).",
            self._call.service,
            failure.reason,
            "trying again" if action is Action.RETRY else f"checking {again}",
            f"in {wait:.1f} s" if wait else "now",
            self._attempts,
        )

    @property
    def _applied(self) -> Applied:
        return "no" if self._ambiguous is None else "maybe"

    @property
    def _processing_left(self) -> float:
        """Seconds for which the server may still be processing the last attempt."""
        return max(self._processed_at - self._clock.monotonic(), 0.0)

    @property
    def _time_left(self) -> float:
        """Seconds until the deadline after SIGTERM, for a call that is still tried then."""
        return self._clock.time_left if self._call.finish_after_sigterm else math.inf

    def _retry_left(self, kind: FailureKind) -> float:
        """Return the seconds left for retries; few for a host that does not exist."""
        left = min(self._budget.retry_left, self._time_left)
        if kind is not FailureKind.UNKNOWN_HOST:
            self._host_unknown_since = None
            return left
        if self._host_unknown_since is None:
            self._host_unknown_since = self._attempt_started
        elapsed = self._clock.monotonic() - self._host_unknown_since
        return min(left, MAX_UNKNOWN_HOST_TIME - elapsed)


def _not_applied(
    failure: AttemptFailed, found: Verification, *, is_processed: bool
) -> AttemptFailed:
    outcome = "the update was not applied" if is_processed else "the update was not found yet"
    if found.unclear:
        outcome = "it is unclear whether the update was applied"
    return AttemptFailed(
        FailureKind.NOT_APPLIED,
        f"{failure.reason}, and {outcome}",
        status=failure.status,
        trace_id=failure.trace_id,
    )
