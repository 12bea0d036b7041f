"""Connections to 4me: hosts of the API, their headers, and the addresses of pages."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

# An allow-list: user info, queries, fragments and other paths cannot get through it.
_HOST = (
    r"(?:(?P<scheme>https?)://)?"
    r"(?P<name>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])"
    r"(?::(?P<port>[0-9]{1,5}))?"
    r"(?:/v1)?/?"
)
_LOOPBACK_IPV4 = r"127(?:\.(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])){3}"
_MAX_PORT = 65_535
_DEFAULT_PORTS = {"http": 80, "https": 443}
_REGIONS = ("", "au.", "uk.", "ch.", "us.")
_DOMAINS = {
    "4me.qa",
    "xurrent.qa",
    "4me-demo.com",
    "xurrent-demo.com",
    *(f"{region}{brand}.com" for brand in ("4me", "xurrent") for region in _REGIONS),
}


class Host(NamedTuple):
    """A host of the 4me API.

    Attributes:
        scheme: `https`; `http` only to a loopback address.
        name: host name or address, lower case, IPv6 in brackets.
        port: port number; None for the scheme's default, also where it is written out.
    """

    scheme: str
    name: str
    port: int | None

    @property
    def address(self) -> str:
        """The name, with the port unless it is the scheme's default."""
        return self.name if self.port is None else f"{self.name}:{self.port}"

    @property
    def api_url(self) -> str:
        """The base URL of the API, without a slash at the end."""
        return f"{self.scheme}://{self.address}/v1"

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine."""
        return _is_loopback(self.name)

    @property
    def is_known(self) -> bool:
        """Whether the host is one of the hosted 4me, or this machine."""
        is_api = self.name.startswith("api.") and self.name.removeprefix("api.") in _DOMAINS
        return is_api or self.is_loopback

    @property
    def header_prefix(self) -> str:
        """The prefix of the API's own headers, such as `X-4me-` of `X-4me-Account`."""
        labels = self.name.split(".")
        renamed = any(label == "xurrent" or label.startswith("xurrent-") for label in labels)
        return "X-Xurrent-" if renamed else "X-4me-"

    def html_url(self, account: str, request_id: int) -> str:
        """Return the address of a request's page in the 4me user interface."""
        return f"{self.scheme}://{self.html_address(account)}/requests/{request_id}"

    def html_address(self, account: str) -> str:
        """Return the name, and the port if it is needed, of the host of an account's pages.

        The pages of an account are on a host of its own: `api.4me.com` becomes
        `ACCOUNT.4me.com`. Any other host is assumed to serve the pages itself.
        """
        is_label = account.isascii() and account.replace("-", "").isalnum()
        if self.address.startswith("api.") and is_label and account.strip("-") == account:
            return account + self.address.removeprefix("api")
        return self.address

    def has_pages_at(self, host: str, account: str) -> bool:
        """Return whether an account's pages are at a host, given with or without scheme and port.

        The hosts of both brands, 4me and Xurrent, are the same.
        """
        scheme, _, address = host.lower().rpartition("://")
        address = address.removesuffix(f":{_DEFAULT_PORTS[scheme or self.scheme]}")
        return _without_brand(address) == _without_brand(self.html_address(account).lower())


class Connection(NamedTuple):
    """The host of the API, and the credentials for it; its repr does not show the token."""

    host: Host
    access_token: str
    account: str

    def __repr__(self) -> str:
        """Return all but the access token."""
        return f"Connection({self.host.address}, {self.account})"


def parse_host(text: str) -> Host:
    """Read a host as users write it: with or without scheme, trailing `/` or `/v1`.

    Raises:
        ValueError: it is not such a host; the message says what is wrong.
    """
    match = re.fullmatch(_HOST, text, re.IGNORECASE | re.ASCII)
    if match is None:
        raise ValueError(
            "is not a host such as https://api.4me.com (no user name, no query, no path but /v1)"
        )
    port = int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port <= _MAX_PORT:
        raise ValueError(f"has the port {port}; ports are from 1 to {_MAX_PORT}")
    scheme = (match["scheme"] or "https").lower()
    host = Host(scheme, match["name"].lower(), None if port == _DEFAULT_PORTS[scheme] else port)
    if host.scheme == "http" and not host.is_loopback:
        raise ValueError("would send the access token over plain http; use https://")
    domain = _domain_of(host.name)
    if domain and not host.name.startswith("api."):  # more regions may get an API
        raise ValueError(f"does not serve the API, which is at https://api.{domain}")
    return host


def origin_of(url: str) -> tuple[str, str]:
    """Return the scheme and the address of a URL, as `Host` has them.

    User info is left in the address, so that it equals no host's.
    """
    parts = urlsplit(url)
    default_port = f":{_DEFAULT_PORTS.get(parts.scheme, '')}"
    return parts.scheme, parts.netloc.lower().removesuffix(default_port)


def is_safe(url: str, *, loopback: bool) -> bool:
    """Return whether data may be sent to a URL: https, or http to this machine where allowed."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    name = parts.netloc.rpartition("@")[2]
    if parts.scheme == "http":
        return loopback and _is_loopback(re.sub(r":[0-9]+$", "", name))
    return parts.scheme == "https" and bool(name)


def _is_loopback(name: str) -> bool:
    if name.startswith("127."):
        return re.fullmatch(_LOOPBACK_IPV4, name) is not None
    return name in ("localhost", "[::1]")


def _without_brand(address: str) -> str:
    """Return an address whose domain is one of 4me's where it is one of Xurrent's."""
    domain = _domain_of(address)
    return address.removesuffix(domain) + domain.replace("xurrent", "4me")


def _domain_of(name: str) -> str:
    """Return the domain of the hosted 4me that a host name ends in; empty for other names."""
    while name and name not in _DOMAINS:
        name = name.partition(".")[2]
    return name
