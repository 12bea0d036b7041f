"""The secrets in the environment variables of the engines and of HTTP proxies."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# 4me credentials: FOURME_* of the environment engine, INPUT_* of GitHub Actions.
_ACCESS_VARIABLES = (
    "FOURME_ACCESS_TOKEN",
    "INPUT_ACCESS_TOKEN",
    "FOURME_CLIENT_SECRET",
    "INPUT_CLIENT_SECRET",
)
_METADATA_VARIABLES = ("METADATA_API_URL",)  # of Relay; its user information is a token
_PROXY_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")


def access_secrets_in_environment(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield the secrets that give access: 4me tokens and client secrets, and Relay's token."""
    yield from (environ[name] for name in _ACCESS_VARIABLES if name in environ)
    for user, password in _credentials_in(environ, _METADATA_VARIABLES):
        yield password or user


def secrets_in_environment(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield every secret: those that give access, and the passwords of proxies."""
    yield from access_secrets_in_environment(environ)
    for _, password in _credentials_in(environ, _PROXY_VARIABLES):
        yield password


def _credentials_in(
    environ: Mapping[str, str], names: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    """Yield user names and passwords in the URLs that variables hold, in any letter case."""
    for name, url in environ.items():
        if name.upper() not in names:
            continue
        rest = re.sub(r"^[A-Za-z][A-Za-z0-9+.-]*://", "", url.strip())
        # A password may contain characters that end it in a valid URL, so take the longer one too.
        for authority in {re.split(r"[/?#]", rest, maxsplit=1)[0], rest}:
            user_info = authority.rpartition("@")[0]
            user, _, password = user_info.partition(":")
            if user_info:
                yield user, password
