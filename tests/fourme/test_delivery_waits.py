"""`fourme.delivery`: waiting, for rate limits and until the engine asks the step to end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from fourme.delivery import Budget
from fourme.errors import (
    OutcomeUnknownError,
    TerminatedError,
    ThrottledError,
)
from fourme.retry import Repeatable
from fourme.settings import Settings
from tests.fake_clock import FakeClock
from tests.fourme.delivery_scene import (
    ADDS,
    FAILED,
    NOT_SENT,
    SETS,
    SILENT,
    VERIFIABLE,
    Scene,
    Script,
    answer,
    throttled,
)

if TYPE_CHECKING:
    from fourme.mishaps import Mishap


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
    scene = Scene(VERIFIABLE, found=(False,))
    scene.during_check = lambda: setattr(scene.clock, "terminate_at", scene.clock.monotonic())
    script = Script(FAILED, answer())

    with pytest.raises(TerminatedError) as caught:
        scene.deliver(script)
    assert (script.attempts, caught.value.applied) == (1, "no")


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
