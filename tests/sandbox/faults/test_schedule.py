"""The schedule of faults: the order in which rules apply."""

from __future__ import annotations

import pytest

from sandbox.faults import FaultSchedule, parse


def _applied(schedule: FaultSchedule, call: str, times: int) -> list[str | None]:
    rules = [schedule.take(call) for _ in range(times)]
    return [rule.text if rule else None for rule in rules]


def test_rules_queue_up() -> None:
    """Several rules for a call apply one after the other, each as often as it says."""
    schedule = FaultSchedule([parse("patch=503*2"), parse("spec=500"), parse("patch=429")])
    assert _applied(schedule, "patch", 5) == ["503", "503", "429", None, None]
    assert _applied(schedule, "spec", 2) == ["500", None]
    assert _applied(schedule, "other", 1) == [None]


def test_a_rule_may_apply_to_all_calls() -> None:
    """A star alone means all calls."""
    assert _applied(FaultSchedule([parse("patch=503*")]), "patch", 4) == ["503"] * 4


def test_first_calls_are_refused_from_the_start() -> None:
    """A port is closed from the start only for the first call on it."""
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


@pytest.mark.parametrize(
    ("rules", "uploads", "calls", "closed"),
    [
        (["read=refused"], 0, ["search"], ["read"]),
        (["linked=refused"], 0, ["search", "read"], [None, "linked"]),
        (["verification=refused"], 0, ["search", "read", "linked"], [None, None, "verification"]),
        (["patch=refused"], 0, ["read", "linked", "verification"], [None, None, "patch"]),
        (["storage=refused"], 1, ["linked", "verification"], [None, "storage"]),
        (["linked=refused", "read=503"], 0, ["read", "read"], [None, "linked"]),
        (
            ["patch=500-after", "read=refused"],
            0,
            ["verification", "patch", "verification"],
            [None, None, "read"],
        ),
    ],
)
def test_a_port_closes_before_a_read_that_is_refused(
    rules: list[str], uploads: int, calls: list[str], closed: list[str | None]
) -> None:
    """What is read before the update has an order of its own; after it, reads verify."""
    reads = ("search", "read", "linked", "verification")
    schedule = FaultSchedule(map(parse, rules), (), uploads, reads)
    assert [_closes(schedule, call) for call in calls] == closed


def test_a_refused_rule_without_effect_is_dropped() -> None:
    """If a call is received before the port is closed, the next rule applies."""
    schedule = FaultSchedule([parse("read=refused"), parse("read=500")])
    assert _applied(schedule, "read", 2) == ["500", None]
