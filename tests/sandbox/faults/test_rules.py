"""Rules for faults, and the order in which they apply."""

from __future__ import annotations

import pytest

from sandbox.calls import CALL_ORDER
from sandbox.faults import FAULTS, FaultError, FaultSchedule, help_text, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("patch=503", ("patch", "503", None, False, 1)),
        ("patch=503:2.5", ("patch", "503", 2.5, False, 1)),
        ("spec=429:date:30*3", ("spec", "429", 30.0, True, 3)),
        ("output=reset-after*", ("output", "reset-after", None, False, None)),
        ("upload=refused:1", ("upload", "refused", 1.0, False, 1)),
        ("upload=refused*", ("upload", "refused", None, False, None)),
    ],
)
def test_rules_are_read(
    text: str, expected: tuple[str, str, float | None, bool, int | None]
) -> None:
    """A rule names a call, a fault with its parameter, and a count."""
    rule = parse(text)
    assert (rule.call, rule.fault.name, rule.seconds, rule.date, rule.times) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("patch", "is no CALL=FAULT"),
        ("put=503", "unknown call 'put'; known: spec"),
        ("patch=505", "unknown fault '505'; known: refused"),
        ("patch=500:2", "write 500"),
        ("patch=429:soon", "write 429 or 429:SECONDS or 429:date:SECONDS"),
        ("patch=503:date:2", "write 503 or 503:SECONDS"),
        ("patch=429:", "is no fault"),
        ("patch=503*0", "at least 1"),
        ("patch=slow", "write slow:SECONDS"),
        ("patch=refused*2", "can't be counted"),
    ],
)
def test_a_wrong_rule_says_what_is_right(text: str, message: str) -> None:
    """A rule that can't be understood is refused with what could be written instead."""
    with pytest.raises(FaultError, match=message.replace("*", r"\*")):
        parse(text)


def test_the_help_lists_everything() -> None:
    """Every call and every fault is in the help, each fault with a line of its own."""
    text = help_text()
    assert all(name in text for name in CALL_ORDER)
    for fault in FAULTS.values():
        assert any(line.split()[0].startswith(fault.name) and fault.help in line
                   for line in text.splitlines() if line.strip())  # fmt: skip


def _met(schedule: FaultSchedule, call: str, times: int) -> list[str | None]:
    rules = [schedule.take(call) for _ in range(times)]
    return [rule.text if rule else None for rule in rules]


def test_rules_queue_up() -> None:
    """Several rules for a call apply one after the other, each as often as it says."""
    schedule = FaultSchedule([parse("patch=503*2"), parse("spec=500"), parse("patch=429")])
    assert _met(schedule, "patch", 5) == ["503", "503", "429", None, None]
    assert _met(schedule, "spec", 2) == ["500", None]
    assert _met(schedule, "other", 1) == [None]


def test_a_rule_without_end_stays() -> None:
    """A star alone means all calls."""
    assert _met(FaultSchedule([parse("patch=503*")]), "patch", 4) == ["503"] * 4


def test_first_calls_are_refused_from_the_start() -> None:
    """Only calls that come first on a port find it closed from the start."""
    schedule = FaultSchedule([parse("spec=refused"), parse("output=refused")], ["spec", "patch"])
    assert [rule.call for rule in schedule.initially_refused()] == ["spec"]
    assert schedule.initially_refused() == []


def _closes(schedule: FaultSchedule, call: str) -> str | None:
    rule = schedule.refused_next(call, schedule.take(call))
    return rule.call if rule else None


@pytest.mark.parametrize(
    ("rules", "calls", "closed"),
    [
        (["output=refused"], ["spec"], ["output"]),
        (["link=refused"], ["spec", "output"], [None, "link"]),
        (["output=refused", "spec=500"], ["spec", "spec"], [None, "output"]),
        (["spec=500", "spec=refused"], ["spec"], ["spec"]),
        (["verification=refused"], ["patch"], [None]),
        (["patch=500-after", "verification=refused"], ["patch"], ["verification"]),
        (["patch=503", "verification=refused"], ["patch", "patch"], [None, None]),
        (["patch=502", "read=refused"], ["patch", "verification"], [None, "read"]),
        (["spec=trickle", "output=refused"], ["spec"], ["output"]),
        (["upload=refused"], ["storage"], ["upload"]),
        (["patch=refused"], ["storage", "upload", "upload"], [None, None, "patch"]),
        (["patch=refused", "upload=503"], ["upload", "upload", "upload"], [None, None, "patch"]),
        (["patch=refused"], ["other"], [None]),
    ],
)
def test_a_port_closes_before_the_call_that_is_refused(
    rules: list[str], calls: list[str], closed: list[str | None]
) -> None:
    """A port closes when the step's next call is the refused one, not when it will repeat one."""
    schedule = FaultSchedule(map(parse, rules), (), 2)
    assert [_closes(schedule, call) for call in calls] == closed


def test_a_refusal_that_came_too_late_is_dropped() -> None:
    """A call that came through meets the rule that follows."""
    schedule = FaultSchedule([parse("read=refused"), parse("read=500")])
    assert _met(schedule, "read", 2) == ["500", None]
