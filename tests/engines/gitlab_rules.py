"""How GitLab reads a dotenv report: its documented rules, and what it rejects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_INTEGER = 5 * 1024
_MOST = 20
_NAME = re.compile(r"[A-Za-z0-9_]+")
_REFERENCE = re.compile(r"\$(\$|[A-Za-z0-9_]+|\{[A-Za-z0-9_]+\})")


def read_dotenv(raw: bytes, others: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a later job gets.

    Args:
        raw: the file.
        others: the variables that the later job has already; references to them are expanded.

    Raises:
        ValueError: GitLab would reject the file.
    """
    if len(raw) >= _MAX_INTEGER:
        raise ValueError("the file is too large")
    variables = {}
    for line in raw.decode("utf-8").removesuffix("\n").split("\n"):
        name, equals, value = line.partition("=")
        if not equals or _NAME.fullmatch(name) is None:
            raise ValueError(f"no variable: {line}")
        variables[name] = value.strip()
    if len(variables) > _MOST:
        raise ValueError("too many variables")
    return {name: expand(value, others) for name, value in variables.items()}


def expand(value: str, others: Mapping[str, str]) -> str:
    """Return a value with the variables that it refers to; `$$` is a plain `$`."""
    return _REFERENCE.sub(
        lambda match: "$" if match[1] == "$" else others.get(match[1].strip("{}"), ""), value
    )
