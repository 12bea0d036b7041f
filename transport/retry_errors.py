"""The errors of a call that is given up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from process.errors import (
    Applied,
    ConfigError,
    OutcomeUnknownError,
    RateLimitedError,
    StepError,
    TemporaryError,
    TerminatedError,
    UnexpectedResponseError,
)
from transport.failures import FailureKind
from transport.http import Idempotency
from transport.retry_policy import Action

if TYPE_CHECKING:
    from transport.failures import AttemptFailed
    from transport.retrying import RetryableCall

_CANCELLED = "the engine cancelled the run, or its time was up"


def gave_up(
    call: RetryableCall, failure: AttemptFailed, action: Action, applied: Applied
) -> StepError:
    """Return the error of a call that is not tried again.

    Args:
        call: the call.
        failure: its last attempt.
        action: TRY_LATER or UNKNOWN, as the policy decides.
        applied: "maybe" if an earlier attempt may have been applied, else "no".
    """
    if action is Action.UNKNOWN:
        return _unknown(call, failure)
    if failure.kind is FailureKind.UNKNOWN_HOST:
        return _unknown_host(call, failure, applied)
    if failure.kind is FailureKind.RATE_LIMITED:
        return _rate_limited(call, failure, applied)
    return TemporaryError(
        _summary(call, failure),
        cause="the service or the network in between is down, or a firewall is in the way",
        fix="Run the step again later. If it persists, check the host, and that the "
        "container may reach it. FOURME_MAX_RETRY_TIME says for how long the step tries.",
        applied=applied,
        **_response_of(failure),
    )


def not_verifiable(call: RetryableCall, failure: AttemptFailed, reason: str) -> StepError:
    """Return the error of a call that may have been applied, and cannot be verified."""
    return OutcomeUnknownError(
        f"The step could not {call.purpose} for certain: {failure.reason}, and it is "
        "unknown whether it was applied.",
        details=(reason,),
        fix=call.manual_check,
        **_response_of(failure),
    )


def failed_after_ambiguous(
    call: RetryableCall, doubt: AttemptFailed, error: StepError
) -> StepError:
    """Return the error of a call that fails after an attempt whose outcome is unknown."""
    return OutcomeUnknownError(
        f"The step could not {call.purpose} for certain: an attempt may have been "
        f"applied ({doubt.reason}), and the next one failed.",
        details=(f"the next one: {error.what}",),
        fix=call.manual_check,
        **_response_of(doubt),
    )


def terminated(
    call: RetryableCall, failure: AttemptFailed, action: Action, applied: Applied
) -> StepError:
    """Return the error of a call that waits for its next attempt, or check, when SIGTERM comes."""
    if action is Action.VERIFY:
        return OutcomeUnknownError(
            f"The step was terminated (SIGTERM) before it could check an update: {failure.reason}.",
            cause=_CANCELLED,
            fix=call.manual_check,
            **_response_of(failure),
        )
    return TerminatedError(
        f"The step was terminated (SIGTERM) while it waited to {call.purpose}: {failure.reason}.",
        cause=_CANCELLED,
        fix="Run the step again.",
        applied=applied,
    )


def _summary(call: RetryableCall, failure: AttemptFailed, certainty: str = "") -> str:
    return f"The step could not {call.purpose}{certainty}: {call.service}: {failure.reason}."


def _response_of(failure: AttemptFailed) -> dict[str, Any]:
    return {"status": failure.status, "trace_id": failure.trace_id}


def _unknown(call: RetryableCall, failure: AttemptFailed) -> StepError:
    if call.idempotency is Idempotency.SAFE:
        return UnexpectedResponseError(
            _summary(call, failure),
            cause="another service answers in its place",
            fix="Check its address.",
            applied="no",
            **_response_of(failure),
        )
    is_harmful = call.idempotency is Idempotency.NON_IDEMPOTENT
    return OutcomeUnknownError(
        _summary(call, failure, " for certain"),
        cause="it may have been applied although the answer was lost"
        + ("; repeating it could apply it twice" if is_harmful else ""),
        fix=call.manual_check,
        **_response_of(failure),
    )


def _unknown_host(call: RetryableCall, failure: AttemptFailed, applied: Applied) -> StepError:
    if applied == "maybe":
        return TemporaryError(
            _summary(call, failure),
            cause="the name server no longer knows a name that it knew a moment ago",
            fix="Run the step again later.",
            applied=applied,
        )
    return ConfigError(
        _summary(call, failure),
        cause="the name is misspelt, or is known in another network only",
        fix="Correct the address, or let the container use the right name server.",
    )


def _rate_limited(call: RetryableCall, failure: AttemptFailed, applied: Applied) -> StepError:
    until = f"{failure.until:%Y-%m-%d %H:%M:%S} UTC" if failure.until else ""
    return RateLimitedError(
        f"{_summary(call, failure)[:-1]}{f', until {until}' if until else ''}.",
        cause=call.rate_limit,
        fix=f"Run the step again {f'after {until}' if until else 'later'}. Give busy "
        "workflows a separate 4me user, or raise FOURME_MAX_THROTTLE_TIME.",
        applied=applied,
        **_response_of(failure),
    )
