"""`fourme.delivery`: the loop that repeats a call until it is answered or given up."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
import requests

from fourme.delivery import Budget, Call, deliver_or_verify
from fourme.errors import (
    OutcomeUnknownError,
    RedirectError,
    StepError,
    TerminatedError,
    ThrottledError,
    TryLaterError,
)
from fourme.mishaps import Mishap
from fourme.retry import Happening, Repeatable
from fourme.settings import Settings
from tests.fake_clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Callable

NOT_SENT = Mishap(Happening.NOT_SENT, "no connection (test)")
FAILED = Mishap(Happening.FAILED, "it answered 502 (test)", status=502, trace="trace-1")
SILENT = Mishap(Happening.SILENT, "it did not answer in time")
GARBLED = Mishap(Happening.GARBLED, "no JSON", status=200)
READS, SETS = Repeatable.READS, Repeatable.SETS
VERIFIABLE, ADDS = Repeatable.ADDS_VERIFIABLY, Repeatable.ADDS


def throttled(seconds: float | None, until: datetime | None = None) -> Mishap:
    """Return what a 429 is."""
    return Mishap(
        Happening.THROTTLED, "it answered 429", retry_after=seconds, until=until, status=429
    )


def answer(status: int = 200) -> requests.Response:
    """Return an answer with a status."""
    response = requests.Response()
    response.status_code = status
    return response


class Script:
    """Attempts that go as written: each raises its error or returns its answer, in turn.

    Attributes:
        attempts: how many there were.
    """

    def __init__(
        self, *turns: requests.Response | Exception, clock: FakeClock | None = None
    ) -> None:
        self.attempts = 0
        self._turns = turns
        self._clock = clock

    def __call__(self) -> requests.Response:
        """Make one attempt; the last turn repeats itself for ever. Each takes a second."""
        turn = self._turns[min(self.attempts, len(self._turns) - 1)]
        self.attempts += 1
        if self._clock:
            self._clock.advance(1.0)
        if isinstance(turn, Exception):
            raise turn
        return turn


@dataclasses.dataclass
class Scene:
    """A call, its clock and its budget.

    Attributes:
        found: what each verification finds, in turn: True, False, or an error.
        verifications: how many there were.
    """

    repeatable: Repeatable = SETS
    settings: Settings = dataclasses.field(default_factory=Settings)
    clock: FakeClock = dataclasses.field(default_factory=FakeClock)
    found: tuple[bool | StepError, ...] = ()
    verifications: int = 0

    def deliver(self, attempt: Callable[[], requests.Response]) -> requests.Response | None:
        """Deliver the call."""
        call = Call(
            "update request 5",
            "4me (api.4me.com)",
            self.repeatable,
            self._has_arrived if self.found else None,
            "Open the page.",
        )
        return deliver_or_verify(call, attempt, Budget(self.settings, self.clock))

    def _has_arrived(self) -> bool:
        found = self.found[self.verifications]
        self.verifications += 1
        if isinstance(found, StepError):
            raise found
        return found


@pytest.mark.parametrize("status", [200, 201, 299, 400, 401, 403, 404, 422])
@pytest.mark.parametrize("repeatable", Repeatable)
def test_answered(status: int, repeatable: Repeatable) -> None:
    """An answer to the first attempt is returned, whatever was sent; nothing is waited for."""
    scene, script = Scene(repeatable), Script(answer(status))

    response = scene.deliver(script)

    assert response is not None
    assert response.status_code == status
    assert (script.attempts, scene.clock.waits) == (1, [])


@pytest.mark.parametrize("mishap", [NOT_SENT, FAILED, SILENT, GARBLED])
@pytest.mark.parametrize("repeatable", [READS, SETS])
def test_repeated(mishap: Mishap, repeatable: Repeatable) -> None:
    """What does no harm twice is repeated after any mishap, with growing waits."""
    scene, script = Scene(repeatable), Script(mishap, mishap, mishap, answer())

    assert scene.deliver(script) is not None
    assert (script.attempts, scene.clock.waits) == (4, [0.5, 1.0, 2.0])


@pytest.mark.parametrize("repeatable", Repeatable)
def test_not_sent(repeatable: Repeatable) -> None:
    """What never left is repeated, whatever it was, until the budget is spent; then: try later."""
    scene = Scene(repeatable, Settings(retry_time=10))
    script = Script(NOT_SENT)

    with pytest.raises(TryLaterError) as caught:
        scene.deliver(script)

    assert scene.clock.waits == [0.5, 1.0, 2.0, 4.0]
    assert script.attempts == 5
    assert caught.value.applied == "no"
    assert "no connection (test)" in caught.value.what
    assert "update request 5" in caught.value.what


def test_no_retry_time() -> None:
    """Without a retry time there is one attempt."""
    scene, script = Scene(settings=Settings(retry_time=0)), Script(NOT_SENT)

    with pytest.raises(TryLaterError):
        scene.deliver(script)
    assert (script.attempts, scene.clock.waits) == (1, [])


def test_attempts_take_time() -> None:
    """The time that attempts take counts, too."""
    scene = Scene(settings=Settings(retry_time=3.9))
    script = Script(NOT_SENT, clock=scene.clock)

    with pytest.raises(TryLaterError):
        scene.deliver(script)
    assert scene.clock.waits == [0.5, 1.0]


@pytest.mark.parametrize(
    ("mishap", "repeatable", "applied"),
    [
        (FAILED, SETS, "maybe"),
        (SILENT, SETS, "maybe"),
        (FAILED, READS, "no"),
        (GARBLED, READS, "no"),
    ],
)
def test_given_up(mishap: Mishap, repeatable: Repeatable, applied: str) -> None:
    """Giving up after attempts in doubt says so: harmless to repeat, but maybe applied."""
    scene, script = Scene(repeatable, Settings(retry_time=1)), Script(mishap)

    with pytest.raises(TryLaterError) as caught:
        scene.deliver(script)

    assert caught.value.applied == applied
    assert (caught.value.status, caught.value.trace) == (mishap.status, mishap.trace)


def test_doubt_lasts() -> None:
    """Doubt about an early attempt is not forgotten over later ones that never left."""
    scene, script = Scene(SETS, Settings(retry_time=2)), Script(FAILED, NOT_SENT)

    with pytest.raises(TryLaterError) as caught:
        scene.deliver(script)
    assert caught.value.applied == "maybe"


def test_garbled_given_up() -> None:
    """A whole answer that stays unreadable is an unknown outcome, not a reason to come back."""
    scene, script = Scene(SETS, Settings(retry_time=1)), Script(GARBLED)

    with pytest.raises(OutcomeUnknownError) as caught:
        scene.deliver(script)
    assert caught.value.todo == "Open the page."


@pytest.mark.parametrize("mishap", [FAILED, SILENT, GARBLED])
def test_adds_in_doubt(mishap: Mishap) -> None:
    """What adds and cannot be verified is not repeated after doubt."""
    scene, script = Scene(ADDS), Script(mishap, answer())

    with pytest.raises(OutcomeUnknownError) as caught:
        scene.deliver(script)

    assert (script.attempts, scene.clock.waits) == (1, [])
    assert caught.value.applied == "maybe"
    assert caught.value.todo == "Open the page."
    assert (caught.value.status, caught.value.trace) == (mishap.status, mishap.trace)


def test_adds_not_sent_then_in_doubt() -> None:
    """What adds is repeated while it never left, and no longer once it may have."""
    scene, script = Scene(ADDS), Script(NOT_SENT, NOT_SENT, FAILED, answer())

    with pytest.raises(OutcomeUnknownError):
        scene.deliver(script)
    assert script.attempts == 3


@pytest.mark.parametrize(("mishap", "wait"), [(FAILED, 0.5), (SILENT, 10.0), (GARBLED, 0.5)])
def test_verified_as_arrived(mishap: Mishap, wait: float) -> None:
    """What is found to have arrived is not sent again; a silent server gets time to finish."""
    scene, script = Scene(VERIFIABLE, found=(True,)), Script(mishap)

    assert scene.deliver(script) is None
    assert (script.attempts, scene.verifications, scene.clock.waits) == (1, 1, [wait])


def test_verified_as_absent() -> None:
    """What is found absent is sent again at once."""
    scene, script = Scene(VERIFIABLE, found=(False, False)), Script(FAILED, SILENT, answer())

    assert scene.deliver(script) is not None
    assert (script.attempts, scene.verifications) == (3, 2)
    assert scene.clock.waits == [0.5, 0.0, 10.0, 0.0]


def test_verified_as_absent_without_budget() -> None:
    """What is found absent when the budget is spent was not applied, and can be tried later."""
    scene = Scene(VERIFIABLE, Settings(retry_time=0), found=(False,))
    script = Script(FAILED)

    with pytest.raises(TryLaterError) as caught:
        scene.deliver(script)

    assert script.attempts == 1
    assert caught.value.applied == "no"
    assert caught.value.retryable
    assert "has not arrived" in caught.value.what
    assert (caught.value.status, caught.value.trace) == (502, "trace-1")


def test_verified_even_without_budget() -> None:
    """Even without any budget it is looked whether an update has arrived."""
    scene = Scene(VERIFIABLE, Settings(retry_time=0), found=(True,))

    assert scene.deliver(Script(FAILED)) is None
    assert scene.clock.waits == [0]


@pytest.mark.parametrize(
    "error", [TryLaterError("no notes"), OutcomeUnknownError("only some"), RedirectError("gone")]
)
def test_verification_fails(error: StepError) -> None:
    """Where it cannot be told whether an update has arrived, its outcome is unknown."""
    scene, script = Scene(VERIFIABLE, found=(error,)), Script(FAILED, answer())

    with pytest.raises(OutcomeUnknownError) as caught:
        scene.deliver(script)

    assert script.attempts == 1
    assert caught.value.exit_code == 76
    assert any(error.what in detail for detail in caught.value.details)
    assert caught.value.todo == "Open the page."


def test_nothing_verifies() -> None:
    """A call that claims to be verifiable without a way to verify is a bug."""
    with pytest.raises(TypeError):
        Scene(VERIFIABLE).deliver(Script(FAILED))


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_refused_after_doubt(status: int) -> None:
    """A refusal after an attempt in doubt does not mean that the request is unchanged."""
    scene, script = Scene(SETS), Script(FAILED, answer(status))

    with pytest.raises(OutcomeUnknownError) as caught:
        scene.deliver(script)

    assert caught.value.applied == "maybe"
    assert any(str(status) in detail for detail in caught.value.details)
    assert (caught.value.status, caught.value.trace) == (502, "trace-1")


def test_error_after_doubt() -> None:
    """An error of another kind after an attempt in doubt does not hide the doubt."""
    scene, script = Scene(SETS), Script(FAILED, RedirectError("elsewhere"))

    with pytest.raises(OutcomeUnknownError) as caught:
        scene.deliver(script)
    assert any("elsewhere" in detail for detail in caught.value.details)


@pytest.mark.parametrize("first", [NOT_SENT, throttled(1.0)])
def test_refused_without_doubt(first: Mishap) -> None:
    """A refusal after attempts that certainly did nothing is the answer."""
    response = Scene(ADDS).deliver(Script(first, answer(422)))

    assert response is not None
    assert response.status_code == 422


def test_refused_after_verification() -> None:
    """Once an attempt was found absent, there is no doubt about it any more."""
    response = Scene(VERIFIABLE, found=(False,)).deliver(Script(FAILED, answer(422)))

    assert response is not None
    assert response.status_code == 422


def test_reading_is_never_in_doubt() -> None:
    """What only reads is refused as it is refused."""
    response = Scene(READS).deliver(Script(FAILED, answer(404)))

    assert response is not None
    assert response.status_code == 404


def test_error_passes() -> None:
    """An error that is no mishap ends the loop as it is, and is not its own cause."""
    error = RedirectError("elsewhere")

    with pytest.raises(RedirectError) as caught:
        Scene(ADDS).deliver(Script(error))
    assert caught.value is error
    assert caught.value.__cause__ is not error


def test_bug_passes() -> None:
    """An exception that nobody foresaw is not taken for a mishap."""
    script = Script(ZeroDivisionError())

    with pytest.raises(ZeroDivisionError):
        Scene(SETS).deliver(script)
    assert script.attempts == 1


@pytest.mark.parametrize("repeatable", Repeatable)
def test_throttled(repeatable: Repeatable) -> None:
    """A rate limit is waited for as asked, beyond the retry time, and then sent again."""
    scene = Scene(repeatable, Settings(retry_time=0))
    script = Script(throttled(1800.0), throttled(7.0), answer())

    assert scene.deliver(script) is not None
    assert scene.clock.waits == [1800.0, 7.0]


def test_throttled_without_time() -> None:
    """A rate limit that does not say how long backs off from 2 s."""
    scene = Scene(clock=FakeClock(draw=0.0))

    scene.deliver(Script(throttled(None), throttled(None), throttled(None), answer()))
    assert scene.clock.waits == [2.0, 4.0, 8.0]


def test_throttled_beyond_budget() -> None:
    """A wait beyond the budget ends the run at once, and says until when."""
    until = datetime(2026, 11, 21, 17, 30, tzinfo=UTC)
    scene = Scene(ADDS, Settings(throttle_time=60))
    script = Script(throttled(50.0), throttled(11.0, until))

    with pytest.raises(ThrottledError) as caught:
        scene.deliver(script)

    assert (script.attempts, scene.clock.waits) == (2, [50.0])
    assert "2026-11-21 17:30:00 UTC" in caught.value.what
    assert "2026-11-21 17:30:00 UTC" in caught.value.todo
    assert (caught.value.applied, caught.value.status) == ("no", 429)


def test_throttled_beyond_budget_without_time() -> None:
    """Without a time, the remedy is simply to come back later."""
    with pytest.raises(ThrottledError) as caught:
        Scene(settings=Settings(throttle_time=0)).deliver(Script(throttled(None)))
    assert "again later." in caught.value.todo


def test_throttled_after_doubt() -> None:
    """A rate limit after an attempt in doubt leaves the doubt."""
    scene = Scene(SETS, Settings(throttle_time=0))

    with pytest.raises(ThrottledError) as caught:
        scene.deliver(Script(FAILED, throttled(5.0)))
    assert caught.value.applied == "maybe"


def test_waits_on_rate_limits_do_not_use_up_the_retry_time() -> None:
    """After a long rate limit, the retry time is all there still."""
    scene = Scene(settings=Settings(retry_time=4))

    scene.deliver(Script(throttled(3000.0), NOT_SENT, NOT_SENT, answer()))
    assert scene.clock.waits == [3000.0, 1.0, 2.0]


@pytest.mark.parametrize("mishap", [NOT_SENT, throttled(100.0)])
@pytest.mark.parametrize("repeatable", Repeatable)
def test_terminated(mishap: Mishap, repeatable: Repeatable) -> None:
    """Being asked to end while waiting ends the run at once; nothing was applied."""
    scene = Scene(repeatable, clock=FakeClock(terminate_at=0.1))
    script = Script(mishap, answer())

    with pytest.raises(TerminatedError) as caught:
        scene.deliver(script)

    assert (script.attempts, caught.value.applied) == (1, "no")
    assert caught.value.exit_code == 75


def test_terminated_after_doubt() -> None:
    """Being asked to end after an attempt in doubt leaves the doubt; setting again is harmless."""
    scene = Scene(SETS, clock=FakeClock(terminate_at=0.1))

    with pytest.raises(TerminatedError) as caught:
        scene.deliver(Script(FAILED))
    assert caught.value.applied == "maybe"


def test_terminated_before_verifying() -> None:
    """Being asked to end before an update could be verified leaves its outcome unknown."""
    scene = Scene(VERIFIABLE, clock=FakeClock(terminate_at=0.1), found=(True,))

    with pytest.raises(OutcomeUnknownError) as caught:
        scene.deliver(Script(SILENT))

    assert scene.verifications == 0
    assert caught.value.todo == "Open the page."


def test_terminated_after_verifying() -> None:
    """Being asked to end after an update was found absent: it was not applied."""
    scene = Scene(VERIFIABLE, clock=FakeClock(terminate_at=0.5), found=(False,))
    scene.clock.wait = lambda _: scene.verifications == 0  # type: ignore[method-assign]  # the signal comes during the check
    script = Script(FAILED, answer())

    with pytest.raises(TerminatedError) as caught:
        scene.deliver(script)
    assert (script.attempts, caught.value.applied) == (1, "no")


def test_cause_is_kept() -> None:
    """An error of the loop has the mishap as its cause."""
    with pytest.raises(OutcomeUnknownError) as caught:
        Scene(ADDS).deliver(Script(FAILED))
    assert caught.value.__cause__ is FAILED


def test_waits_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Each wait is a line that says what happened, what follows and when."""
    with caplog.at_level("WARNING", "step"):
        Scene(VERIFIABLE, found=(False,)).deliver(Script(NOT_SENT, FAILED, answer()))

    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 3
    assert "no connection (test); trying again in 0.5 s (attempt 1)" in lines[0]
    assert "502 (test); checking what arrived in 1.0 s (attempt 2)" in lines[1]
    assert "has not arrived; trying again in 0.0 s (attempt 2)" in lines[2]


@pytest.mark.parametrize(
    ("settings", "longest", "expected"),
    [
        (Settings(retry_time=300, throttle_time=3660), 10.0, (10, 10)),
        (Settings(retry_time=5, throttle_time=3660), 10.0, (5, 10)),
        (Settings(retry_time=300, throttle_time=7), None, (300, 7)),
    ],
)
def test_budget(settings: Settings, longest: float | None, expected: tuple[float, float]) -> None:
    """A budget is what the settings say, or less where an operation is worth less."""
    more: dict[str, Any] = {} if longest is None else {"longest": longest}
    budget = Budget(settings, FakeClock(), **more)

    assert (budget.retry_left, budget.throttle_left) == expected


def test_budget_is_shared() -> None:
    """A budget is spent by all calls of an operation together."""
    clock = FakeClock()
    budget = Budget(Settings(retry_time=100, throttle_time=50), clock)

    clock.advance(30)
    assert (budget.retry_left, budget.throttle_left) == (70, 50)
    budget.note_throttling(20)
    clock.advance(20)
    assert (budget.retry_left, budget.throttle_left) == (70, 30)
