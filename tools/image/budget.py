"""The import budget: what a plain successful run may import, and who has crept in beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.image.imports import packages_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tools.image.imports import Import


@dataclass(frozen=True)
class Budget:
    """Top-level names that may be imported.

    Attributes:
        lazy: with lazy imports, all of them.
        eager: without, those that are not the standard library's or the step's own.
    """

    lazy: frozenset[str]
    eager: frozenset[str]

    def newcomers(self, imports: Iterable[Import]) -> list[str]:
        """Return the names that lazy imports should not have brought in, sorted."""
        return [name for name in packages_of(imports) if not _is_private(name, self.lazy)]


def _is_private(name: str, allowed: frozenset[str]) -> bool:
    """Return whether a name is allowed, or private, and so a matter of who imports it."""
    return name in allowed or name.startswith("_")


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
