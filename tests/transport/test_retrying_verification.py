"""`transport.retrying`: verification before anything is sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from process.errors import (
    OutcomeUnknownError,
    RedirectError,
    RejectedError,
    StepError,
    TemporaryError,
)
from process.exit_codes import ExitCode
from process.settings import Settings
from tests.transport.retry_harness import (
    ANSWER,
    IDEMPOTENT,
    INVALID_RESPONSE,
    NON_IDEMPOTENT,
    SAFE,
    SERVER_ERROR,
    TIMEOUT,
    VERIFIED,
    RetryHarness,
    Script,
    rate_limited,
    rejected,
)

if TYPE_CHECKING:
    from transport.failures import AttemptFailed
    from transport.http import Idempotency


@pytest.mark.parametrize("failure", [SERVER_ERROR, TIMEOUT, INVALID_RESPONSE])
def test_verified_as_applied(failure: AttemptFailed) -> None:
    """What an early look finds is there: it is not sent again, and no more time is lost."""
    harness, script = RetryHarness(NON_IDEMPOTENT, found=(True,)), Script(failure)

    assert harness.retry_call(script) == VERIFIED
    assert (script.attempts, harness.verifications, harness.clock.waits) == (1, 1, [0.5])


@pytest.mark.parametrize(
    ("failure", "settled"), [(SERVER_ERROR, 10.0), (TIMEOUT, 30.0), (INVALID_RESPONSE, 10.0)]
)
@pytest.mark.parametrize("retry_time", [300.0, 3.0, 0.0])
def test_verified_as_applied_late(
    failure: AttemptFailed, settled: float, retry_time: float
) -> None:
    """What arrives while the server is given time to finish is found, whatever the budget."""
    harness = RetryHarness(NON_IDEMPOTENT, Settings(retry_time=retry_time), found=(False, True))
    script = Script(failure)

    assert harness.retry_call(script) == VERIFIED
    assert (script.attempts, harness.verifications) == (1, 2)
    assert harness.clock.waits == [0.5, settled - 0.5]


def test_verified_as_absent() -> None:
    """What is not applied early on nor after the settle time is then sent again at once."""
    harness = RetryHarness(NON_IDEMPOTENT, found=(False, False, False, False))
    script = Script(SERVER_ERROR, TIMEOUT, ANSWER)

    assert harness.retry_call(script) == ANSWER
    assert (script.attempts, harness.verifications) == (3, 4)
    assert harness.clock.waits == [0.5, 9.5, 0.0, 1.0, 29.0, 0.0]


@pytest.mark.parametrize(("takes", "waits"), [(4.0, [0.5, 5.5, 0.0]), (20.0, [0.5, 0.0, 0.0])])
def test_looking_takes_time(takes: float, waits: list[float]) -> None:
    """A look that began before the server had had its time proves nothing, however long it took.

    It goes page by page, so what is applied meanwhile may be on a page that was read before.
    """
    harness = RetryHarness(NON_IDEMPOTENT, found=(False,) * (len(waits) - 1))
    harness.during_check = lambda: harness.clock.advance(takes)

    assert harness.retry_call(Script(SERVER_ERROR, ANSWER)) == ANSWER
    assert harness.verifications == len(waits) - 1
    assert harness.clock.waits == waits


@pytest.mark.parametrize("retry_time", [0.0, 5.0])
def test_verified_as_absent_without_budget(retry_time: float) -> None:
    """What is not applied after the settle time, when the budget is spent, can be tried later."""
    harness = RetryHarness(NON_IDEMPOTENT, Settings(retry_time=retry_time), found=(False, False))
    script = Script(SERVER_ERROR)

    with pytest.raises(TemporaryError) as caught:
        harness.retry_call(script)

    assert harness.clock.waits == [0.5, 9.5]
    assert script.attempts == 1
    assert caught.value.applied == "no"
    assert caught.value.exit_code is ExitCode.TRY_LATER
    assert "was not applied" in caught.value.what
    assert (caught.value.status, caught.value.trace_id) == (502, "trace-1")


def test_a_look_is_about_the_attempt_in_doubt() -> None:
    """Each ambiguous attempt is looked for since it began, not since the first attempt of all."""
    harness = RetryHarness(NON_IDEMPOTENT, found=(False, False, False, False))
    script = Script(rate_limited(1800.0), SERVER_ERROR, TIMEOUT, ANSWER, clock=harness.clock)

    harness.retry_call(script)
    first, second = 1801.0, 1801.0 + 1 + 10
    assert harness.ambiguous_since == [first, first, second, second]


def test_verified_even_without_budget() -> None:
    """Even without any budget an update is verified."""
    harness = RetryHarness(NON_IDEMPOTENT, Settings(retry_time=0), found=(True,))

    assert harness.retry_call(Script(SERVER_ERROR)) == VERIFIED
    assert harness.clock.waits == [0.5]


@pytest.mark.parametrize(
    "error", [TemporaryError("no notes"), OutcomeUnknownError("only some"), RedirectError("gone")]
)
def test_verification_fails(error: StepError) -> None:
    """If the verification fails, the outcome of the update is unknown."""
    harness, script = RetryHarness(NON_IDEMPOTENT, found=(error,)), Script(SERVER_ERROR, ANSWER)

    with pytest.raises(OutcomeUnknownError) as caught:
        harness.retry_call(script)

    assert script.attempts == 1
    assert caught.value.exit_code == 76
    assert any(error.what in detail for detail in caught.value.details)
    assert caught.value.fix == "Open the page."


def test_unclear_until_it_is_there() -> None:
    """Somebody's note at that time proves nothing: the server is given its time all the same."""
    harness, script = RetryHarness(NON_IDEMPOTENT, found=("a note", True)), Script(SERVER_ERROR)

    assert harness.retry_call(script) == VERIFIED
    assert (script.attempts, harness.verifications, harness.clock.waits) == (1, 2, [0.5, 9.5])


def test_unclear_to_the_end() -> None:
    """Once the server has had its time, what is unclear stays so: nothing is sent again."""
    harness, script = (
        RetryHarness(NON_IDEMPOTENT, found=(False, "a note may be it")),
        Script(SERVER_ERROR, ANSWER),
    )

    with pytest.raises(OutcomeUnknownError, match="it is unknown whether") as caught:
        harness.retry_call(script)
    assert (script.attempts, harness.verifications) == (1, 2)
    assert caught.value.details == ("a note may be it",)
    assert caught.value.fix == "Open the page."


def test_unclear_and_gone() -> None:
    """A note that was unclear and is no longer there after the settle time is none."""
    harness, script = (
        RetryHarness(NON_IDEMPOTENT, found=("a note", False)),
        Script(SERVER_ERROR, ANSWER),
    )

    assert harness.retry_call(script) == ANSWER
    assert script.attempts == 2


def test_a_bug_in_a_look_leaves_the_doubt() -> None:
    """Whatever happens while it is looked for, the update may have been applied: 76, not 70."""
    harness = RetryHarness(NON_IDEMPOTENT, found=(True,))

    def fail() -> None:
        raise ValueError("a bug")

    harness.during_check = fail
    with pytest.raises(OutcomeUnknownError) as caught:
        harness.retry_call(Script(SERVER_ERROR))
    assert caught.value.details == ("the check failed: ValueError",)


def test_refused_after_verification() -> None:
    """Once an attempt was found not to be applied, there is no doubt about it any more."""
    harness = RetryHarness(NON_IDEMPOTENT, found=(False, False))

    with pytest.raises(RejectedError):
        harness.retry_call(Script(SERVER_ERROR, rejected(422)))


@pytest.mark.parametrize("idempotency", [SAFE, IDEMPOTENT])
def test_only_what_adds_is_verified(idempotency: Idempotency) -> None:
    """What is safe to repeat is repeated, even where it could be verified."""
    harness = RetryHarness(idempotency, found=(True,))

    assert harness.retry_call(Script(SERVER_ERROR, ANSWER)) == ANSWER
    assert harness.verifications == 0
