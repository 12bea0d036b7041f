"""`transport.retrying`: waiting, for rate limits and until the engine asks the step to end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from process.errors import (
    ConfigError,
    OutcomeUnknownError,
    RateLimitedError,
    TemporaryError,
    TerminatedError,
)
from process.settings import MAX_UNKNOWN_HOST_TIME, TERMINATION_TIME, Settings
from tests.fake_clock import FakeClock
from tests.transport.retry_harness import (
    ANSWER,
    IDEMPOTENT,
    NON_IDEMPOTENT,
    NOT_SENT,
    SAFE,
    SERVER_ERROR,
    TIMEOUT,
    RetryHarness,
    Script,
    rate_limited,
)
from transport.context import RateLimitUsage, RetryBudget
from transport.failures import AttemptFailed, FailureKind
from transport.http import Idempotency
from transport.retrying import RetryableCall, retry_call


@pytest.mark.parametrize("idempotency", Idempotency)
def test_rate_limited(idempotency: Idempotency) -> None:
    """A rate limit is waited for as asked, beyond the retry time, and then sent again."""
    harness = RetryHarness(idempotency, Settings(retry_time=0))
    script = Script(rate_limited(1800.0), rate_limited(7.0), ANSWER)

    assert harness.retry_call(script) == ANSWER
    assert harness.clock.waits == [1800.0, 7.0]


def test_rate_limited_without_time() -> None:
    """A rate limit that does not say how long backs off from 2 s."""
    harness = RetryHarness(clock=FakeClock(jitter=0.0))

    harness.retry_call(Script(rate_limited(None), rate_limited(None), rate_limited(None), ANSWER))
    assert harness.clock.waits == [2.0, 4.0, 8.0]


def test_rate_limited_beyond_budget() -> None:
    """A wait beyond the budget ends the run at once, and says until when."""
    until = datetime(2026, 11, 21, 17, 30, tzinfo=UTC)
    harness = RetryHarness(NON_IDEMPOTENT, Settings(rate_limit_time=60))
    script = Script(rate_limited(50.0), rate_limited(11.0, until))

    with pytest.raises(RateLimitedError) as caught:
        harness.retry_call(script)

    assert (script.attempts, harness.clock.waits) == (2, [50.0])
    assert "2026-11-21 17:30:00 UTC" in caught.value.what
    assert "2026-11-21 17:30:00 UTC" in caught.value.fix
    assert (caught.value.applied, caught.value.status) == ("no", 429)


def test_rate_limited_beyond_budget_without_time() -> None:
    """Without a time, the remedy is simply to come back later."""
    with pytest.raises(RateLimitedError) as caught:
        RetryHarness(settings=Settings(rate_limit_time=0)).retry_call(Script(rate_limited(None)))
    assert "again later." in caught.value.fix


def test_rate_limited_after_doubt() -> None:
    """A rate limit after an ambiguous attempt leaves the doubt."""
    harness = RetryHarness(IDEMPOTENT, Settings(rate_limit_time=0))

    with pytest.raises(RateLimitedError) as caught:
        harness.retry_call(Script(SERVER_ERROR, rate_limited(5.0)))
    assert caught.value.applied == "maybe"


def test_waits_on_rate_limits_do_not_use_up_the_retry_time() -> None:
    """After a long rate limit, the retry time is all there still."""
    harness = RetryHarness(settings=Settings(retry_time=4))

    harness.retry_call(Script(rate_limited(3000.0), NOT_SENT, NOT_SENT, ANSWER))
    assert harness.clock.waits == [3000.0, 1.0, 2.0]


@pytest.mark.parametrize("failure", [NOT_SENT, rate_limited(100.0)])
@pytest.mark.parametrize("idempotency", Idempotency)
def test_terminated(failure: AttemptFailed, idempotency: Idempotency) -> None:
    """A SIGTERM during a wait ends the run at once; nothing was applied."""
    harness = RetryHarness(idempotency, clock=FakeClock(terminate_at=0.1))
    script = Script(failure, ANSWER)

    with pytest.raises(TerminatedError) as caught:
        harness.retry_call(script)

    assert (script.attempts, caught.value.applied) == (1, "no")
    assert caught.value.exit_code == 75


def test_terminated_after_doubt() -> None:
    """A SIGTERM after an ambiguous attempt leaves the doubt; setting again is safe."""
    harness = RetryHarness(IDEMPOTENT, clock=FakeClock(terminate_at=0.1))

    with pytest.raises(TerminatedError) as caught:
        harness.retry_call(Script(SERVER_ERROR))
    assert caught.value.applied == "maybe"


def test_terminated_before_verifying() -> None:
    """A SIGTERM before an update could be verified leaves its outcome unknown."""
    harness = RetryHarness(NON_IDEMPOTENT, clock=FakeClock(terminate_at=0.1), found=(True,))

    with pytest.raises(OutcomeUnknownError) as caught:
        harness.retry_call(Script(TIMEOUT))

    assert harness.verifications == 0
    assert caught.value.fix == "Open the page."


def test_terminated_between_two_looks() -> None:
    """A SIGTERM while the server may still be processing it leaves the outcome unknown."""
    harness = RetryHarness(NON_IDEMPOTENT, clock=FakeClock(terminate_at=5.0), found=(False, True))

    with pytest.raises(OutcomeUnknownError) as caught:
        harness.retry_call(Script(SERVER_ERROR))

    assert (harness.verifications, harness.clock.monotonic()) == (1, 5.0)
    assert (caught.value.applied, caught.value.fix) == ("maybe", "Open the page.")


def test_terminated_after_verifying() -> None:
    """A SIGTERM after an update was found not to be applied: it was not applied."""
    harness = RetryHarness(NON_IDEMPOTENT, clock=FakeClock(terminate_at=15.0), found=(False, False))
    harness.during_check = lambda: harness.clock.advance(10.0 * (harness.verifications - 1))
    script = Script(SERVER_ERROR, ANSWER)

    with pytest.raises(TerminatedError) as caught:
        harness.retry_call(script)
    assert (script.attempts, harness.verifications, caught.value.applied) == (1, 2, "no")


@pytest.mark.parametrize("failure", [NOT_SENT, SERVER_ERROR])
def test_must_finish(failure: AttemptFailed) -> None:
    """What must finish is tried again after a signal, once the whole wait is over."""
    harness = RetryHarness(IDEMPOTENT, clock=FakeClock(terminate_at=0.1), finish_after_sigterm=True)
    script = Script(failure, failure, ANSWER)

    assert harness.retry_call(script) == ANSWER
    assert script.attempts == 3
    assert harness.clock.waits == [0.5, 0.5, 1.0, 1.0]
    assert harness.clock.monotonic() == pytest.approx(0.1 + 0.5 + 1.0)


def test_must_finish_in_time() -> None:
    """What must finish is given up when the time of grace after a signal is spent."""
    harness = RetryHarness(IDEMPOTENT, clock=FakeClock(terminate_at=0.0), finish_after_sigterm=True)
    script = Script(NOT_SENT)

    with pytest.raises(TemporaryError, match="no connection"):
        harness.retry_call(script)

    assert script.attempts == 6
    assert harness.clock.waits[1::2] == [0.5, 1.0, 2.0, 4.0, 8.0]
    assert harness.clock.monotonic() <= TERMINATION_TIME < harness.clock.monotonic() + 16.0


@pytest.mark.parametrize(("asked", "attempts"), [(60.0, 1), (20.1, 1), (20.0, 2), (8.0, 3)])
def test_rate_limits_within_the_grace(asked: float, attempts: int) -> None:
    """After a signal a rate limit is waited for as asked, or not at all: never beyond the grace."""
    harness = RetryHarness(IDEMPOTENT, clock=FakeClock(terminate_at=0.0), finish_after_sigterm=True)
    script = Script(rate_limited(asked))

    with pytest.raises(RateLimitedError):
        harness.retry_call(script)
    assert script.attempts == attempts
    assert harness.clock.waits[1::2] == [asked] * (attempts - 1)


def test_must_finish_within_the_budget() -> None:
    """A retry time shorter than the time of grace holds after a signal, too."""
    harness = RetryHarness(
        IDEMPOTENT,
        Settings(retry_time=2),
        clock=FakeClock(terminate_at=0),
        finish_after_sigterm=True,
    )

    with pytest.raises(TemporaryError):
        harness.retry_call(Script(NOT_SENT))
    assert harness.clock.waits[1::2] == [0.5, 1.0]


def test_must_finish_without_signal() -> None:
    """What must finish is an ordinary call as long as there is no signal."""
    harness = RetryHarness(IDEMPOTENT, Settings(retry_time=40), finish_after_sigterm=True)

    with pytest.raises(TemporaryError):
        harness.retry_call(Script(NOT_SENT))
    assert harness.clock.waits == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0]


def test_long_waits_end_with_the_grace() -> None:
    """A long wait that a signal interrupts is cut to the time of grace."""
    harness = RetryHarness(
        IDEMPOTENT, clock=FakeClock(terminate_at=40.0), finish_after_sigterm=True
    )

    assert harness.retry_call(Script(*[NOT_SENT] * 7, ANSWER)) == ANSWER
    assert harness.clock.waits[-2:] == [30.0, TERMINATION_TIME]
    assert harness.clock.monotonic() == 40.0 + TERMINATION_TIME


def test_slow_rate_limited_attempts_are_charged() -> None:
    """A server that turns the step away slowly, and asks for no wait, cannot hold it for hours."""
    harness = RetryHarness(settings=Settings(rate_limit_time=60))
    script = Script(rate_limited(0.0), clock=harness.clock)

    with pytest.raises(RateLimitedError):
        harness.retry_call(script)
    assert script.attempts == 60 / 1.5 + 1
    assert harness.clock.monotonic() <= 60 + 1


def test_slow_rate_limited_attempts_do_not_use_up_the_retry_time() -> None:
    """The time of an attempt that a rate limit turned away belongs to the rate limit."""
    harness = RetryHarness(settings=Settings(retry_time=18))
    turns = [rate_limited(0.0)] * 5

    assert harness.retry_call(Script(*turns, NOT_SENT, ANSWER, clock=harness.clock)) == ANSWER


def test_a_host_that_does_not_exist() -> None:
    """The resolver's word is doubted for some seconds; then it is the configuration's fault."""
    harness = RetryHarness()
    missing = AttemptFailed(
        FailureKind.UNKNOWN_HOST, "the host api.example does not exist (unknown)"
    )

    with pytest.raises(ConfigError) as caught:
        harness.retry_call(Script(missing))
    assert harness.clock.waits == [0.5, 1.0, 2.0, 4.0]
    assert harness.clock.monotonic() <= MAX_UNKNOWN_HOST_TIME
    assert "4me (api.4me.com): the host api.example does not exist" in caught.value.what
    assert caught.value.applied == "no"


def test_a_host_that_is_gone_after_doubt() -> None:
    """An ambiguous attempt stays in doubt, whatever becomes of the next ones."""
    missing = AttemptFailed(FailureKind.UNKNOWN_HOST, "the host api.example does not exist")

    with pytest.raises(TemporaryError) as caught:
        RetryHarness(IDEMPOTENT).retry_call(Script(SERVER_ERROR, missing))
    assert (caught.value.applied, caught.value.exit_code) == ("maybe", 75)


def test_a_host_that_is_known_again() -> None:
    """The seconds begin anew once the host was there."""
    missing = AttemptFailed(FailureKind.UNKNOWN_HOST, "the host api.example does not exist")
    script = Script(*[missing] * 3, NOT_SENT, *[missing] * 2, ANSWER)
    harness = RetryHarness(clock=FakeClock(jitter=0.0))

    assert harness.retry_call(script) == ANSWER
    assert sum(harness.clock.waits) > MAX_UNKNOWN_HOST_TIME


def code_now(harness: RetryHarness) -> int:
    """Return the exit code if the process had to end now."""
    return harness.clock.calls[-1][1]()


@pytest.mark.parametrize(
    ("idempotency", "finish_after_sigterm", "during", "between"),
    [
        (SAFE, False, 75, 75),
        (IDEMPOTENT, False, 75, 75),
        (NON_IDEMPOTENT, False, 76, 75),
        (IDEMPOTENT, True, 74, 74),
    ],
)
def test_what_an_end_in_the_middle_would_mean(
    idempotency: Idempotency,
    finish_after_sigterm: bool,  # noqa: FBT001  a table's column
    during: int,
    between: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What may be applied is in doubt while it is under way, and not while nothing is."""
    harness = RetryHarness(idempotency, finish_after_sigterm=finish_after_sigterm)
    script = Script(rate_limited(5.0), ANSWER)
    codes: list[int] = []

    def attempt() -> str:
        codes.append(code_now(harness))
        return script()

    def wait(_: float) -> bool:
        codes.append(code_now(harness))
        return True

    monkeypatch.setattr(harness.clock, "wait", wait)
    harness.retry_call(attempt)
    assert codes == [during, between, during]
    assert harness.clock.calls[0][0] == "update request 5"


def test_an_end_in_doubt_would_be_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is waited and looked for, what was sent is in doubt, until it is not there."""
    harness = RetryHarness(NON_IDEMPOTENT, found=(False, False))
    codes: list[int] = []

    def wait(seconds: float) -> bool:
        codes.append(code_now(harness))
        harness.clock.advance(seconds)
        return True

    monkeypatch.setattr(harness.clock, "wait", wait)
    harness.during_check = lambda: codes.append(code_now(harness))
    harness.retry_call(Script(SERVER_ERROR, ANSWER))
    assert codes == [76, 76, 76, 76, 75]


def test_an_attempt_that_is_not_sent_yet_is_not_in_doubt() -> None:
    """Such as one whose host is still being looked up."""
    clock = FakeClock()
    codes: list[int] = []

    def attempt() -> str:
        codes.append(clock.calls[-1][1]())
        return ANSWER

    call = RetryableCall("update", "4me", NON_IDEMPOTENT, is_unsent=lambda: True)
    retry_call(call, attempt, RetryBudget(Settings(), clock))
    assert codes == [75]


def test_waits_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Each wait is a line that says what happened, what follows and when."""
    with caplog.at_level("WARNING", "step"):
        RetryHarness(NON_IDEMPOTENT, found=(False, False)).retry_call(
            Script(NOT_SENT, SERVER_ERROR, ANSWER)
        )

    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 4
    assert "no connection (test); trying again in 0.5 s (attempt 1)" in lines[0]
    assert "502 (test); checking the update in 1.0 s (attempt 2)" in lines[1]
    assert (
        "502 (test), and the update was not found yet; checking again in 9.0 s (attempt 2)"
        in lines[2]
    )
    assert "502 (test), and the update was not applied; trying again now (attempt 2)" in lines[3]


@pytest.mark.parametrize(
    ("settings", "longest", "expected"),
    [
        (Settings(retry_time=300, rate_limit_time=3660), 10.0, (10, 10)),
        (Settings(retry_time=5, rate_limit_time=3660), 10.0, (5, 10)),
        (Settings(retry_time=300, rate_limit_time=7), None, (300, 7)),
    ],
)
def test_budget(settings: Settings, longest: float | None, expected: tuple[float, float]) -> None:
    """A budget is what the settings say, or less where an operation is worth less."""
    more: dict[str, Any] = {} if longest is None else {"max_time": longest}
    budget = RetryBudget(settings, FakeClock(), **more)

    assert (budget.retry_left, budget.rate_limit_left) == expected


def test_rate_limits_are_charged_to_the_run() -> None:
    """Each operation has a retry time of its own; what rate limits cost is one for all."""
    clock, run = FakeClock(), RateLimitUsage()
    first = RetryBudget(Settings(retry_time=100, rate_limit_time=50), clock, usage=run)
    first.charge_rate_limit(20)
    second = RetryBudget(Settings(retry_time=100, rate_limit_time=50), clock, usage=run)
    assert (second.retry_left, second.rate_limit_left) == (100, 30)


def test_budget_is_shared() -> None:
    """A budget is spent by all calls of an operation together."""
    clock = FakeClock()
    budget = RetryBudget(Settings(retry_time=100, rate_limit_time=50), clock)

    clock.advance(30)
    assert (budget.retry_left, budget.rate_limit_left) == (70, 50)
    budget.charge_rate_limit(20)
    clock.advance(20)
    assert (budget.retry_left, budget.rate_limit_left) == (70, 30)
