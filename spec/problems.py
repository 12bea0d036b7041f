"""What is wrong with a spec, one problem at a time."""

from __future__ import annotations

from typing import NamedTuple

from process.logs import escape_controls


class Problem(NamedTuple):
    """One thing that is wrong with a spec.

    Attributes:
        path: where, as in `request.custom_fields[0].id`.
        message: what is wrong, to be read after the path.
        hint: what is allowed or similar, a sentence; empty when there is nothing to add.
    """

    path: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """Return the problem as one line, whatever the names in its path are."""
        location = escape_controls(self.path) or "The spec"
        return f"{location} {self.message}.{' ' + self.hint if self.hint else ''}"
