"""The fault matrix: what the step does when a call fails. `make faults` runs it and prints it.

tests/data/fault_matrix.txt has a line for each case (`tests.fault_cases`): what is run, which calls
get which faults (`python -m sandbox --fault help`), and the expected result. Every case runs the
real step as a process against real sockets; only the imports and the waits between attempts are
skipped.

Afterwards nothing fails any more, and an update that adds a note is run again, in mode `ensure`,
until it ends in 0, unless it is a plain one that has succeeded: then the note is there once,
whatever has happened, and so is all that belongs to it. One more run sends nothing.

The result of a case must not depend on the request's history, nor on the order in which its notes
are listed. So each case runs on one of `HISTORIES`, in turn; with `--all`, on all of them.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from process.settings import NOTES_PER_PAGE
from sandbox import FourMeOptions
from tests.fault_cases import NOTE, SPECS, Case, Result, load
from tests.fork_server import ForkServers
from tests.step_process import ACCESS_TOKEN, ACCOUNT, REQUEST_ID, sandbox_for

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox import Sandbox

WORKERS = 10  # many of them wait
#: What compares before it sends; it needs no clock, so 4me's is an hour behind.
READS_FIRST = ("ensure", "ensure-files", "linked", "preview", "only-if")
CLOCK_SKEW = -3600.0  # seconds
MAX_RUNS = 3  # until a run without faults ends in 0
LIMITS = {
    "FOURME_MAX_RETRY_TIME": "40",
    "FOURME_MAX_THROTTLE_TIME": "60",
    "FOURME_CONNECT_TIMEOUT": "2",
    "FOURME_READ_TIMEOUT": "2",
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
class Outcome:
    """A case that was run: its result, and all text that could contain a secret.

    Attributes:
        case: the case.
        history: the request's older notes.
        result: what happened.
        uploads: how many files were uploaded.
        rerun: what is wrong after the runs in mode `ensure` that follow; empty if nothing is.
        printed: standard output and the log.
        published: the outputs and the link.
        secrets: the tokens.
    """

    case: Case
    history: History
    result: Result
    uploads: int
    rerun: str
    printed: str
    published: str
    secrets: tuple[str, ...]

    @property
    def leaks(self) -> bool:
        """Whether a secret is in anything that left the step."""
        return any(secret in self.printed + self.published for secret in self.secrets)

    @property
    def passed(self) -> bool:
        """Whether the result is the expected one, without leaks, and so are those of re-runs."""
        return self.result.matches(self.case.expected) and not self.leaks and not self.rerun


def run(case: Case, history: History, servers: ForkServers) -> Outcome:
    """Run one case on a request with a history."""
    options = FourMeOptions(history=history.notes, notes_order=history.order)
    spec = SPECS[case.kind]
    skew = CLOCK_SKEW if case.kind in READS_FIRST else 0.0
    with sandbox_for(
        None, faults=case.faults, clock_skew=skew, options=options, inputs=spec
    ) as sandbox:
        ended = servers.run_step({**sandbox.environment(), **LIMITS})
        result = Result(
            ended.code,
            _patches(sandbox),
            _applied(case, sandbox),
            "request" in sandbox.outputs,
            "request" in sandbox.decorators,
        )
        uploads = len(sandbox.store.uploads)
        printed = ended.out + ended.log
        published = json.dumps([sandbox.outputs, sandbox.decorators])
        # After an update that has succeeded nobody runs it again.
        is_rerun = case.adds_note and (ended.code != 0 or case.kind in READS_FIRST)
        rerun = _run_again(case, ended.code, sandbox, servers) if is_rerun else ""
        secrets = (sandbox.metadata_token, ACCESS_TOKEN)
        return Outcome(case, history, result, uploads, rerun, printed, published, secrets)


def _patches(sandbox: Sandbox) -> int:
    return sum(call.name == "patch" for call in sandbox.calls)


def _applied(case: Case, sandbox: Sandbox) -> int:
    """Return how often the update is in the store; -1 if it is there in part, always an error."""
    notes = [note for note in sandbox.store.notes(REQUEST_ID) if note["text"] == NOTE]
    minutes = sandbox.store.time_spent_total(REQUEST_ID)
    stored: Mapping[str, Any] = sandbox.store.request(REQUEST_ID) or {}
    request = SPECS[case.kind]["request"]
    is_partial = "time_spent" in request and minutes != 5 * len(notes)
    if (case.adds_note and is_partial) or sandbox.store.ignored:
        return -1
    if "note_attachments" in request:
        return sum(1 for note in notes if note["attachments"])
    if "note" in request:
        return len(notes)
    return {
        "time": minutes // 5,
        "fields": int(stored["status"] == "accepted"),
        "linked": int(stored["ci"]["id"] == 1764),
    }[case.kind]


def _run_again(case: Case, code: int, sandbox: Sandbox, servers: ForkServers) -> str:
    """Run a case that has ended in `code` until it ends in 0, and once more; say what is wrong."""
    if any(fault.endswith("=tls") for fault in case.faults):
        return ""  # the whole service stays as it is
    sandbox.end_faults()
    while sandbox.calls_in_progress():
        time.sleep(0.01)
    environ = {**_variables(case, sandbox.fourme_url), **LIMITS}
    for _ in range(MAX_RUNS if code else 0):
        code = code and servers.run_step(environ).code
    patches = _patches(sandbox)
    if code or servers.run_step(environ).code:
        return "a run without faults fails"
    if _applied(case, sandbox) != 1:
        return f"applied {_applied(case, sandbox)} times after runs without faults"
    return "a run with nothing to do has sent something" if _patches(sandbox) > patches else ""


def _variables(case: Case, address: str) -> dict[str, str]:
    """Return the variables of a run in mode `ensure`, without a condition and without Relay."""
    inputs = {name: json.dumps(value) for name, value in SPECS[case.kind].items()}
    inputs.pop("only_if", None)
    return {
        "FOURME_HOST": address,
        "FOURME_ACCOUNT": ACCOUNT,
        "FOURME_ACCESS_TOKEN": ACCESS_TOKEN,
        **{f"FOURME_{name.upper()}": value for name, value in inputs.items()},
        "FOURME_MODE": "ensure",
    }


def fits(case: Case, history: History) -> bool:
    """Whether a case makes sense on a history.

    Ports are closed as soon as the notes were asked for: they must be on one page then. So they
    must where a fault is for the notes after the PATCH, and not where it is for a later page.
    """
    is_one_page = history.notes + 1 < NOTES_PER_PAGE  # the sample has one, too
    skips_page = case.faults[0] == "verification=none"
    is_refused = any("=refused" in fault for fault in case.faults)
    needs_one_page = "read=refused" in case.faults or (
        case.kind in READS_FIRST and (is_refused or "verification=none" in case.faults)
    )
    return not is_one_page if skips_page else is_one_page or not needs_one_page


def run_all(cases: Sequence[Case], *, each_history: bool = False) -> list[Outcome]:
    """Run cases side by side: each on one of `HISTORIES`, or on all of them."""
    if each_history:
        pairs = [(case, history) for case in cases for history in HISTORIES if fits(case, history)]
    else:
        histories = cycle(HISTORIES)
        pairs = [(case, next(each for each in histories if fits(case, each))) for case in cases]
    with ForkServers(WORKERS) as servers, ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(lambda pair: run(pair[0], pair[1], servers), pairs))


def main(arguments: Sequence[str]) -> int:
    """Run the matrix and print it; return 1 when a case fails."""
    outcomes = run_all(load(), each_history="--all" in arguments)
    width = max(len(outcome.case.name) for outcome in outcomes)
    print(f"{'spec and faults':{width}} exit patches applied output link  older notes")
    for outcome in outcomes:
        is_expected = outcome.result.matches(outcome.case.expected)
        mismatch = "" if is_expected else f"  EXPECTED {outcome.case.expected}"
        leak = "  LEAKS A SECRET" if outcome.leaks else ""
        notes = f"{outcome.history.notes} {outcome.history.order}"
        rerun = f"  RUN AGAIN: {outcome.rerun}" if outcome.rerun else ""
        print(f"{outcome.case.name:{width}} {outcome.result}  {notes}{mismatch}{leak}{rerun}")
    passed = sum(outcome.passed for outcome in outcomes)
    print(f"{passed} of {len(outcomes)} cases pass.")
    return 0 if passed == len(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
