"""Read the interpreter's import profile (`-X importtime`): imported modules and their times."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|\s+(\S+)\s*")


@dataclass(frozen=True)
class Import:
    """One module that was imported, or looked for in vain.

    Attributes:
        name: its dotted name.
        self_time: microseconds in the module itself.
        cumulative: microseconds in it and in the modules that it imported first.
    """

    name: str
    self_time: int
    cumulative: int

    @property
    def package(self) -> str:
        """The first part of the name."""
        return self.name.partition(".")[0]


def read_profile(stderr: str) -> list[Import]:
    """Return the imports in what a process printed to standard error, in their order."""
    found = (_LINE.fullmatch(line) for line in stderr.splitlines())
    return [Import(match[3], int(match[1]), int(match[2])) for match in found if match]


def packages_of(imports: Iterable[Import]) -> list[str]:
    """Return the top-level names of what was imported, sorted."""
    return sorted({each.package for each in imports})


def table(imports: Sequence[Import], rows: int) -> str:
    """Return the slowest packages as a table: milliseconds, number of modules, name."""
    times: Counter[str] = Counter()
    for each in imports:
        times[each.package] += each.self_time
    modules = Counter(each.package for each in imports)
    lines = [
        f"{time / 1000:8.1f} {modules[name]:8}  {name}" for name, time in times.most_common(rows)
    ]
    total = f"{times.total() / 1000:8.1f} {len(imports):8}  all {len(times)} packages"
    return "\n".join(["      ms  modules  package", *lines, total])
