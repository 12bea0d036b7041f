"""The error that every command of this package ends with."""

from __future__ import annotations


class ImageError(Exception):
    """An image cannot be built, run or measured here.

    Attributes:
        problem: what is wrong.
        remedy: what to do about it.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(f"{problem}\nWhat to do: {remedy}")
        self.problem = problem
        self.remedy = remedy
