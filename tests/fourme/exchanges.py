"""Exchanges with a server on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fourme.mishaps import Mishap
from fourme.transport import Parcel, Transport, exchange, json_of
from process.clock import SystemClock
from process.settings import Settings
from tests.fake_clock import FakeClock
from tests.fourme.loopback import Connection, serve

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

REQUEST = b'{"id": 5, "subject": "Printer"}'
TRANSPORT = Transport(Settings(connect_timeout=2, read_timeout=2), FakeClock())
HURRIED = Transport(Settings(connect_timeout=0.1, read_timeout=0.1), SystemClock())


def call(
    session: requests.Session,
    url: str,
    parcel: Parcel | None = None,
    *,
    transport: Transport = TRANSPORT,
    busy: frozenset[int] = frozenset(),
) -> requests.Response:
    """Make one exchange."""

    def send() -> requests.Response:
        return session.request(
            "PATCH",
            url + "/v1/requests/5?a=geheim",
            data=parcel,
            timeout=transport.timeout,
            allow_redirects=False,
            stream=True,
        )

    return exchange(send, transport, parcel=parcel, busy_statuses=busy)


def mishap_of(
    session: requests.Session,
    turn: Callable[[Connection], None],
    parcel: Parcel | None = None,
    *,
    transport: Transport = TRANSPORT,
) -> Mishap:
    """Return the mishap that a server's behaviour is."""
    with serve(turn) as server, pytest.raises(Mishap) as caught:
        json_of(call(session, server.url, parcel, transport=transport))
    return caught.value
