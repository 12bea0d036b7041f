"""`fourme.delivery`: the loop that repeats a call until it is answered or given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fourme.delivery import Budget, Call, Look, deliver
from fourme.retry import Repeatable
from process.errors import (
    OutcomeUnknownError,
    RedirectError,
    TemporaryError,
    UnexpectedResponseError,
)
from process.settings import Settings
from tests.fake_clock import FakeClock
from tests.fourme.delivery_scene import (
    ADDS,
    FAILED,
    GARBLED,
    NOT_SENT,
    READS,
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


@pytest.mark.parametrize("status", [200, 201, 299, 400, 401, 403, 404, 422])
@pytest.mark.parametrize("repeatable", Repeatable)
def test_answered(status: int, repeatable: Repeatable) -> None:
    """An answer to the first attempt is returned, whatever was sent; nothing is waited for."""
    scene, script = Scene(repeatable), Script(answer(status))

    response = scene.deliver(script)

    assert response is not None
    assert response.status_code == status
    assert (script.attempts, scene.clock.waits) == (1, [])


@pytest.mark.parametrize("mishap", [NOT_SENT, FAILED, SILENT])
@pytest.mark.parametrize("repeatable", [READS, SETS])
def test_repeated(mishap: Mishap, repeatable: Repeatable) -> None:
    """What does no harm twice is repeated after any mishap, with growing waits."""
    scene, script = Scene(repeatable), Script(mishap, mishap, mishap, answer())

    assert scene.deliver(script) is not None
    assert (script.attempts, scene.clock.waits) == (4, [0.5, 1.0, 2.0])


def test_garbled_while_it_sets() -> None:
    """An update of fields that is answered with no JSON is sent again, like any in doubt."""
    scene, script = Scene(SETS), Script(GARBLED, GARBLED, GARBLED, answer())

    assert scene.deliver(script) is not None
    assert (script.attempts, scene.clock.waits) == (4, [0.5, 1.0, 2.0])


def test_garbled_while_it_reads() -> None:
    """What is read and answered with no JSON, three times, is not there to be read."""
    scene, script = Scene(READS), Script(GARBLED, GARBLED, answer())
    assert scene.deliver(script) is not None

    scene, script = Scene(READS), Script(GARBLED)
    with pytest.raises(UnexpectedResponseError, match="no JSON") as caught:
        scene.deliver(script)
    assert (script.attempts, scene.clock.waits) == (3, [0.5, 1.0])
    assert (caught.value.applied, caught.value.status) == ("no", 200)


@pytest.mark.parametrize("repeatable", Repeatable)
def test_not_sent(repeatable: Repeatable) -> None:
    """What never left is repeated, whatever it was, until the budget is spent; then: try later."""
    scene = Scene(repeatable, Settings(retry_time=10))
    script = Script(NOT_SENT)

    with pytest.raises(TemporaryError) as caught:
        scene.deliver(script)

    assert scene.clock.waits == [0.5, 1.0, 2.0, 4.0]
    assert script.attempts == 5
    assert caught.value.applied == "no"
    assert "no connection (test)" in caught.value.what
    assert "update request 5" in caught.value.what


def test_no_retry_time() -> None:
    """Without a retry time there is one attempt."""
    scene, script = Scene(settings=Settings(retry_time=0)), Script(NOT_SENT)

    with pytest.raises(TemporaryError):
        scene.deliver(script)
    assert (script.attempts, scene.clock.waits) == (1, [])


def test_attempts_take_time() -> None:
    """The time that attempts take counts, too."""
    scene = Scene(settings=Settings(retry_time=3.9))
    script = Script(NOT_SENT, clock=scene.clock)

    with pytest.raises(TemporaryError):
        scene.deliver(script)
    assert scene.clock.waits == [0.5, 1.0]


@pytest.mark.parametrize(
    ("mishap", "repeatable", "applied"),
    [
        (FAILED, SETS, "maybe"),
        (SILENT, SETS, "maybe"),
        (FAILED, READS, "no"),
    ],
)
def test_given_up(mishap: Mishap, repeatable: Repeatable, applied: str) -> None:
    """Giving up after attempts in doubt says so: harmless to repeat, but maybe applied."""
    scene, script = Scene(repeatable, Settings(retry_time=1)), Script(mishap)

    with pytest.raises(TemporaryError) as caught:
        scene.deliver(script)

    assert caught.value.applied == applied
    assert (caught.value.status, caught.value.trace_id) == (mishap.status, mishap.trace_id)


def test_doubt_lasts() -> None:
    """Doubt about an early attempt is not forgotten over later ones that never left."""
    scene, script = Scene(SETS, Settings(retry_time=2)), Script(FAILED, NOT_SENT)

    with pytest.raises(TemporaryError) as caught:
        scene.deliver(script)
    assert caught.value.applied == "maybe"


def test_garbled_given_up() -> None:
    """A whole answer that stays unreadable is an unknown outcome, not a reason to come back."""
    scene, script = Scene(SETS, Settings(retry_time=1)), Script(GARBLED)

    with pytest.raises(OutcomeUnknownError) as caught:
        scene.deliver(script)
    assert caught.value.fix == "Open the page."


@pytest.mark.parametrize("mishap", [FAILED, SILENT, GARBLED])
def test_adds_in_doubt(mishap: Mishap) -> None:
    """What adds and cannot be verified is not repeated after doubt."""
    scene, script = Scene(ADDS), Script(mishap, answer())

    with pytest.raises(OutcomeUnknownError) as caught:
        scene.deliver(script)

    assert (script.attempts, scene.clock.waits) == (1, [])
    assert caught.value.applied == "maybe"
    assert caught.value.fix == "Open the page."
    assert (caught.value.status, caught.value.trace_id) == (mishap.status, mishap.trace_id)


def test_adds_not_sent_then_in_doubt() -> None:
    """What adds is repeated while it never left, and no longer once it may have."""
    scene, script = Scene(ADDS), Script(NOT_SENT, NOT_SENT, FAILED, answer())

    with pytest.raises(OutcomeUnknownError):
        scene.deliver(script)
    assert script.attempts == 3


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_refused_after_doubt(status: int) -> None:
    """A refusal after an attempt in doubt does not mean that the request is unchanged."""
    scene, script = Scene(SETS), Script(FAILED, answer(status))

    with pytest.raises(OutcomeUnknownError) as caught:
        scene.deliver(script)

    assert caught.value.applied == "maybe"
    assert any(str(status) in detail for detail in caught.value.details)
    assert (caught.value.status, caught.value.trace_id) == (502, "trace-1")


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


def test_cause_is_kept() -> None:
    """An error of the loop has the mishap as its cause."""
    with pytest.raises(OutcomeUnknownError) as caught:
        Scene(ADDS).deliver(Script(FAILED))
    assert caught.value.__cause__ is FAILED


def test_always_answered() -> None:
    """A call that nothing can verify always has an answer; a verified one must not come here."""
    budget = Budget(Settings(), FakeClock())

    assert deliver(Call("read", "4me", READS), Script(FAILED, answer()), budget).status_code == 200
    with pytest.raises(TypeError):
        deliver(
            Call("update", "4me", VERIFIABLE, lambda _: Look(arrived=True)), Script(FAILED), budget
        )
