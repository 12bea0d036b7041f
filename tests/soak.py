"""A soak test: many concurrent runs, random faults, some runs terminated.

`make soak` runs 200, `make test` fewer. All of them update requests of one sandbox's 4me, each
with a note of its own; afterwards the store must be as each exit code says. As an engine would, the
test repeats a run that ends in 75.

The requests have older notes, which may be listed in another order than the one asked for; with
`--rewrite`, the 4me changes most notes before it stores them.
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
MAX_RUNS = 10  # for one note: the faults run out before
PROCESS_TIMEOUT = 60.0  # seconds; far more than the limits below allow
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


class Soak:
    """One soak test: a 4me for all runs, and a metadata service for each.

    Args:
        runs: how many notes are to be added.
        seed: of the random numbers.
        history: how many older notes each request has.
        rewrite: whether the 4me rewrites notes.
    """

    def __init__(self, runs: int, seed: int, *, history: int = 0, rewrite: bool = False) -> None:
        self._runs = runs
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self.codes: Counter[int] = Counter()
        self.mismatches: list[Mismatch] = []
        self.leaks = 0
        self.duplicates: list[str] = []
        self.minutes_off = 0
        self.ignored: tuple[tuple[int, str], ...] = ()
        self.fourme = Sandbox(
            document_for({}),
            fourme=FourMeOptions(
                history=history,
                notes_order=self._random.choice(ORDERS),
                rewrite_note=rewritten if rewrite else None,
            ),
            faults=[
                f"{call}={self._random.choice(FAULTS[call].split())}"
                for call, count in (("patch", runs), ("verification", runs), ("read", runs))
                for _ in range(count)
            ],
        )
        self._minutes_before = sum(map(self.fourme.store.time_spent_total, REQUESTS))

    def run(self) -> None:
        """Make all runs; the results are in the attributes afterwards."""
        notes = [f"Note {number} of the soak" for number in range(self._runs)]
        with self.fourme, ThreadPoolExecutor(WORKERS) as pool:
            list(pool.map(self._add_note, notes))
            self.duplicates = [note for note in notes if self._times(note) > 1]
            stored = sum(map(self._times, notes))
            minutes = sum(map(self.fourme.store.time_spent_total, REQUESTS)) - self._minutes_before
            self.minutes_off = minutes - stored
            self.ignored = self.fourme.store.ignored

    def _add_note(self, note: str) -> None:
        """Run the step for one note, again as long as its exit code says so."""
        for _ in range(MAX_RUNS):
            code = self._run_once(note)
            if code not in (ExitCode.TRY_LATER, -signal.SIGTERM):
                return

    def _run_once(self, note: str) -> int:
        with self._lock:
            request_id = self._random.choice(REQUESTS)
            rules = [
                f"{call}={self._random.choice(FAULTS[call].split())}"
                for call in ("spec", "output", "link")
            ]
            terminate_after = self._random.uniform(0, 1.5) if self._random.random() < 0.1 else None
        request = {"request_id": request_id, "note": note, "time_spent": 1}
        spec = {"connection": connection(self.fourme.fourme_url), "request": request}
        with Sandbox(document_for(spec), faults=rules) as relay:
            code, log = run_step(relay.environment(), terminate_after)
            leaked = relay.metadata_token in log or "demo-token" in log
        self._check(note, code, log, leaked=leaked)
        return code

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
        allowed = {0} if code in NOT_APPLIED else {1} if code in APPLIED else {0, 1}
        with self._lock:
            self.codes[code] += 1
            self.leaks += leaked
            if times not in allowed:
                self.mismatches.append(Mismatch(note, code, times, log))


def run_step(extra: dict[str, str], terminate_after: float | None) -> tuple[int, str]:
    """Run the step; send it SIGTERM after some seconds; return its exit code and its log."""
    process = subprocess.Popen(
        [sys.executable, str(FAST_CLOCK_STEP)],
        env=environment({**extra, **LIMITS}, measured=False),
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    if terminate_after is not None:
        with suppress(subprocess.TimeoutExpired):
            process.wait(terminate_after)
        process.send_signal(signal.SIGTERM)
    _, log = process.communicate(timeout=PROCESS_TIMEOUT)
    return process.returncode, log


def main(arguments: list[str]) -> int:
    """Run the soak test and print its result; return 1 when it fails."""
    parser = argparse.ArgumentParser(description="Run the soak test.")
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
    for mismatch in soak.mismatches:
        print(
            f"MISMATCH: exit {mismatch.code}, but {mismatch.note!r} is there "
            f"{mismatch.times} times\n{mismatch.log}"
        )
    wrong = len(soak.mismatches) + len(soak.duplicates) + abs(soak.minutes_off)
    print(f"{wrong} lost or duplicated, {soak.leaks} leaks.")
    return 1 if wrong or soak.leaks else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
