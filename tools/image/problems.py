"""What can be missing on a machine, and what to do then."""

from __future__ import annotations


class ImageError(Exception):
    """An image cannot be built, run or measured here.

    Attributes:
        what: what is wrong.
        todo: what to do about it.
    """

    def __init__(self, what: str, todo: str) -> None:
        super().__init__(f"{what}\nWhat to do: {todo}")
        self.what = what
        self.todo = todo
