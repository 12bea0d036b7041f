"""Where 4me is: its hosts, the header that names an account there, and its pages for people."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

# An allow-list: user info, queries, fragments and other paths cannot get through it.
_HOST = re.compile(
    r"(?:(?P<scheme>https?)://)?"
    r"(?P<name>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?:/v1)?/?",
    re.IGNORECASE | re.ASCII,
)
_LOOPBACK = re.compile(r"localhost|\[::1\]|127(?:\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}")
_ACCOUNT = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", re.IGNORECASE | re.ASCII)
_MAX_PORT = 65_535
_OWN_PORTS = {"http": 80, "https": 443}
_DOMAIN = r"((?:(?:au|uk|ch|us)\.)?(?:4me|xurrent)\.com|(?:4me|xurrent)(?:\.qa|-demo\.com))"
_API = re.compile(rf"api\.{_DOMAIN}")
_OTHERS = re.compile(rf"(?!api\.)(?:.+?\.)??{_DOMAIN}")  # more regions may get an API


@dataclass(frozen=True)
class Host:
    """A host of the 4me API.

    Attributes:
        scheme: `https`; `http` only to a loopback address.
        name: host name or address, lower case, IPv6 in brackets.
        port: port number; None for the scheme's own, also where it is written out.
    """

    scheme: str
    name: str
    port: int | None

    @property
    def address(self) -> str:
        """The name, with the port when it is not the scheme's own."""
        return self.name if self.port is None else f"{self.name}:{self.port}"

    @property
    def api_url(self) -> str:
        """The base URL of the API, without a slash at the end."""
        return f"{self.scheme}://{self.address}/v1"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine."""
        return _LOOPBACK.fullmatch(self.name) is not None

    @property
    def is_known(self) -> bool:
        """Whether the host is one of the hosted 4me, or this machine."""
        return self.is_loopback or _API.fullmatch(self.name) is not None

    @property
    def account_header(self) -> str:
        """The header that names the account (contract section 6)."""
        return f"X-{self._brand}-Account"

    @property
    def language_header(self) -> str:
        """The header that names the language of messages; on 4me's hosts by analogy."""
        return f"X-{self._brand}-Language"

    @property
    def _brand(self) -> str:
        labels = self.name.split(".")
        renamed = any(label == "xurrent" or label.startswith("xurrent-") for label in labels)
        return "Xurrent" if renamed else "4me"

    def html_url(self, account: str, request_id: int) -> str:
        """Return the address of a request's page in the 4me user interface.

        The pages of an account are on a host of its own: `api.4me.com` becomes
        `ACCOUNT.4me.com`. Any other host is taken to serve the pages itself.
        """
        name = self.address
        if name.startswith("api.") and _ACCOUNT.fullmatch(account):
            name = account + name.removeprefix("api")
        return f"{self.scheme}://{name}/requests/{request_id}"


def parse_host(text: str) -> Host:
    """Read a host as users write it: with or without scheme, trailing `/` or `/v1`.

    Raises:
        ValueError: it is not such a host; the message says what is wrong.
    """
    match = _HOST.fullmatch(text)
    if match is None:
        raise ValueError(
            "is not a host such as https://api.4me.com (no user name, no query, no path but /v1)"
        )
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port <= _MAX_PORT:
        raise ValueError(f"has the port {port}; ports are from 1 to {_MAX_PORT}")
    scheme = (match["scheme"] or "https").lower()
    host = Host(scheme, match["name"].lower(), None if port == _OWN_PORTS[scheme] else port)
    if host.scheme == "http" and not host.is_loopback:
        raise ValueError("would send the access token over plain http; use https://")
    other = _OTHERS.fullmatch(host.name)
    if other:
        raise ValueError(f"does not serve the API, which is at https://api.{other[1]}")
    return host


def origin_of(url: str) -> tuple[str, str]:
    """Return the scheme and the address of a URL, as `Host` has them.

    User info is left in the address, so that it equals no host's.
    """
    parts = urlsplit(url)
    own_port = f":{_OWN_PORTS[parts.scheme]}" if parts.scheme in _OWN_PORTS else ""
    return parts.scheme, parts.netloc.lower().removesuffix(own_port)


def is_safe(url: str, *, loopback: bool) -> bool:
    """Return whether data may be sent to a URL: https, or http to this machine where allowed."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    name = parts.netloc.rpartition("@")[2]
    if parts.scheme == "http":
        return loopback and _LOOPBACK.fullmatch(re.sub(r":[0-9]+$", "", name)) is not None
    return parts.scheme == "https" and bool(name)
