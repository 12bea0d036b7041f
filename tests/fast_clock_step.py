"""The step with a clock that skips waits, for tests with many retries.

Everything else is real: the process, the sockets, the servers, the signals.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from process.clock import Clock
from process.startup import run_process
from step import main

WAITED_SHARE = 0.01


class FastClock(Clock):
    """Waits a hundredth of the time, and counts the rest as passed."""

    def __init__(self) -> None:
        super().__init__()
        self._skipped = 0.0

    def monotonic(self) -> float:
        """Return the time, skipped waits included."""
        return super().monotonic() + self._skipped

    def random(self) -> float:
        """Return a constant."""
        return 0.5

    def sleep(self, seconds: float) -> None:
        """Sleep a little, and skip the rest."""
        self._skipped += seconds * (1 - WAITED_SHARE)
        super().sleep(seconds * WAITED_SHARE)

    def wait(self, seconds: float) -> bool:
        """Wait a little, and skip the rest."""
        self._skipped += seconds * (1 - WAITED_SHARE)
        return super().wait(seconds * WAITED_SHARE)


if __name__ == "__main__":
    run_process(main, FastClock())
