"""The fault matrix: what the step does when a call fails. `make faults` runs it and prints it.

tests/data/fault_matrix.txt has a line for each case: what is updated, which calls get which faults
(`python -m sandbox --fault help`), and the expected result. Every case runs the real step as a
process against real sockets; only the imports and the waits between attempts are skipped.

The result of a case must not depend on the request's history, nor on the order in which its notes
are listed. So each case runs on one of `HISTORIES`, in turn; with `--all`, on all of them.
"""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import cycle
from typing import TYPE_CHECKING, Literal, NamedTuple

from process.settings import NOTES_PER_PAGE
from sandbox import FourMeOptions
from tests.fork_server import ForkServers
from tests.step_process import REQUEST_ID, ROOT, sandbox_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MATRIX = ROOT / "tests" / "data" / "fault_matrix.txt"
WORKERS = 6  # many of them wait
MANY = -1  # two or more, in cases that fail each time
NOTE = "The deployment has failed; the log is attached."
UPDATES: Mapping[str, Mapping[str, object]] = {
    "note": {"note": NOTE, "time_spent": 5, "status": "accepted"},
    "files": {"note": NOTE, "note_attachments": [{"name": "build.log", "content": "x"}]},
    "fields": {"status": "accepted", "impact": "low"},
    "time": {"time_spent": 5},
}
LIMITS = {
    "FOURME_MAX_RETRY_TIME": "40",
    "FOURME_MAX_THROTTLE_TIME": "60",
    "FOURME_CONNECT_TIMEOUT": "2",
    "FOURME_READ_TIMEOUT": "1",
}


class History(NamedTuple):
    """The notes that a request has before, and the order in which they are listed.

    Attributes:
        notes: how many there are.
        order: `asked` is what 4me does; the others ignore the order that is asked for.
    """

    notes: int
    order: Literal["asked", "ascending", "descending"]


HISTORIES = (
    History(0, "asked"),
    History(250, "ascending"),
    History(1, "descending"),
    History(30, "ascending"),
    History(250, "asked"),
    History(0, "descending"),
    History(30, "descending"),
    History(1, "ascending"),
    History(250, "descending"),
    History(0, "ascending"),
)


@dataclass(frozen=True)
class Result:
    """The result of a case.

    Attributes:
        code: the exit code.
        patches: how many PATCHes 4me was sent; `MANY` where it takes time to count.
        applied: how often the update is in the store: notes, or entries of time.
        output: whether the output was published.
        link: whether the link was set.
    """

    code: int
    patches: int
    applied: int
    output: bool
    link: bool

    @classmethod
    def parse(cls, words: Sequence[str]) -> Result:
        """Read the last columns of a line."""
        code, patches, applied, output, link = words
        count = MANY if patches == "2+" else int(patches)
        return cls(int(code), count, int(applied), output == "yes", link == "yes")

    def matches(self, expected: Result) -> bool:
        """Whether this is what was expected."""
        many = expected.patches == MANY and self.patches > 1
        return replace(self, patches=MANY) == expected if many else self == expected

    def __str__(self) -> str:
        """Return the columns of a line."""
        count = "2+" if self.patches == MANY else str(self.patches)
        flags = ["yes" if flag else "no" for flag in (self.output, self.link)]
        return f"{self.code:4} {count:>7} {self.applied:7} {flags[0]:>6} {flags[1]:>4}"


@dataclass(frozen=True)
class Case:
    """One line of the matrix."""

    update: str
    faults: tuple[str, ...]
    expected: Result

    @property
    def name(self) -> str:
        """What the case is called in tests and tables."""
        return f"{self.update} {','.join(self.faults)}"


@dataclass(frozen=True)
class Outcome:
    """A case that was run: its result, and all text that could contain a secret."""

    case: Case
    history: History
    result: Result
    printed: str
    published: str
    secrets: tuple[str, ...]

    @property
    def leaks(self) -> bool:
        """Whether a secret is in anything that left the step."""
        return any(secret in self.printed + self.published for secret in self.secrets)

    @property
    def passed(self) -> bool:
        """Whether the result is the expected one, without leaks."""
        return self.result.matches(self.case.expected) and not self.leaks


def load() -> list[Case]:
    """Read the matrix."""
    lines = [line.split() for line in MATRIX.read_text(encoding="utf-8").splitlines()]
    return [
        Case(words[0], tuple(words[1].split(",")), Result.parse(words[2:]))
        for words in lines
        if words and not words[0].startswith("#")
    ]


def run(case: Case, history: History, servers: ForkServers) -> Outcome:
    """Run one case on a request with a history."""
    request = {"request_id": REQUEST_ID, **UPDATES[case.update]}
    options = FourMeOptions(history=history.notes, notes_order=history.order)
    with sandbox_for(request, faults=case.faults, options=options) as sandbox:
        ended = servers.run_step({**sandbox.environment(), **LIMITS})
        notes = [note for note in sandbox.store.notes(REQUEST_ID) if note["text"] == NOTE]
        minutes = sandbox.store.time_spent_total(REQUEST_ID)
        patches = sum(call.name == "patch" for call in sandbox.calls)
        stored = sandbox.store.request(REQUEST_ID) or {}
        applied = {
            "note": len(notes),
            "files": sum(1 for note in notes if note["attachments"]),
            "time": minutes // 5,
            "fields": int(stored["status"] == "accepted"),
        }[case.update]
        if case.update == "note" and minutes != 5 * len(notes):
            applied = -1  # a partial update is always an error
        if sandbox.store.ignored:
            applied = -1  # so is a field that 4me ignores
        return Outcome(
            case,
            history,
            Result(
                ended.code,
                patches,
                applied,
                "request" in sandbox.outputs,
                "request" in sandbox.decorators,
            ),
            ended.out + ended.log,
            json.dumps([sandbox.outputs, sandbox.decorators]),
            (sandbox.metadata_token, "demo-token"),
        )


def fits(case: Case, history: History) -> bool:
    """Whether a case makes sense on a history.

    The port is closed for `read` as soon as the notes were asked for: they must be on one page.
    """
    return "read=refused" not in case.faults or history.notes < NOTES_PER_PAGE


def run_all(cases: Sequence[Case], *, each_history: bool = False) -> list[Outcome]:
    """Run cases side by side: each on one of `HISTORIES`, or on all of them."""
    if each_history:
        pairs = [(case, history) for case in cases for history in HISTORIES if fits(case, history)]
    else:
        histories = cycle(HISTORIES)
        pairs = [(case, next(each for each in histories if fits(case, each))) for case in cases]
    with ForkServers(WORKERS) as servers, ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(lambda pair: run(*pair, servers), pairs))


def main(arguments: Sequence[str]) -> int:
    """Run the matrix and print it; return 1 when a case fails."""
    outcomes = run_all(load(), each_history="--all" in arguments)
    width = max(len(outcome.case.name) for outcome in outcomes)
    print(f"{'update and faults':{width}} exit patches applied output link  older notes")
    for outcome in outcomes:
        mismatch = "" if outcome.passed else f"  EXPECTED {outcome.case.expected}"
        leak = "  LEAKS A SECRET" if outcome.leaks else ""
        notes = f"{outcome.history.notes} {outcome.history.order}"
        print(f"{outcome.case.name:{width}} {outcome.result}  {notes}{mismatch}{leak}")
    passed = sum(outcome.passed for outcome in outcomes)
    print(f"{passed} of {len(outcomes)} cases pass.")
    return 0 if passed == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
