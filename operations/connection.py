"""What is wrong with a connection beyond its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourme.hosts import parse_host
from spec.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spec.coercion import CoercedSpec

_MAX_SHOWN = 60  # characters


def connection_problems(coerced: CoercedSpec) -> Iterator[Problem]:
    """Yield a problem where the host is none that the API can be at; it shows no password."""
    connection = coerced.spec.get("connection")
    host = connection.get("host") if isinstance(connection, dict) else None
    if not isinstance(host, str):
        return
    try:
        parse_host(host)
    except ValueError as error:
        shown = repr(host) if len(host) < _MAX_SHOWN - 1 else f"str of {len(host)} characters"
        yield Problem(
            "connection.host", str(error) if "@" in host else f"is {shown}, which {error}"
        )
