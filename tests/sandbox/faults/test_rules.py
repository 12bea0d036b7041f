"""The rules of `--fault`."""

from __future__ import annotations

import pytest

from sandbox.calls import CALL_ORDER
from sandbox.faults import FAULTS, FaultError, help_text, parse


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
def test_an_invalid_rule_is_explained(text: str, message: str) -> None:
    """The error for an invalid rule says what is valid."""
    with pytest.raises(FaultError, match=message.replace("*", r"\*")):
        parse(text)


def test_the_help_lists_everything() -> None:
    """Every call and every fault is in the help, each fault on a line of its own."""
    text = help_text()
    assert all(name in text for name in CALL_ORDER)
    for fault in FAULTS.values():
        assert any(line.split()[0].startswith(fault.name) and fault.help in line
                   for line in text.splitlines() if line.strip())  # fmt: skip
