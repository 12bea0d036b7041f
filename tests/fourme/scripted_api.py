"""A client of 4me whose transport is scripted: responses that the sandbox never gives."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter

from fourme.client import ApiClient
from fourme.hosts import Connection, parse_host
from process.settings import Settings
from tests.fake_clock import FakeClock
from transport.context import RunContext
from transport.http import RequestBody

if TYPE_CHECKING:
    from collections.abc import Mapping

LOST = requests.ConnectionError("the connection was lost")


def answer(
    value: object,
    status: int = 200,
    *,
    given: Mapping[str, str] | None = None,
    **headers: str,
) -> requests.Response:
    """Return a response with a JSON value; bytes are its body as they are.

    Args:
        value: the value.
        status: the response's status.
        given: headers, by their names.
        headers: headers, their names with `_` for `-`.
    """
    response = requests.Response()
    response.status_code = status
    response.headers["Content-Type"] = "application/json"
    response.headers["Date"] = "Sat, 21 Nov 2026 12:00:00 GMT"
    response.headers.update(given or {})
    response.headers.update({name.replace("_", "-"): text for name, text in headers.items()})
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    response.raw = urllib3.HTTPResponse(io.BytesIO(body), preload_content=False)
    response.request = requests.Request("GET", "https://api.example.com/v1/requests/5").prepare()
    return response


class ScriptedTransport(BaseAdapter):
    """Answers one request after the other with the next response, or raises the next error.

    Attributes:
        turns: the responses and errors that are left.
        clock: goes on by `seconds` with each response.
        asked: method of each request, and its path below the API's address.
        queries: its query.
        sent: the body of each request that has one.
    """

    def __init__(self, turns: list[requests.Response | Exception], clock: FakeClock) -> None:
        super().__init__()
        self.turns = turns
        self.clock = clock
        self.seconds = 0.0
        self.asked: list[str] = []
        self.queries: list[str] = []
        self.sent: list[bytes] = []

    def send(
        self,
        request: requests.PreparedRequest,
        *_: object,
        **__: object,
    ) -> requests.Response:
        """Take the next turn."""
        url = urlsplit(request.url or "")
        self.asked.append(f"{request.method} {url.path.removeprefix('/v1')}")
        self.queries.append(url.query)
        if isinstance(request.body, RequestBody):
            self.sent.append(request.body.read())
        turn = self.turns.pop(0)
        if isinstance(turn, Exception):
            raise turn
        self.clock.advance(self.seconds)
        turn.request = request
        return turn

    def close(self) -> None:
        """Close nothing: there are no connections."""


class ScriptedApi(ApiClient):
    """A client whose calls to the API are scripted; uploads go to their own URL.

    Attributes:
        clock: the clock of its run.
        transport: answers its calls.
        asked: method and path of each of them.
        sent: the body of each that has one.
    """

    def __init__(
        self,
        *turns: requests.Response | Exception,
        retry_time: float = 300,
        host: str = "https://api.example.com",
    ) -> None:
        connection = Connection(parse_host(host), "a-token", "wdc")
        self.clock = FakeClock()
        super().__init__(connection, RunContext(Settings(retry_time=retry_time), self.clock))
        self.transport = ScriptedTransport([*turns], self.clock)
        self.asked = self.transport.asked
        self.sent = self.transport.sent
        self.session.mount(connection.host.api_url, self.transport)
