"""The cases of the fault matrix: what is run, which calls get which faults, and the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.step_process import REQUEST_ID, ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MATRIX = ROOT / "tests" / "data" / "fault_matrix.txt"
MANY = -1  # two or more, in cases that fail each time
NOTE = "The deployment has failed; the log is attached."
_NOTE = {"note": NOTE, "time_spent": 5, "status": "accepted"}
_FILES = {"note": NOTE, "note_attachments": [{"name": "build.log", "content": "x"}]}
_ONE = {"request_id": REQUEST_ID}
_PAIR = {"source": "Deployment pipeline", "sourceID": "sales-tracking-1187"}
#: What is run: the specs without their connections.
SPECS: Mapping[str, Mapping[str, Mapping[str, object] | str]] = {
    "note": {"request": {**_ONE, **_NOTE}},
    "files": {"request": {**_ONE, **_FILES}},
    "fields": {"request": {**_ONE, "status": "accepted", "impact": "low"}},
    "time": {"request": {**_ONE, "time_spent": 5}},
    "ensure": {"mode": "ensure", "request": {**_ONE, **_NOTE}},
    "ensure-files": {"mode": "ensure", "request": {**_ONE, **_FILES}},
    "linked": {"mode": "ensure", "request": {**_ONE, "ci": 1764}},
    "preview": {"mode": "preview", "request": {**_ONE, **_FILES, "ci": 1764}},
    "only-if": {"only_if": {"status": ["assigned"]}, "request": {**_ONE, **_NOTE}},
    "find": {"find": _PAIR, "request": _NOTE},
}


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
    """One line of the matrix; `kind` is one of `SPECS`."""

    kind: str
    faults: tuple[str, ...]
    expected: Result

    @property
    def name(self) -> str:
        """What the case is called in tests and tables."""
        return f"{self.kind} {','.join(self.faults)}"

    @property
    def adds_note(self) -> bool:
        """Whether the spec has a note, and is not a preview."""
        return "note" in SPECS[self.kind]["request"] and self.kind != "preview"


def load() -> list[Case]:
    """Read the matrix."""
    lines = [line.split() for line in MATRIX.read_text(encoding="utf-8").splitlines()]
    return [
        Case(words[0], tuple(words[1].split(",")), Result.parse(words[2:]))
        for words in lines
        if words and not words[0].startswith("#")
    ]
