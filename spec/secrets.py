"""The secrets of a spec, before it is validated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from spec.values import coerce_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def access_secrets_in_spec(spec: object) -> Iterator[str]:
    """Yield the secrets that give access: the access token, and a client secret."""
    for name, value in _connection_in(spec).items():
        if name in ("accessToken", "clientSecret"):
            yield from _texts_in(value)


def secrets_in_spec(spec: object) -> Iterator[str]:
    """Yield every secret of a spec, valid or not.

    A connection comes from a store and may hold more than it needs: every member whose name
    contains token, secret or password is a secret.
    """
    for name, value in _connection_in(spec).items():
        if any(word in str(name).lower() for word in ("token", "secret", "password")):
            yield from _texts_in(value)


def _connection_in(spec: object) -> Mapping[object, object]:
    """Return the connection of a spec; text that is not JSON is treated as a token."""
    connection = spec.get("connection") if isinstance(spec, dict) else None
    if isinstance(connection, bytes):
        connection = connection.decode("utf-8", "replace")
    if isinstance(connection, str):
        try:
            connection = json.loads(connection)
        except (ValueError, RecursionError):
            return {"token": connection}
    return connection if isinstance(connection, dict) else {}


def _texts_in(value: object) -> Iterator[str]:
    pending = [value]  # no recursion: the spec is not validated yet, its depth is not limited
    while pending:
        item = pending.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, bytes):
            yield item.decode("utf-8", "replace")
        elif isinstance(item, int | float):
            yield str(coerce_text(item))
        elif isinstance(item, list | dict):
            pending += item.values() if isinstance(item, dict) else item
