"""A soak test of the mode `ensure`: each run is killed, fails or succeeds, until it ends in 0.

`make soak` runs 200, `make test` fewer. Afterwards each note is there once, and its time; one more
run of each sends nothing.

A call that a run has sent before its end is still processed, and may be later than the next run
reads the notes: then the note would be added twice, as by two runs at the same moment. Engines wait
before they repeat a step; this test waits until the sandbox has nothing left to do for the note. It
need not wait for calls that only read.

With `--rewrite`, the 4me changes texts only as `ensure` allows: elsewhere it is strict.
"""

from __future__ import annotations

import signal
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from process.exit_codes import ExitCode
from tests.fork_server import Kill
from tests.soak import FAULTS, WORKERS, Soak

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MAX_RUNS = 30  # for one note
MAX_WAIT = 30.0  # seconds; a call that is stalled ends when its client does
_READS = "none none none none reset-after stall-after truncated 429 500 502 503 invalid-json 403"


class EnsuredSoak(Soak):
    """One soak test of the mode `ensure`."""

    faults: Mapping[str, str] = {
        **FAULTS,
        "patch": f"{FAULTS['patch']} late slow:0.2 slow:0.4 slow:0.6",
        "verification": _READS,
        "read": _READS,
    }
    attempts = 3

    is_faultless = False

    @staticmethod
    def text(number: int) -> str:
        """Return a text of several lines, with an accent and an image."""
        return f"Note {number} of the soak\nCafe\u0301 ![its log](storage/log-{number}.png)"

    @staticmethod
    def rewritten(text: str) -> str:
        """Return a text with one of the changes that `ensure` allows, or all of them."""
        composed = unicodedata.normalize("NFC", text)
        moved = text.replace("storage/", "https://storage.example/wdc/")
        variants = (
            text,
            text.replace("\n", "\r\n"),
            f"  {text}\n",
            composed,
            moved,
            f"\n{composed.replace('storage/', 'https://storage.example/')}  ".replace("\n", "\r\n"),
        )
        return variants[int(text.split()[1]) % len(variants)]

    @staticmethod
    def spec(request: Mapping[str, object]) -> dict[str, object]:
        """Return the spec for a request, without its connection."""
        return {"mode": "ensure", "request": request}

    @staticmethod
    def allowed_times(code: int) -> set[int]:
        """Return how often a note may be there after a run: also since the one before."""
        return {1} if code == ExitCode.OK else {0, 1}

    def _rules(self, calls: Iterable[str], count: int) -> list[str]:
        return [] if self.is_faultless else super()._rules(calls, count)

    def _kill(self) -> Kill | None:
        """Return the signal for a third of the runs, SIGKILL more often than SIGTERM."""
        if self.is_faultless or self._random.random() >= 1 / 3:
            return None
        number = self._random.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM))
        return Kill(number, self._random.uniform(0, 0.6))

    def _run_all(self) -> None:
        """Run each until it ends in 0, and then once more, without faults."""
        super()._run_all()
        self.is_faultless = True
        self.fourme.end_faults()
        patches = self._count_patches()
        with ThreadPoolExecutor(WORKERS) as pool:
            codes = [*pool.map(self._run_once, self._notes)]
        self.sent_again = self._count_patches() - patches + sum(code != 0 for code in codes)

    def _count_patches(self) -> int:
        return sum(call.name == "patch" for call in self.fourme.calls)

    def _add_note(self, note: str) -> None:
        """Run the step for one note until it ends in 0.

        Raises:
            TimeoutError: it never does.
        """
        for _ in range(MAX_RUNS):
            code = self._run_once(note)
            self._wait_for_calls(note)
            if code == ExitCode.OK:
                return
        raise TimeoutError(f"{note!r} has not ended in 0 in {MAX_RUNS} runs")

    def _wait_for_calls(self, note: str) -> None:
        """Wait until nothing is left to do for the PATCHes of a note; see above.

        Raises:
            TimeoutError: it takes too long.
        """
        ends = time.monotonic() + MAX_WAIT
        beginning = f'"{note.partition(" of ")[0]} of '.encode()
        while any(beginning in call.body for call in self.fourme.calls_in_progress()):
            if time.monotonic() > ends:
                raise TimeoutError(f"a PATCH of {note!r} is still in progress")
            time.sleep(0.01)
