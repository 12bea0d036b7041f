"""A soak test: many concurrent runs, random faults, some runs terminated.

`make soak` runs 200, `make test` fewer. All of them update requests of one sandbox's 4me, each
with a note of its own; afterwards the store must be as each exit code says. As an engine would, the
test repeats a run that ends in 75. `--ensure`: see `tests.ensured_soak`.

The requests have older notes, which may be listed in another order than the one asked for; with
`--rewrite`, the 4me changes most notes before it stores them.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from process.exit_codes import ExitCode
from sandbox import FourMeOptions, Sandbox, document_for
from tests.fork_server import ForkServers, Kill
from tests.step_process import connection

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

REQUESTS = (70384, 70470, 68673, 80339)
WORKERS = 6
MAX_RUNS = 10  # for one note: the faults run out before
ORDERS: tuple[Literal["asked", "ascending", "descending"], ...] = (
    "asked",
    "ascending",
    "descending",
)
LIMITS = {
    "FOURME_MAX_RETRY_TIME": "60",
    "FOURME_MAX_THROTTLE_TIME": "60",
    "FOURME_READ_TIMEOUT": "1",
}
FAULTS = {
    "spec": "none none none reset-before reset-after stall-after truncated 429:2 500 502 503 504",
    "patch": "none none none none late reset-before reset-after stall-before stall-after truncated "
    "truncated-gzip 429 429:2 429:3600 500 500-after 502 502-after 503 503-after 503:2 504 "
    "103 two-lengths 408 524-after 500-busy 504-after invalid-json 422 401 404 redirect html",
    "verification": "none none reset-after stall-after truncated 429 500 502 503 504 invalid-json",
    "read": "none none reset-after stall-after truncated 429 500 502 503 504 invalid-json",
    "output": "none none none reset-before reset-after stall-after 409 429:2 500 502 503 504",
    "link": "none none none 500 500 500 500 500 500 500 500",
}
NOT_APPLIED = frozenset(
    {
        ExitCode.DATA,
        ExitCode.NO_INPUT,
        ExitCode.TRY_LATER,
        ExitCode.PERMISSION,
        ExitCode.CONFIG,
        -signal.SIGTERM,  # terminated before its first line of code
    }
)
APPLIED = frozenset({ExitCode.OK, ExitCode.IO})


@dataclass(frozen=True)
class Mismatch:
    """A run whose exit code contradicts the store."""

    note: str
    code: int
    times: int
    log: str


class Soak:
    """One soak test: a 4me for all runs, and a metadata service for each.

    Args:
        runs: how many notes are to be added.
        seed: of the random numbers.
        history: how many older notes each request has.
        rewrite: whether the 4me rewrites notes.
    """

    faults: Mapping[str, str] = FAULTS
    attempts = 1  # runs for each note that have faults

    def __init__(self, runs: int, seed: int, *, history: int = 0, rewrite: bool = False) -> None:
        self._notes = [self.text(number) for number in range(runs)]
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self.codes: Counter[int] = Counter()
        self.mismatches: list[Mismatch] = []
        self.leaks = 0
        self.duplicates: list[str] = []
        self.minutes_off = 0
        self.sent_again = 0  # by runs after one that ended in 0
        self.ignored: tuple[tuple[int, str], ...] = ()
        self.fourme = Sandbox(
            document_for({}),
            fourme=FourMeOptions(
                history=history,
                notes_order=self._random.choice(ORDERS),
                rewrite_note=self.rewritten if rewrite else None,
            ),
            faults=self._rules(("patch", "verification", "read"), runs * self.attempts),
        )
        self._minutes_before = sum(map(self.fourme.store.time_spent_total, REQUESTS))

    def run(self) -> None:
        """Make all runs; the results are in the attributes afterwards."""
        with self.fourme, ForkServers(WORKERS) as self._servers:
            self._run_all()
            self.duplicates = [note for note in self._notes if self._times(note) > 1]
            stored = sum(map(self._times, self._notes))
            minutes = sum(map(self.fourme.store.time_spent_total, REQUESTS)) - self._minutes_before
            self.minutes_off = minutes - stored
            self.ignored = self.fourme.store.ignored

    @staticmethod
    def text(number: int) -> str:
        """Return the text of a note."""
        return f"Note {number} of the soak"

    @staticmethod
    def rewritten(text: str) -> str:
        """Return what a 4me that rewrites notes stores; some notes stay as they are.

        The changes are assumptions: what 4me's own processing, or a proxy's, does to a text is not
        documented.
        """
        variants = (
            text,
            f"{text}\n-- \nSent by an integration",
            text.replace("the soak", "the&nbsp;&lt;soak&gt;"),
            text[:-4],
            f"<p>{text}</p>",
            f"  {text}\r\n",
        )
        return variants[int(text.split()[1]) % len(variants)]

    def _rules(self, calls: Iterable[str], count: int) -> list[str]:
        """Return random faults for calls."""
        return [
            f"{call}={self._random.choice(self.faults[call].split())}"
            for call in calls
            for _ in range(count)
        ]

    def _kill(self) -> Kill | None:
        """Return the signal that a run gets, if any."""
        if self._random.random() >= 0.1:
            return None
        return Kill(signal.SIGTERM, self._random.uniform(0, 1.5))

    @staticmethod
    def spec(request: Mapping[str, object]) -> dict[str, object]:
        """Return the spec for a request, without its connection."""
        return {"request": request}

    @staticmethod
    def allowed_times(code: int) -> set[int]:
        """Return how often a note may be there after a run."""
        return {0} if code in NOT_APPLIED else {1} if code in APPLIED else {0, 1}

    def _run_all(self) -> None:
        with ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(self._add_note, self._notes))

    def _add_note(self, note: str) -> None:
        """Run the step for one note, again as long as its exit code says so."""
        for _ in range(MAX_RUNS):
            code = self._run_once(note)
            if code not in (ExitCode.TRY_LATER, -signal.SIGTERM):
                return

    def _run_once(self, note: str) -> int:
        with self._lock:
            request_id = REQUESTS[int(note.split()[1]) % len(REQUESTS)]
            rules = self._rules(("spec", "output", "link"), 1)
            kill = self._kill()
        spec = self.spec({"request_id": request_id, "note": note, "time_spent": 1})
        fourme = connection(self.fourme.fourme_url)
        with Sandbox(document_for({"connection": fourme, **spec}), faults=rules) as relay:
            ended = self._servers.run_step({**relay.environment(), **LIMITS}, kill=kill)
            leaked = relay.metadata_token in ended.log or "demo-token" in ended.log
        self._check(note, ended.code, ended.log, leaked=leaked)
        return ended.code

    def _times(self, note: str) -> int:
        """Return how often a note is there, rewritten or not."""
        beginning = note.partition(" of ")[0] + " of "
        return sum(
            beginning in str(stored["text"])
            for request_id in REQUESTS
            for stored in self.fourme.store.notes(request_id)
        )

    def _check(self, note: str, code: int, log: str, *, leaked: bool) -> None:
        times = self._times(note)
        with self._lock:
            self.codes[code] += 1
            self.leaks += leaked
            if times not in self.allowed_times(code):
                self.mismatches.append(Mismatch(note, code, times, log))


def main(arguments: list[str]) -> int:
    """Run the soak test and print its result; return 1 when it fails."""
    parser = argparse.ArgumentParser(description="Run the soak test.")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--history", type=int, default=250, help="older notes of each request")
    parser.add_argument("--rewrite", action="store_true", help="let the 4me rewrite notes")
    parser.add_argument("--ensure", action="store_true", help="run each until it ends in 0")
    options = parser.parse_args(arguments)
    from tests.ensured_soak import EnsuredSoak  # noqa: PLC0415  it imports this module

    kind = EnsuredSoak if options.ensure else Soak
    soak = kind(options.runs, options.seed, history=options.history, rewrite=options.rewrite)
    started = time.monotonic()
    soak.run()
    seconds = time.monotonic() - started
    print(f"{options.runs} notes, seed {options.seed}, {seconds:.0f} s; processes by exit code:")
    for code, count in sorted(soak.codes.items()):
        print(f"  {code:4} {count:5}")
    for mismatch in soak.mismatches:
        print(
            f"MISMATCH: exit {mismatch.code}, but {mismatch.note!r} is there "
            f"{mismatch.times} times\n{mismatch.log}"
        )
    wrong = len(soak.mismatches) + len(soak.duplicates) + abs(soak.minutes_off) + soak.sent_again
    print(f"{wrong} lost or duplicated, {soak.leaks} leaks.")
    return 1 if wrong or soak.leaks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
