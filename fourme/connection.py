"""Where 4me is, and as whom to call it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from fourme.hosts import Host, parse_host

if TYPE_CHECKING:
    from collections.abc import Mapping


class Connection(NamedTuple):
    """Where 4me is, and as whom to call it.

    Attributes:
        host: the host of the API.
        access_token: a secret, which its repr does not show.
        account: the ID of the account.
    """

    host: Host
    access_token: str
    account: str

    @classmethod
    def from_spec(cls, values: Mapping[str, str]) -> Connection:
        """Return the connection in a valid spec."""
        return cls(parse_host(values["host"]), values["accessToken"], values["account"])

    def __repr__(self) -> str:
        """Return all but the access token."""
        return f"Connection({self.host.address}, {self.account})"
