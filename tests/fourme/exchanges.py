"""Exchanges with a server on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from process.clock import Clock
from process.settings import Settings
from tests.fake_clock import FakeClock
from tests.transport.loopback import Connection, serve
from transport.context import RunContext
from transport.failures import AttemptFailed
from transport.http import send_once
from transport.json_body import json_body

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from transport.http import RequestBody

REQUEST = b'{"id": 5, "subject": "Printer"}'
TRANSPORT = RunContext(Settings(connect_timeout=2, read_timeout=2), FakeClock())
SHORT_TIMEOUTS = RunContext(Settings(connect_timeout=0.1, read_timeout=0.1), Clock())


def call(
    session: requests.Session,
    url: str,
    body: RequestBody | None = None,
    *,
    context: RunContext = TRANSPORT,
    busy: frozenset[int] = frozenset(),
) -> requests.Response:
    """Make one exchange."""

    def send() -> requests.Response:
        return session.request(
            "PATCH",
            url + "/v1/requests/5?a=geheim",
            data=body,
            timeout=context.timeout,
            allow_redirects=False,
            stream=True,
        )

    return send_once(send, context, body=body, retry_statuses=busy)


def failure_of(
    session: requests.Session,
    turn: Callable[[Connection], None],
    body: RequestBody | None = None,
    *,
    context: RunContext = TRANSPORT,
) -> AttemptFailed:
    """Return the failure that a server's behaviour is."""
    with serve(turn) as server, pytest.raises(AttemptFailed) as caught:
        json_body(call(session, server.url, body, context=context))
    return caught.value
