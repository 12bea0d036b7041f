"""The faults that can be rehearsed: one table, the rules that a user writes, and their order."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.calls import STEP_ORDER
from sandbox.faults import effects

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.faults.effects import Effect

_RULE = re.compile(r"(?P<call>[a-z]+)=(?P<fault>[^*=]+)(?P<times>\*[0-9]*)?")
REFUSED = "refused"
TLS = "tls"

_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: How rules name it.
        help: What it does, in one line.
        effect: What happens to a call; None for a fault of the whole service.
        forms: Which parameters it takes: `""` for none, `:SECONDS`, `:date:SECONDS`.
        ambiguous: Whether the caller can't tell if the call was processed.
        harmless: Whether the caller gets its answer all the same.
    """

    name: str
    help: str
    effect: Effect | None = None
    forms: tuple[str, ...] = ("",)
    ambiguous: bool = False
    harmless: bool = False


class FaultError(ValueError):
    """A rule that can't be understood; the message lists what can."""


@dataclass(frozen=True)
class Rule:
    """A fault for the next calls of one kind.

    Attributes:
        call: Which call, one of `STEP_ORDER`.
        text: The fault as it was written, such as `429:date:30`.
        fault: The kind of fault.
        seconds: Its parameter; None where none was given.
        date: Whether the parameter is told as an HTTP date.
        times: How many calls it applies to; None for all.
    """

    call: str
    text: str
    fault: Fault
    seconds: float | None = None
    date: bool = False
    times: int | None = 1


_FORMS = {429: ("", ":SECONDS", ":date:SECONDS"), 503: ("", ":SECONDS")}
_STATUS_NOTES = {
    429: ", Retry-After as SECONDS or as the date in SECONDS",
    500: ", with a line of 70,000 characters",
    502: ", as nginx's HTML page",
    503: ", Retry-After if SECONDS are given",
    522: ", as Cloudflare's HTML page",
    524: ", as Cloudflare's HTML page",
    598: ", as a proxy's HTML page",
    599: ", as a proxy's HTML page",
}
_STATUSES = (400, 401, 403, 404, 408, 409, 418, 422, 429, 500, 502, 503, 504, 522, 524, 598, 599)
_STATUSES_AFTER = (408, 500, 502, 503, 504, 524)
_AMBIGUOUS = (408, 500, 502, 504, 522, 524, 598, 599)


def _status_faults() -> list[Fault]:
    return [
        Fault(
            str(status),
            f"answer {status}{_STATUS_NOTES.get(status, '')}; not processed",
            effects.status(status),
            forms=_FORMS.get(status, ("",)),
            ambiguous=status in _AMBIGUOUS,
        )
        for status in _STATUSES
    ] + [
        Fault(
            f"{status}-after",
            f"answer {status} after processing",
            effects.status_after(status),
            ambiguous=True,
        )
        for status in _STATUSES_AFTER
    ]


def _lost_answers() -> list[Fault]:
    return [
        Fault(name, help_line, effect, ambiguous=True)
        for name, help_line, effect in (
            ("reset-before", "TCP reset; not processed", effects.reset_before),
            ("reset-after", "TCP reset after processing", effects.reset_after),
            ("stall-before", "no answer for 120 s; not processed", effects.stall_before),
            ("stall-after", "no answer for 120 s after processing", effects.stall_after),
            ("late", "no answer; processed once the client has gone", effects.late),
            ("truncated", "processed; half of the answer, then the end", effects.truncated),
            ("truncated-gzip", "the same with a gzip answer", effects.truncated_gzip),
            ("html", "processed; the answer is an HTML page", effects.html),
            ("invalid-json", "processed; the answer is not JSON", effects.invalid_json),
            ("not-a-request", "processed; the answer is a JSON list", effects.not_a_request),
            # Python's HTTP client takes an interim answer that it does not know for the final one.
            ("103", "processed; an interim answer comes before the final one", effects.early_hints),
            ("two-lengths", "processed; two Content-Length that differ", effects.two_lengths),
            ("deep", "processed; the answer is nested 900 levels deep", effects.deep),
        )
    ]


def _table() -> dict[str, Fault]:
    faults = [
        Fault(
            REFUSED,
            "the port is closed when the call comes; opened again after SECONDS if given",
            forms=("", ":SECONDS"),
        ),
        *_lost_answers(),
        *_status_faults(),
        Fault(
            "502-late",
            "answer 502 at once; processed after SECONDS",
            effects.bad_gateway_late,
            forms=(":SECONDS",),
            ambiguous=True,
        ),
        Fault(
            "500-busy",
            "answer 500 that says Too Many Requests, Retry-After if SECONDS; not processed",
            effects.busy,
            forms=("", ":SECONDS"),
        ),
        Fault("s3-timeout", "answer S3's 400 RequestTimeout; not processed", effects.s3_timeout),
        Fault("s3-slow-down", "answer S3's 503 SlowDown; not processed", effects.s3_slow_down),
        Fault("redirect", "307 to another host; not processed", effects.redirect),
        Fault(
            "slow",
            "processed; the answer comes after SECONDS",
            effects.slow,
            forms=(":SECONDS",),
            harmless=True,
        ),
        Fault("none", "no fault: to let some calls pass first", effects.none, harmless=True),
        Fault(
            "trickle",
            "processed; the answer byte by byte, five a second",
            effects.trickle,
            harmless=True,
        ),
        Fault(TLS, "the whole service speaks TLS, with a certificate that nobody trusts"),
    ]
    return {fault.name: fault for fault in faults}


#: Every fault, by name.
FAULTS = _table()


def help_text() -> str:
    """Return the calls and the faults, one line each."""
    rows = [
        ("/".join(fault.name + form for form in fault.forms), fault) for fault in FAULTS.values()
    ]
    width = max(len(name) for name, _ in rows)
    lines = [f"  {name:<{width}}  {fault.help}" for name, fault in rows]
    return "\n".join(
        [
            "--fault CALL=FAULT     the first call of that kind",
            "--fault CALL=FAULT*3   the first three;  CALL=FAULT* all",
            "Several rules for one call apply one after the other.",
            "",
            f"Calls: {', '.join(STEP_ORDER)}",
            "Faults:",
            *lines,
        ]
    )


def parse(text: str) -> Rule:
    """Read a rule such as `patch=503:2*3`.

    Raises:
        FaultError: It is no rule, or names an unknown call or fault.
    """
    match = _RULE.fullmatch(text)
    if match is None:
        raise FaultError(f"{text!r} is no CALL=FAULT, such as patch=503:2 or patch=429*3")
    if match["call"] not in STEP_ORDER:
        raise FaultError(f"unknown call {match['call']!r}; known: {', '.join(STEP_ORDER)}")
    name, colon, parameter = match["fault"].partition(":")
    if name not in FAULTS:
        raise FaultError(f"unknown fault {name!r}; known: {', '.join(FAULTS)}")
    fault = FAULTS[name]
    date = parameter.startswith("date:")
    seconds = parameter.removeprefix("date:")
    form = "" if not colon else ":date:SECONDS" if date else ":SECONDS"
    if form not in fault.forms or (colon and not _SECONDS.fullmatch(seconds)):
        forms = " or ".join(name + known for known in fault.forms)
        raise FaultError(f"{match['fault']!r} is no fault; write {forms}")
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


class Plan:
    """Which fault the next call of each kind meets.

    Args:
        rules: The rules; several for one call apply one after the other.
        first: The calls that nothing precedes on their port: it is closed from the start.
        uploads: How many files the step is expected to upload before its patch.
    """

    def __init__(
        self, rules: Iterable[Rule], first: Iterable[str] = ("spec",), uploads: int = 0
    ) -> None:
        self._first = tuple(first)
        self._uploads = uploads
        self._queues: dict[str, deque[Rule]] = {name: deque() for name in STEP_ORDER}
        self._left: dict[str, int] = {}
        for rule in rules:
            if rule.fault.name != TLS:
                self._queues[rule.call].append(rule)

    def take(self, call: str) -> Rule | None:
        """Return the rule for the call that has just arrived, and count it."""
        queue = self._queues.get(call, deque())
        while queue and queue[0].fault.effect is None:
            queue.popleft()  # the call came through before the port could be closed
        if not queue:
            return None
        rule = queue[0]
        if rule.times is None:
            return rule
        left = self._left.pop(call, rule.times) - 1
        if left:
            self._left[call] = left
        else:
            queue.popleft()
        return rule

    def refused_first(self) -> list[Rule]:
        """Return the rules that close a port from the start, and count them."""
        rules = [self._refused(call) for call in self._first]
        return [rule for rule in rules if rule is not None]

    def refused_after(self, call: str, met: Rule | None) -> Rule | None:
        """Return the rule that closes a port before this call is answered, and count it.

        Args:
            call: The call that has arrived.
            met: The rule that `take` returned for it.
        """
        if call not in self._queues:
            return None
        again = self._refused(call)
        if again is not None or self._queues[call]:
            return again
        following = self._following(call, met)
        return self._refused(following) if following else None

    def _following(self, call: str, met: Rule | None) -> str | None:
        """Return the call that comes next on a port; None where this one is repeated first."""
        if call == "patch":
            return "verification" if met is not None and met.fault.ambiguous else None
        if met is not None and not met.fault.harmless:
            return None
        if call == "upload":
            self._uploads -= 1
            return "patch" if self._uploads <= 0 else None
        following = {"spec": "output", "output": "link", "storage": "upload"}
        return {**following, "verification": "read"}.get(call)

    def _refused(self, call: str) -> Rule | None:
        queue = self._queues[call]
        return queue.popleft() if queue and queue[0].fault.name == REFUSED else None
