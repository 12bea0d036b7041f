"""`transport.retrying`: the loop that repeats a call until it is answered or given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from process.errors import (
    OutcomeUnknownError,
    RedirectError,
    RejectedError,
    TemporaryError,
    UnexpectedResponseError,
)
from process.settings import Settings
from tests.transport.retry_harness import (
    ANSWER,
    IDEMPOTENT,
    INVALID_RESPONSE,
    NON_IDEMPOTENT,
    NOT_SENT,
    SAFE,
    SERVER_ERROR,
    TIMEOUT,
    RetryHarness,
    Script,
    rate_limited,
    rejected,
)
from transport.http import Idempotency

if TYPE_CHECKING:
    from transport.failures import AttemptFailed


@pytest.mark.parametrize("idempotency", Idempotency)
def test_answered(idempotency: Idempotency) -> None:
    """What the first attempt returns is returned, whatever was sent; nothing is waited for."""
    harness, script = RetryHarness(idempotency), Script(ANSWER)

    assert harness.retry_call(script) == ANSWER
    assert (script.attempts, harness.clock.waits) == (1, [])


@pytest.mark.parametrize("failure", [NOT_SENT, SERVER_ERROR, TIMEOUT])
@pytest.mark.parametrize("idempotency", [SAFE, IDEMPOTENT])
def test_repeated(failure: AttemptFailed, idempotency: Idempotency) -> None:
    """What does no harm twice is repeated after any failure, with growing waits."""
    harness, script = RetryHarness(idempotency), Script(failure, failure, failure, ANSWER)

    assert harness.retry_call(script) == ANSWER
    assert (script.attempts, harness.clock.waits) == (4, [0.5, 1.0, 2.0])


def test_invalid_response_to_an_idempotent_call() -> None:
    """An update of fields that is answered with no JSON is sent again, like any in doubt."""
    harness, script = (
        RetryHarness(IDEMPOTENT),
        Script(INVALID_RESPONSE, INVALID_RESPONSE, INVALID_RESPONSE, ANSWER),
    )

    assert harness.retry_call(script) == ANSWER
    assert (script.attempts, harness.clock.waits) == (4, [0.5, 1.0, 2.0])


def test_invalid_response_to_a_read() -> None:
    """What is read and answered with no JSON, three times, is not there to be read."""
    harness, script = RetryHarness(SAFE), Script(INVALID_RESPONSE, INVALID_RESPONSE, ANSWER)
    assert harness.retry_call(script) == ANSWER

    harness, script = RetryHarness(SAFE), Script(INVALID_RESPONSE)
    with pytest.raises(UnexpectedResponseError, match="no JSON") as caught:
        harness.retry_call(script)
    assert (script.attempts, harness.clock.waits) == (3, [0.5, 1.0])
    assert (caught.value.applied, caught.value.status) == ("no", 200)


@pytest.mark.parametrize("idempotency", Idempotency)
def test_not_sent(idempotency: Idempotency) -> None:
    """What never left is repeated, whatever it was, until the budget is spent; then: try later."""
    harness = RetryHarness(idempotency, Settings(retry_time=10))
    script = Script(NOT_SENT)

    with pytest.raises(TemporaryError) as caught:
        harness.retry_call(script)

    assert harness.clock.waits == [0.5, 1.0, 2.0, 4.0]
    assert script.attempts == 5
    assert caught.value.applied == "no"
    assert "no connection (test)" in caught.value.what
    assert "update request 5" in caught.value.what


def test_no_retry_time() -> None:
    """Without a retry time there is one attempt."""
    harness, script = RetryHarness(settings=Settings(retry_time=0)), Script(NOT_SENT)

    with pytest.raises(TemporaryError):
        harness.retry_call(script)
    assert (script.attempts, harness.clock.waits) == (1, [])


def test_attempts_take_time() -> None:
    """The time that attempts take counts, too."""
    harness = RetryHarness(settings=Settings(retry_time=3.9))
    script = Script(NOT_SENT, clock=harness.clock)

    with pytest.raises(TemporaryError):
        harness.retry_call(script)
    assert harness.clock.waits == [0.5, 1.0]


@pytest.mark.parametrize(
    ("failure", "idempotency", "applied"),
    [
        (SERVER_ERROR, IDEMPOTENT, "maybe"),
        (TIMEOUT, IDEMPOTENT, "maybe"),
        (SERVER_ERROR, SAFE, "no"),
    ],
)
def test_given_up(failure: AttemptFailed, idempotency: Idempotency, applied: str) -> None:
    """Giving up after ambiguous attempts says so: safe to repeat, but maybe applied."""
    harness, script = RetryHarness(idempotency, Settings(retry_time=1)), Script(failure)

    with pytest.raises(TemporaryError) as caught:
        harness.retry_call(script)

    assert caught.value.applied == applied
    assert (caught.value.status, caught.value.trace_id) == (failure.status, failure.trace_id)


def test_doubt_lasts() -> None:
    """Doubt about an early attempt is not forgotten over later ones that never left."""
    harness, script = (
        RetryHarness(IDEMPOTENT, Settings(retry_time=2)),
        Script(SERVER_ERROR, NOT_SENT),
    )

    with pytest.raises(TemporaryError) as caught:
        harness.retry_call(script)
    assert caught.value.applied == "maybe"


def test_invalid_responses_given_up() -> None:
    """A whole answer that stays unreadable is an unknown outcome, not a reason to come back."""
    harness, script = RetryHarness(IDEMPOTENT, Settings(retry_time=1)), Script(INVALID_RESPONSE)

    with pytest.raises(OutcomeUnknownError) as caught:
        harness.retry_call(script)
    assert caught.value.fix == "Open the page."
    assert "twice" not in caught.value.cause


@pytest.mark.parametrize("failure", [SERVER_ERROR, TIMEOUT, INVALID_RESPONSE])
def test_adds_in_doubt(failure: AttemptFailed) -> None:
    """What adds and cannot be verified is not repeated after doubt."""
    harness, script = RetryHarness(NON_IDEMPOTENT), Script(failure, ANSWER)

    with pytest.raises(OutcomeUnknownError) as caught:
        harness.retry_call(script)

    assert (script.attempts, harness.clock.waits) == (1, [])
    assert caught.value.applied == "maybe"
    assert caught.value.cause.endswith("; repeating it could apply it twice")
    assert caught.value.fix == "Open the page."
    assert (caught.value.status, caught.value.trace_id) == (failure.status, failure.trace_id)


def test_adds_not_sent_then_in_doubt() -> None:
    """What adds is repeated while it never left, and no longer once it may have."""
    harness, script = RetryHarness(NON_IDEMPOTENT), Script(NOT_SENT, NOT_SENT, SERVER_ERROR, ANSWER)

    with pytest.raises(OutcomeUnknownError):
        harness.retry_call(script)
    assert script.attempts == 3


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_refused_after_doubt(status: int) -> None:
    """A rejection after an ambiguous attempt does not mean that the request is unchanged."""
    harness, script = RetryHarness(IDEMPOTENT), Script(SERVER_ERROR, rejected(status))

    with pytest.raises(OutcomeUnknownError) as caught:
        harness.retry_call(script)

    assert caught.value.applied == "maybe"
    assert any(str(status) in detail for detail in caught.value.details)
    assert (caught.value.status, caught.value.trace_id) == (502, "trace-1")


def test_error_after_doubt() -> None:
    """An error of another kind after an ambiguous attempt does not hide the doubt."""
    harness, script = RetryHarness(IDEMPOTENT), Script(SERVER_ERROR, RedirectError("elsewhere"))

    with pytest.raises(OutcomeUnknownError) as caught:
        harness.retry_call(script)
    assert any("elsewhere" in detail for detail in caught.value.details)


@pytest.mark.parametrize("first", [NOT_SENT, rate_limited(1.0)])
def test_refused_without_doubt(first: AttemptFailed) -> None:
    """A rejection after attempts that certainly did nothing ends the loop as it is."""
    error = rejected(422)

    with pytest.raises(RejectedError) as caught:
        RetryHarness(NON_IDEMPOTENT).retry_call(Script(first, error))
    assert caught.value is error


def test_reading_is_never_in_doubt() -> None:
    """What only reads is rejected as it is rejected."""
    with pytest.raises(RejectedError):
        RetryHarness(SAFE).retry_call(Script(SERVER_ERROR, rejected(404)))


def test_error_passes() -> None:
    """An error that is no failure ends the loop as it is, and is not its own cause."""
    error = RedirectError("elsewhere")

    with pytest.raises(RedirectError) as caught:
        RetryHarness(NON_IDEMPOTENT).retry_call(Script(error))
    assert caught.value is error
    assert caught.value.__cause__ is not error


def test_bug_passes() -> None:
    """An exception that nobody foresaw is not taken for a failure."""
    script = Script(ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        RetryHarness(IDEMPOTENT).retry_call(script)
    assert script.attempts == 1


def test_cause_is_kept() -> None:
    """An error of the loop has the failure as its cause."""
    with pytest.raises(OutcomeUnknownError) as caught:
        RetryHarness(NON_IDEMPOTENT).retry_call(Script(SERVER_ERROR))
    assert caught.value.__cause__ is SERVER_ERROR
