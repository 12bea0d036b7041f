"""The soak: many runs at once, random faults, some of them killed; then every claim is checked.

`make soak` runs 200, `make test` fewer. All of them update requests of one sandbox's 4me, each
with a note of its own; what an exit code says of the update must be true of the store. Like an
engine would, a run that ends in 75 is repeated.

The requests have older notes, which are listed in an order that takes no notice of what is asked,
and with `--rewrite` the 4me stores every other note otherwise than it was sent.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from process.exit_codes import ExitCode
from sandbox import FourMeOptions, Sandbox, document_for
from tests.step_process import FAST_CLOCK_STEP, connection, environment

REQUESTS = (70384, 70470, 68673, 80339)
WORKERS = 6
MOST_RUNS = 10  # of one note: faults run out before
LONGEST = 60.0  # seconds for one process; far more than the limits below allow
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
        -signal.SIGTERM,  # killed before its first line of code
    }
)
APPLIED = frozenset({ExitCode.OK, ExitCode.IO})


@dataclass(frozen=True)
class Lie:
    """A run after which the store is not as its exit code says."""

    note: str
    code: int
    times: int
    log: str


def rewritten(text: str) -> str:
    """Return what a 4me that rewrites notes stores: some as they are, each other in its own way.

    What rewrites them is a guess, that the step has to live with: nobody says what 4me's own
    processing, or a proxy's, does to a text.
    """
    ways = (
        text,
        f"{text}\n-- \nSent by an integration",
        text.replace("the soak", "the&nbsp;&lt;soak&gt;"),
        text[:-4],
        f"<p>{text}</p>",
        f"  {text}\r\n",
    )
    return ways[int(text.split()[1]) % len(ways)]


class Soak:
    """One soak: a 4me for all, and a metadata service for each run.

    Args:
        runs: how many notes are to be added.
        seed: of all chance.
        history: how many older notes each request has.
        rewrite: whether the 4me rewrites notes.
    """

    def __init__(self, runs: int, seed: int, *, history: int = 0, rewrite: bool = False) -> None:
        self._runs = runs
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self.codes: Counter[int] = Counter()
        self.lies: list[Lie] = []
        self.leaks = 0
        self.doubled: list[str] = []
        self.minutes_off = 0
        self.ignored: tuple[tuple[int, str], ...] = ()
        self.fourme = Sandbox(
            document_for({}),
            fourme=FourMeOptions(
                history=history,
                notes_order=self._chance.choice(ORDERS),
                rewrite_note=rewritten if rewrite else None,
            ),
            faults=[
                f"{call}={self._chance.choice(FAULTS[call].split())}"
                for call, count in (("patch", runs), ("verification", runs), ("read", runs))
                for _ in range(count)
            ],
        )
        self._minutes_before = sum(map(self.fourme.store.time_spent_total, REQUESTS))

    def run(self) -> None:
        """Make all runs; the results are in the attributes afterwards."""
        notes = [f"Note {number} of the soak" for number in range(self._runs)]
        with self.fourme, ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(self._bring, notes))
            self.doubled = [note for note in notes if self._times(note) > 1]
            stored = sum(map(self._times, notes))
            minutes = sum(map(self.fourme.store.time_spent_total, REQUESTS)) - self._minutes_before
            self.minutes_off = minutes - stored
            self.ignored = self.fourme.store.ignored

    def _bring(self, note: str) -> None:
        """Run the step for one note, again as long as it asks for that."""
        for _ in range(MOST_RUNS):
            code = self._run_once(note)
            if code not in (ExitCode.TRY_LATER, -signal.SIGTERM):
                return

    def _run_once(self, note: str) -> int:
        with self._lock:
            request_id = self._chance.choice(REQUESTS)
            rules = [
                f"{call}={self._chance.choice(FAULTS[call].split())}"
                for call in ("spec", "output", "link")
            ]
            kill_after = self._chance.uniform(0, 1.5) if self._chance.random() < 0.1 else None
        request = {"request_id": request_id, "note": note, "time_spent": 1}
        spec = {"connection": connection(self.fourme.fourme_url), "request": request}
        with Sandbox(document_for(spec), faults=rules) as relay:
            code, log = run_and_perhaps_kill(relay.environment(), kill_after)
            leaked = relay.metadata_token in log or "demo-token" in log
        self._check(note, code, log, leaked=leaked)
        return code

    def _times(self, note: str) -> int:
        """Return how often a note is there, whatever has become of it."""
        beginning = note.partition(" of ")[0] + " of "
        return sum(
            beginning in str(stored["text"])
            for request_id in REQUESTS
            for stored in self.fourme.store.notes(request_id)
        )

    def _check(self, note: str, code: int, log: str, *, leaked: bool) -> None:
        times = self._times(note)
        allowed = {0} if code in NOT_APPLIED else {1} if code in APPLIED else {0, 1}
        with self._lock:
            self.codes[code] += 1
            self.leaks += leaked
            if times not in allowed:
                self.lies.append(Lie(note, code, times, log))


def run_and_perhaps_kill(extra: dict[str, str], kill_after: float | None) -> tuple[int, str]:
    """Run the step; send it SIGTERM after some seconds; return its exit code and its log."""
    process = subprocess.Popen(
        [sys.executable, str(FAST_CLOCK_STEP)],
        env=environment({**extra, **LIMITS}, measured=False),
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if kill_after is not None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(kill_after)
        process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=LONGEST)
    return process.returncode, log


def main(arguments: list[str]) -> int:
    """Run the soak and print what came of it; return 1 when anything was not as it must be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--history", type=int, default=250, help="older notes of each request")
    parser.add_argument("--rewrite", action="store_true", help="let the 4me rewrite notes")
    options = parser.parse_args(arguments)
    soak = Soak(options.runs, options.seed, history=options.history, rewrite=options.rewrite)
    started = time.monotonic()
    soak.run()
    seconds = time.monotonic() - started
    print(f"{options.runs} notes, seed {options.seed}, {seconds:.0f} s; processes by exit code:")
    for code, count in sorted(soak.codes.items()):
        print(f"  {code:4} {count:5}")
    for lie in soak.lies:
        print(f"NOT TRUE: exit {lie.code}, but {lie.note!r} is there {lie.times} times\n{lie.log}")
    wrong = len(soak.lies) + len(soak.doubled) + abs(soak.minutes_off)
    print(f"{wrong} lost or doubled, {soak.leaks} leaks.")
    return 1 if wrong or soak.leaks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
