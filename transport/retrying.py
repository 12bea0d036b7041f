"""The loop that repeats a call under the retry policy, until it is answered or given up."""

from __future__ import annotations

import logging
import math
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from process.errors import (
    ConfigError,
    OutcomeUnknownError,
    RateLimitedError,
    StepError,
    TemporaryError,
    TerminatedError,
    UnexpectedResponseError,
)
from process.exit_codes import ExitCode
from process.settings import MAX_UNKNOWN_HOST_TIME
from transport.failures import AttemptFailed
from transport.retry_policy import (
    AMBIGUOUS,
    Action,
    FailureKind,
    Idempotency,
    RetryState,
    decide,
    settle_time,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from process.clock import Clock
    from process.settings import Settings

logger = logging.getLogger("step.retry")


class Verification(NamedTuple):
    """What a look has found of an update whose answer was lost.

    Attributes:
        arrived: whether it is there for certain.
        unclear: what may be it; empty where there is nothing of the kind.
    """

    arrived: bool
    unclear: str = ""


@dataclass(frozen=True)
class Call:
    """What is being called, as the loop and its messages need it.

    Attributes:
        purpose: what is done, as in "The step could not ... ".
        service: which service, as in "... answered 502".
        repeatable: what sending it twice would do.
        look: asks the server whether the update is there, given when the attempt in doubt began, by
            the clock's monotonic time; for VERIFIABLE only.
        manual_check: what a person should look at when the outcome is unknown.
        is_unsent: says whether the server cannot have acted yet on the attempt that is being made.
        finish_after_sigterm: whether it is still tried after SIGTERM, as long as that allows.
    """

    purpose: str
    service: str
    idempotency: Idempotency
    verify: Callable[[float], Verification] | None = None
    manual_check: str = ""
    finish_after_sigterm: bool = False
    is_unsent: Callable[[], bool] = lambda: False


class RateLimitUsage:
    """What rate limits have cost a whole run.

    Attributes:
        seconds: so far.
    """

    def __init__(self) -> None:
        self.seconds = 0.0


class RetryBudget:
    """The seconds that one operation, with all calls that belong to it, may still spend.

    Attributes:
        clock: what time is measured with, and waited on.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        longest: float = math.inf,
        run: RateLimitUsage | None = None,
    ) -> None:
        """Start the time of an operation.

        Args:
            settings: what may be spent.
            clock: the clock of the run.
            longest: limits both times below the settings'.
            run: what rate limits have cost the run before; None: nothing.
        """
        self.clock = clock
        self._started = clock.monotonic()
        self._retry_time = min(settings.retry_time, longest)
        self._throttle_time = min(settings.throttle_time, longest)
        self._throttled = 0.0
        self._run = run or RateLimitUsage()

    @property
    def retry_left(self) -> float:
        """Seconds left for repeating; what rate limits have cost does not count."""
        return self._retry_time - (self.clock.monotonic() - self._started - self._throttled)

    @property
    def throttle_left(self) -> float:
        """Seconds left for rate limits, of all that the run may spend on them."""
        return self._throttle_time - self._run.seconds

    def note_throttling(self, seconds: float) -> None:
        """Book what a rate limit has cost: the attempt that was turned away, or the wait."""
        self._throttled += seconds
        self._run.seconds += seconds


def retry_call(
    call: Call, attempt: Callable[[], requests.Response], budget: RetryBudget
) -> requests.Response:
    """Make a call until it is answered, under the retry policy: one that nothing can verify.

    As `retry_or_verify`, but there always is an answer.
    """
    response = retry_or_verify(call, attempt, budget)
    if response is None:
        raise TypeError("only a verification makes an answer dispensable")
    return response


def retry_or_verify(
    call: Call, attempt: Callable[[], requests.Response], budget: RetryBudget
) -> requests.Response | None:
    """Make a call until it is answered, or verified, under the retry policy.

    Args:
        call: what is being called.
        attempt: makes one attempt; raises AttemptFailed when there is no answer to work with.
        budget: what may be spent.

    Returns:
        the answer, whose status is below 300 or from 400 to 499; or None when the answer was
        lost but a verification found that the call has arrived.

    Raises:
        TemporaryError: gave up; not applied, or safe to repeat.
        OutcomeUnknownError: gave up; nobody can tell whether it was applied.
    """
    return _RetryLoop(call, budget).run(attempt)


class _RetryLoop:
    """One call on its way: how often it was tried, and whether it may have been applied."""

    def __init__(self, call: Call, budget: RetryBudget) -> None:
        self._clock = budget.clock
        self._call = call
        self._budget = budget
        self._attempts = 0
        self._doubt: AttemptFailed | None = None
        self._doubt_since = 0.0  # when the first attempt that is in doubt began
        self._settled_at = 0.0
        self._began = 0.0  # when the last attempt began
        self._is_under_way = False  # whether an attempt is being made
        self._host_missing_since: float | None = None

    def run(self, attempt: Callable[[], requests.Response]) -> requests.Response | None:
        with self._clock.in_flight(self._call.purpose, self._abandoned_error):
            return self._repeat(attempt)

    def _abandoned_error(self) -> ExitCode:
        """Return what it means when the process has to end now."""
        call = self._call
        if call.finish_after_sigterm:
            return ExitCode.IO
        is_harmless = call.idempotency in (Idempotency.SAFE, Idempotency.IDEMPOTENT)
        may_be_applied = self._doubt or (self._is_under_way and not call.is_unsent())
        return ExitCode.PROTOCOL if may_be_applied and not is_harmless else ExitCode.TRY_LATER

    def _repeat(self, attempt: Callable[[], requests.Response]) -> requests.Response | None:
        while True:
            self._attempts += 1
            self._began = self._clock.monotonic()
            self._is_under_way = True
            try:
                response = attempt()
            except AttemptFailed as failure:
                if self._is_applied_after(failure):
                    return None
            except StepError as error:
                doubt = self._in_doubt(error.what)
                if doubt:
                    raise doubt from error
                raise
            else:
                refused = response.status_code >= HTTPStatus.BAD_REQUEST
                doubt = self._in_doubt(f"it answered {response.status_code}") if refused else None
                if doubt:
                    raise doubt
                return response

    def _is_applied_after(self, failure: AttemptFailed) -> bool:
        """Do what the policy says after a failure; return False to make another attempt."""
        if failure.kind is FailureKind.RATE_LIMITED:
            self._budget.note_throttling(self._clock.monotonic() - self._began)
        if failure.kind in AMBIGUOUS and self._call.idempotency is not Idempotency.SAFE:
            if self._doubt is None:
                self._doubt_since = self._began
            self._doubt = failure
            self._settled_at = self._clock.monotonic() + settle_time(failure.kind)
        self._is_under_way = False
        if self._next(failure) is Action.RETRY:
            return False
        while True:
            # A look that began too early proves nothing: what arrives later may be on a page
            # that it has passed.
            settled = self._unsettled == 0
            found = self._look(failure)
            if found.arrived:
                return True
            if settled and found.unclear:
                raise self._unclear(failure, found.unclear)
            if settled:
                self._doubt = None
            seen = "it is unclear whether the update has" if found.unclear else "the update has not"
            what = f"{failure.what}, and {seen} arrived"
            absent = AttemptFailed(
                FailureKind.NOT_APPLIED, what, status=failure.status, trace_id=failure.trace_id
            )
            if self._next(absent, settled=settled) is Action.RETRY:
                return False

    @property
    def _unsettled(self) -> float:
        """Seconds for which what was sent last may still be processed."""
        return max(self._settled_at - self._clock.monotonic(), 0.0)

    def _retry_left(self, kind: FailureKind) -> float:
        """Return the seconds left for repeating: few once a signal has come, or without a host."""
        left = self._budget.retry_left
        if self._call.finish_after_sigterm:
            left = min(left, self._clock.time_left)
        if kind is not FailureKind.UNKNOWN_HOST:
            self._host_missing_since = None
            return left
        if self._host_missing_since is None:
            self._host_missing_since = self._began
        return min(left, self._host_missing_since + MAX_UNKNOWN_HOST_TIME - self._clock.monotonic())

    @property
    def _throttle_left(self) -> float:
        """Seconds left for rate limits."""
        left = self._budget.throttle_left
        return min(left, self._clock.time_left) if self._call.finish_after_sigterm else left

    def _next(self, failure: AttemptFailed, *, settled: bool = True) -> Action:
        """Ask the policy, wait as it says, and return REPEAT or VERIFY; or give up."""
        budget = self._budget
        state = RetryState(
            failure.kind,
            self._call.idempotency,
            self._attempts,
            self._retry_left(failure.kind),
            self._throttle_left,
            failure.retry_after,
            None if settled else self._unsettled,
        )
        decision = decide(state, self._clock.random())
        if decision.action not in (Action.RETRY, Action.VERIFY):
            raise self._give_up_error(failure, decision.action) from failure
        logger.warning(
            "%s: %s; %s %s (attempt %d).",
            self._call.service,
            failure.what,
            "trying again" if decision.action is Action.RETRY else "checking what arrived",
            f"in {decision.wait:.1f} s" if decision.wait else "now",
            self._attempts,
        )
        if failure.kind is FailureKind.RATE_LIMITED:
            budget.note_throttling(decision.wait)
        if self._clock.wait(decision.wait):
            return decision.action
        if not self._call.finish_after_sigterm:
            raise self._terminated(failure, decision.action) from failure
        self._clock.sleep(min(decision.wait, self._clock.time_left))
        return decision.action

    def _look(self, failure: AttemptFailed) -> Verification:
        if self._call.verify is None:
            raise TypeError(f"nothing can verify: {self._call.purpose}")
        try:
            return self._call.verify(self._doubt_since)
        except StepError as error:
            raise self._unclear(failure, f"the check failed: {error.what}") from error
        except Exception as error:  # whatever it is, the update stays in doubt
            raise self._unclear(failure, f"the check failed: {type(error).__name__}") from error

    def _unclear(self, failure: AttemptFailed, why: str) -> OutcomeUnknownError:
        return OutcomeUnknownError(
            f"The step could not {self._call.purpose} for certain: {failure.what}, and nobody can "
            "tell whether it has arrived.",
            details=(why,),
            fix=self._call.manual_check,
            status=failure.status,
            trace_id=failure.trace_id,
        )

    def _in_doubt(self, then: str) -> OutcomeUnknownError | None:
        """Return the error for a failure after an attempt whose outcome is unknown."""
        if self._doubt is None:
            return None
        return OutcomeUnknownError(
            f"The step could not {self._call.purpose} for certain: an attempt may have been "
            f"applied ({self._doubt.what}), and the next one failed.",
            details=(f"the next one: {then}",),
            fix=self._call.manual_check,
            status=self._doubt.status,
            trace_id=self._doubt.trace_id,
        )

    def _give_up_error(self, failure: AttemptFailed, action: Action) -> StepError:
        call = self._call
        if failure.kind is FailureKind.UNKNOWN_HOST:
            return self._no_host(failure)
        if action is Action.UNKNOWN and call.idempotency is Idempotency.SAFE:
            return UnexpectedResponseError(
                f"The step could not {call.purpose}: {call.service}: {failure.what}.",
                cause="another service answers in its place",
                fix="Check its address.",
                status=failure.status,
                trace_id=failure.trace_id,
                applied="no",
            )
        if action is Action.UNKNOWN:
            return OutcomeUnknownError(
                f"The step could not {call.purpose} for certain: {call.service}: {failure.what}.",
                cause="the update may have been applied although the answer was lost; repeating "
                "it could apply it twice",
                fix=call.manual_check,
                status=failure.status,
                trace_id=failure.trace_id,
            )
        if failure.kind is FailureKind.RATE_LIMITED:
            return self._throttled(failure)
        return TemporaryError(
            f"The step could not {call.purpose}: {call.service}: {failure.what}.",
            cause="the service or the network in between is down, or a firewall is in the way",
            fix="Run the step again later. If it persists, check the host, and that the "
            "container may reach it. FOURME_MAX_RETRY_TIME says for how long the step tries.",
            status=failure.status,
            trace_id=failure.trace_id,
            applied="maybe" if self._doubt else "no",
        )

    def _no_host(self, failure: AttemptFailed) -> StepError:
        what = f"The step could not {self._call.purpose}: {self._call.service}: {failure.what}."
        if self._doubt:
            return TemporaryError(
                what,
                cause="the name server does not know any more what it knew a moment ago",
                fix="Run the step again later.",
                applied="maybe",
            )
        return ConfigError(
            what,
            cause="the name is misspelt, or is known in another network only",
            fix="Correct the address, or let the container use the right name server.",
        )

    def _throttled(self, failure: AttemptFailed) -> RateLimitedError:
        until = f"{failure.until:%Y-%m-%d %H:%M:%S} UTC" if failure.until else ""
        return RateLimitedError(
            f"The step could not {self._call.purpose}: {self._call.service}: {failure.what}"
            f"{f', until {until}' if until else ''}.",
            cause="the rate limit of the token's user is used up (4me: 3,600 requests an hour "
            "for all tokens of a user, 20 in 2 s)",
            fix=f"Run the step again {f'after {until}' if until else 'later'}. Give busy "
            "workflows users of their own, or raise FOURME_MAX_THROTTLE_TIME.",
            status=failure.status,
            trace_id=failure.trace_id,
            applied="maybe" if self._doubt else "no",
        )

    def _terminated(self, failure: AttemptFailed, action: Action) -> StepError:
        cause = "the engine cancelled the run, or its time was up"
        if action is Action.VERIFY:
            return OutcomeUnknownError(
                f"The step was asked to end before it could check an update: {failure.what}.",
                cause=cause,
                fix=self._call.manual_check,
                status=failure.status,
                trace_id=failure.trace_id,
            )
        return TerminatedError(
            f"The step was asked to end while it waited to {self._call.purpose}: {failure.what}.",
            cause=cause,
            fix="Run the step again.",
            applied="maybe" if self._doubt else "no",
        )
