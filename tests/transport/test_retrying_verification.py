"""`transport.retrying`: looking what has arrived before anything is sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from process.errors import (
    OutcomeUnknownError,
    RedirectError,
    StepError,
    TemporaryError,
)
from process.exit_codes import ExitCode
from process.settings import Settings
from tests.transport.retry_harness import (
    INVALID_RESPONSE,
    SERVER_ERROR,
    TIMEOUT,
    VERIFIABLE,
    Scene,
    Script,
    answer,
    throttled,
)

if TYPE_CHECKING:
    from transport.failures import AttemptFailed


@pytest.mark.parametrize("failure", [SERVER_ERROR, TIMEOUT, INVALID_RESPONSE])
def test_verified_as_arrived(failure: AttemptFailed) -> None:
    """What an early look finds is there: it is not sent again, and no more time is lost."""
    scene, script = Scene(VERIFIABLE, found=(True,)), Script(failure)

    assert scene.retry_call(script) is None
    assert (script.attempts, scene.verifications, scene.clock.waits) == (1, 1, [0.5])


@pytest.mark.parametrize(
    ("failure", "settled"), [(SERVER_ERROR, 10.0), (TIMEOUT, 30.0), (INVALID_RESPONSE, 10.0)]
)
@pytest.mark.parametrize("retry_time", [300.0, 3.0, 0.0])
def test_verified_as_arrived_late(
    failure: AttemptFailed, settled: float, retry_time: float
) -> None:
    """What arrives while the server is given time to finish is found, whatever the budget."""
    scene = Scene(VERIFIABLE, Settings(retry_time=retry_time), found=(False, True))
    script = Script(failure)

    assert scene.retry_call(script) is None
    assert (script.attempts, scene.verifications) == (1, 2)
    assert scene.clock.waits == [0.5, settled - 0.5]


def test_verified_as_absent() -> None:
    """What is absent early on and once the server has had its time is then sent again at once."""
    scene = Scene(VERIFIABLE, found=(False, False, False, False))
    script = Script(SERVER_ERROR, TIMEOUT, answer())

    assert scene.retry_call(script) is not None
    assert (script.attempts, scene.verifications) == (3, 4)
    assert scene.clock.waits == [0.5, 9.5, 0.0, 1.0, 29.0, 0.0]


@pytest.mark.parametrize(("takes", "waits"), [(4.0, [0.5, 5.5, 0.0]), (20.0, [0.5, 0.0, 0.0])])
def test_looking_takes_time(takes: float, waits: list[float]) -> None:
    """A look that began before the server had had its time proves nothing, however long it took.

    It goes page by page, so what arrived meanwhile may be on a page that was read before.
    """
    scene = Scene(VERIFIABLE, found=(False,) * (len(waits) - 1))
    scene.during_check = lambda: scene.clock.advance(takes)

    assert scene.retry_call(Script(SERVER_ERROR, answer())) is not None
    assert scene.verifications == len(waits) - 1
    assert scene.clock.waits == waits


@pytest.mark.parametrize("retry_time", [0.0, 5.0])
def test_verified_as_absent_without_budget(retry_time: float) -> None:
    """What is absent once all is settled, the budget being spent, can be tried later."""
    scene = Scene(VERIFIABLE, Settings(retry_time=retry_time), found=(False, False))
    script = Script(SERVER_ERROR)

    with pytest.raises(TemporaryError) as caught:
        scene.retry_call(script)

    assert scene.clock.waits == [0.5, 9.5]
    assert script.attempts == 1
    assert caught.value.applied == "no"
    assert caught.value.exit_code is ExitCode.TRY_LATER
    assert "has not arrived" in caught.value.what
    assert (caught.value.status, caught.value.trace_id) == (502, "trace-1")


def test_a_look_is_about_the_attempt_in_doubt() -> None:
    """Each attempt in doubt is looked for since it began, not since the first attempt of all."""
    scene = Scene(VERIFIABLE, found=(False, False, False, False))
    script = Script(throttled(1800.0), SERVER_ERROR, TIMEOUT, answer(), clock=scene.clock)

    scene.retry_call(script)
    first, second = 1801.0, 1801.0 + 1 + 10
    assert scene.doubtful_since == [first, first, second, second]


def test_verified_even_without_budget() -> None:
    """Even without any budget it is looked whether an update has arrived."""
    scene = Scene(VERIFIABLE, Settings(retry_time=0), found=(True,))

    assert scene.retry_call(Script(SERVER_ERROR)) is None
    assert scene.clock.waits == [0.5]


@pytest.mark.parametrize(
    "error", [TemporaryError("no notes"), OutcomeUnknownError("only some"), RedirectError("gone")]
)
def test_verification_fails(error: StepError) -> None:
    """Where it cannot be told whether an update has arrived, its outcome is unknown."""
    scene, script = Scene(VERIFIABLE, found=(error,)), Script(SERVER_ERROR, answer())

    with pytest.raises(OutcomeUnknownError) as caught:
        scene.retry_call(script)

    assert script.attempts == 1
    assert caught.value.exit_code == 76
    assert any(error.what in detail for detail in caught.value.details)
    assert caught.value.fix == "Open the page."


def test_unclear_until_it_is_there() -> None:
    """Somebody's note at that time proves nothing: the server is given its time all the same."""
    scene, script = Scene(VERIFIABLE, found=("a note", True)), Script(SERVER_ERROR)

    assert scene.retry_call(script) is None
    assert (script.attempts, scene.verifications, scene.clock.waits) == (1, 2, [0.5, 9.5])


def test_unclear_to_the_end() -> None:
    """Once the server has had its time, what is unclear stays so: nothing is sent again."""
    scene, script = (
        Scene(VERIFIABLE, found=(False, "a note may be it")),
        Script(SERVER_ERROR, answer()),
    )

    with pytest.raises(OutcomeUnknownError, match="nobody can tell") as caught:
        scene.retry_call(script)
    assert (script.attempts, scene.verifications) == (1, 2)
    assert caught.value.details == ("a note may be it",)
    assert caught.value.fix == "Open the page."


def test_unclear_and_gone() -> None:
    """A note that was unclear and is no longer there, when it can be told, is none."""
    scene, script = Scene(VERIFIABLE, found=("a note", False)), Script(SERVER_ERROR, answer())

    assert scene.retry_call(script) is not None
    assert script.attempts == 2


def test_a_bug_in_a_look_leaves_the_doubt() -> None:
    """Whatever happens while it is looked for, the update may have been applied: 76, not 70."""
    scene = Scene(VERIFIABLE, found=(True,))

    def fail() -> None:
        raise ValueError("a bug")

    scene.during_check = fail
    with pytest.raises(OutcomeUnknownError) as caught:
        scene.retry_call(Script(SERVER_ERROR))
    assert caught.value.details == ("the check failed: ValueError",)


def test_nothing_verifies() -> None:
    """A call that claims to be verifiable without a way to verify is a bug."""
    with pytest.raises(TypeError):
        Scene(VERIFIABLE).retry_call(Script(SERVER_ERROR))


def test_refused_after_verification() -> None:
    """Once an attempt was found absent for certain, there is no doubt about it any more."""
    response = Scene(VERIFIABLE, found=(False, False)).retry_call(Script(SERVER_ERROR, answer(422)))

    assert response is not None
    assert response.status_code == 422
