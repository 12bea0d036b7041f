"""Read the interpreter's import profile (`-X importtime`): what was imported, and at what cost."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \|\s+(\S+)\s*")


@dataclass(frozen=True)
class Import:
    """One module that was imported, or tried for.

    Attributes:
        name: its dotted name.
        own: microseconds in it alone.
        total: microseconds in it and in what it imported first.
    """

    name: str
    own: int
    total: int

    @property
    def package(self) -> str:
        """The first part of the name; what is private belongs to nobody else (`_ssl` to `ssl`)."""
        return self.name.partition(".")[0]


def read_profile(log: str) -> list[Import]:
    """Return the imports in what a process printed on standard error, in their order."""
    found = (_LINE.fullmatch(line) for line in log.splitlines())
    return [Import(match[3], int(match[1]), int(match[2])) for match in found if match]


def packages_of(imports: Iterable[Import]) -> list[str]:
    """Return the top-level names of what was imported, sorted."""
    return sorted({each.package for each in imports})


def table(imports: Sequence[Import], rows: int) -> str:
    """Return the dearest packages as a table: milliseconds of their own, modules, name."""
    spent: dict[str, int] = {}
    count: dict[str, int] = {}
    for each in imports:
        spent[each.package] = spent.get(each.package, 0) + each.own
        count[each.package] = count.get(each.package, 0) + 1
    dearest = sorted(spent, key=lambda package: spent[package], reverse=True)[:rows]
    lines = [f"{spent[name] / 1000:8.1f} {count[name]:8}  {name}" for name in dearest]
    whole = f"{sum(spent.values()) / 1000:8.1f} {len(imports):8}  all {len(spent)} packages"
    return "\n".join(["      ms  modules  package", *lines, whole])
