"""The secrets of a spec, before it is validated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from spec.values import coerce_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_ACCESS_NAMES = frozenset({"accessToken", "clientSecret"})
_SECRET_NAMES = ("token", "secret", "password")


def access_secrets_in_spec(spec: object) -> Iterator[str]:
    """Yield what gives access in a spec: the access token, and a client secret."""
    for name, value in _connection_in(spec).items():
        if name in _ACCESS_NAMES:
            yield from _texts_in(value)


def secrets_in_spec(spec: object) -> Iterator[str]:
    """Yield every secret of a spec, whatever the spec looks like.

    A connection comes from a store and may hold more than it needs: what is called a token, a
    secret or a password is one, however it is spelled; the rest is not.
    """
    connection = _connection_in(spec)
    for name, value in connection.items():
        if any(word in str(name).lower() for word in _SECRET_NAMES):
            yield from _texts_in(value)


def _connection_in(spec: object) -> Mapping[object, object]:
    """Return the connection of a spec; a text that is no JSON all as one token."""
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
    waiting = [value]  # no recursion: the spec is not validated yet, and may be nested without end
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, bytes):
            yield item.decode("utf-8", "replace")
        elif isinstance(item, int | float):
            yield str(coerce_text(item))
        elif isinstance(item, list | dict):
            waiting += item.values() if isinstance(item, dict) else item
