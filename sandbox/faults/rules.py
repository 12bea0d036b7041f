"""The rules of `--fault`: how they are parsed, and the help for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.calls import CALL_ORDER
from sandbox.faults.table import FAULTS

if TYPE_CHECKING:
    from sandbox.faults.table import Fault

_RULE = re.compile(r"(?P<call>[a-z]+)=(?P<fault>[^*=]+)(?P<times>\*[0-9]*)?")
_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_DATE = "date:"


class FaultError(ValueError):
    """An invalid rule; the message lists what is valid."""


@dataclass(frozen=True)
class Rule:
    """A fault for the next calls with one name.

    Attributes:
        call: The name of the call, one of `CALL_ORDER`.
        text: The fault as it was written, such as `429:date:30`.
        fault: The kind of fault.
        seconds: Its parameter; None if none was given.
        date: Whether the parameter is sent as an HTTP date.
        times: How many calls it applies to; None for all.
    """

    call: str
    text: str
    fault: Fault
    seconds: float | None = None
    date: bool = False
    times: int | None = 1


def help_text() -> str:
    """Return the calls and the faults, one line each."""
    rows = [
        ("/".join(fault.name + parameter for parameter in fault.parameters), fault.help)
        for fault in FAULTS.values()
    ]
    width = max(len(name) for name, _ in rows)
    return "\n".join(
        [
            "--fault CALL=FAULT     the first call of that kind",
            "--fault CALL=FAULT*3   the first three;  CALL=FAULT* all",
            "Several rules for one call apply one after the other.",
            "",
            f"Calls: {', '.join(CALL_ORDER)}",
            "Faults:",
            *(f"  {name:<{width}}  {line}" for name, line in rows),
        ]
    )


def parse(text: str) -> Rule:
    """Parse a rule such as `patch=503:2*3`.

    Raises:
        FaultError: The syntax is wrong, or the call or the fault is unknown.
    """
    match = _RULE.fullmatch(text)
    if match is None:
        raise FaultError(f"{text!r} is no CALL=FAULT, such as patch=503:2 or patch=429*3")
    if match["call"] not in CALL_ORDER:
        raise FaultError(f"unknown call {match['call']!r}; known: {', '.join(CALL_ORDER)}")
    name, colon, parameter = match["fault"].partition(":")
    if name not in FAULTS:
        raise FaultError(f"unknown fault {name!r}; known: {', '.join(FAULTS)}")
    fault = FAULTS[name]
    date = parameter.startswith(_DATE)
    seconds = parameter.removeprefix(_DATE)
    form = "" if not colon else ":date:SECONDS" if date else ":SECONDS"
    if form not in fault.parameters or (colon and not _SECONDS.fullmatch(seconds)):
        valid = " or ".join(name + known for known in fault.parameters)
        raise FaultError(f"{match['fault']!r} is no fault; write {valid}")
    times = _times(text, match["times"], fault)
    return Rule(
        match["call"], match["fault"], fault, float(seconds) if colon else None, date, times
    )


def _times(text: str, times: str | None, fault: Fault) -> int | None:
    if times is None:
        return 1
    if times == "*":
        return None
    if fault.effect is None:
        raise FaultError(f"{text!r}: {fault.name} can't be counted; write it without {times!r}")
    if int(times[1:]) == 0:
        raise FaultError(f"{text!r}: the count must be at least 1")
    return int(times[1:])
