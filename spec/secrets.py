"""The secrets of a run: in environment variables, and in a spec before it is validated."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING

from spec.values import coerce_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# 4me credentials: FOURME_* of the environment engine, INPUT_* of GitHub Actions.
_ACCESS_VARIABLES = (
    "FOURME_ACCESS_TOKEN",
    "INPUT_ACCESS_TOKEN",
    "FOURME_CLIENT_SECRET",
    "INPUT_CLIENT_SECRET",
)
_METADATA_VARIABLES = ("METADATA_API_URL",)  # of Relay; its user information is a token
_PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
_SCHEME_CHARS = frozenset(string.ascii_letters + string.digits + "+.-")


def credentials_in_environment(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the secrets that give access: 4me tokens and client secrets, and Relay's token."""
    yield from (environ[name] for name in _ACCESS_VARIABLES if name in environ)
    for user, password in _user_info_in(environ, _METADATA_VARIABLES):
        yield password or user


def secrets_in_environment(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield every secret: those that give access, and the passwords of proxies."""
    yield from credentials_in_environment(environ)
    for _, password in _user_info_in(environ, _PROXY_VARIABLES):
        yield password


def _user_info_in(environ: Mapping[str, str], names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield user names and passwords in the URLs of variables, whose letter case does not count."""
    for name, url in environ.items():
        if name.upper() not in names:
            continue
        scheme, _, rest = url.strip().partition("://")
        if not _SCHEME_CHARS.issuperset(scheme):
            rest = url.strip()
        authority = rest.replace("?", "/").replace("#", "/").partition("/")[0]
        # A password may contain characters that end it in a valid URL, so take the longer one too.
        for text in {authority, rest}:
            user_info = text.rpartition("@")[0]
            user, _, password = user_info.partition(":")
            if user_info:
                yield user, password


def credentials_in_spec(spec: object) -> Iterator[str]:
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
