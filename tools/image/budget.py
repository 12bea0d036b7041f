"""The import budget: which modules a plain successful run may import."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.image.import_profile import packages_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tools.image.import_profile import Import


@dataclass(frozen=True)
class Budget:
    """Top-level names that may be imported.

    Attributes:
        lazy: with lazy imports, all of them.
        eager: without, those that are not the standard library's or the step's own.
    """

    lazy: frozenset[str]
    eager: frozenset[str]

    def unexpected(self, imports: Iterable[Import]) -> list[str]:
        """Return the names that are imported in spite of lazy imports, sorted.

        Private modules (`_ssl`) are left out: they come with the public ones.
        """
        names = packages_of(imports)
        return [name for name in names if name not in self.lazy and not name.startswith("_")]


def read_budget(path: Path) -> Budget:
    """Read a budget: names under the headings `[lazy]` and `[eager]`; `#` starts a comment."""
    names: dict[str, set[str]] = {"[lazy]": set(), "[eager]": set()}
    heading = "[lazy]"
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.partition("#")[0].split()
        if words and words[0] in names:
            heading = words[0]
        else:
            names[heading].update(words)
    return Budget(frozenset(names["[lazy]"]), frozenset(names["[eager]"]))
