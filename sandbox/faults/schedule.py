"""The schedule of faults: which rule applies to the next call."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING

from sandbox.calls import CALL_ORDER
from sandbox.faults.table import REFUSED, TLS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sandbox.faults.rules import Rule

#: The call that a step makes next on the same service; `patch` and `upload` depend on more, and
#: what a step reads before it sends an update depends on its spec.
_NEXT_CALL = {
    "spec": "output",
    "output": "link",
    "storage": "upload",
    "verification": "read",
}


class FaultSchedule:
    """Which fault applies to the next call of each name.

    Args:
        rules: The rules; several for one call apply one after the other.
        first_calls: The first call on each port: the port is closed from the start for these.
        uploads: How many files the step is expected to upload before its patch.
        reads: The calls that it is expected to make before these uploads, in order.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        first_calls: Iterable[str] = ("spec",),
        uploads: int = 0,
        reads: Sequence[str] = (),
    ) -> None:
        self._first_calls = tuple(first_calls)
        self._uploads = uploads
        update = "storage" if uploads else "patch"
        self._next_reads = dict(pairwise([*reads, update]))
        self._queues: dict[str, deque[Rule]] = {name: deque() for name in CALL_ORDER}
        self._remaining: dict[str, int] = {}
        for rule in rules:
            if rule.fault.name != TLS:
                self._queues[rule.call].append(rule)

    def clear(self) -> None:
        """Remove all rules that are left."""
        for queue in self._queues.values():
            queue.clear()
        self._remaining.clear()

    def take(self, call: str) -> Rule | None:
        """Return the rule for a call that was received, and count it."""
        queue = self._queues.get(call, deque())
        while queue and queue[0].fault.effect is None:
            queue.popleft()  # the call was received before the port could be closed
        if not queue:
            return None
        rule = queue[0]
        if rule.times is None:
            return rule
        remaining = self._remaining.pop(call, rule.times) - 1
        if remaining:
            self._remaining[call] = remaining
        else:
            queue.popleft()
        return rule

    def initially_refused(self) -> list[Rule]:
        """Return the rules that close a port from the start, and count them."""
        rules = [self._refused(call) for call in self._first_calls]
        return [rule for rule in rules if rule is not None]

    def refused_next(self, call: str, applied: Rule | None) -> Rule | None:
        """Return the rule that closes a port before this call gets its response, and count it.

        Args:
            call: The call that was received.
            applied: The rule that `take` returned for it.
        """
        if call not in self._queues:
            return None
        if call == "patch":
            self._next_reads = {}  # what is read from now on verifies the patch
        same_call = self._refused(call)
        if same_call is not None or self._queues[call]:
            return same_call
        next_call = self._next_call(call, applied)
        return self._refused(next_call) if next_call else None

    def _next_call(self, call: str, applied: Rule | None) -> str | None:
        """Return the next call on the same port; None if this one is repeated first."""
        if call == "patch":
            return "verification" if applied is not None and applied.fault.ambiguous else None
        if applied is not None and not applied.fault.response_intact:
            return None
        if call == "upload":
            self._uploads -= 1
            return "patch" if self._uploads <= 0 else None
        return self._next_reads.get(call) or _NEXT_CALL.get(call)

    def _refused(self, call: str) -> Rule | None:
        queue = self._queues[call]
        return queue.popleft() if queue and queue[0].fault.name == REFUSED else None
