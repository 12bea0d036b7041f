"""A 4me API that answers by a script, for what no decent 4me would answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import requests

from fourme.client import ApiClient
from fourme.connection import Connection
from fourme.hosts import parse_host
from process.settings import Settings
from tests.fake_clock import FakeClock
from transport.context import RunContext
from transport.failures import AttemptFailed
from transport.retry_policy import FailureKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from transport.http import RequestBody

LOST = AttemptFailed(FailureKind.SERVER_ERROR, "the connection was lost")


def answer(
    value: object,
    status: int = 200,
    *,
    given: Mapping[str, str] | None = None,
    **headers: str,
) -> requests.Response:
    """Return an answer with a JSON value; bytes are its body as they are.

    Args:
        value: the value.
        status: the answer's status.
        given: headers, by their names.
        headers: headers, their names with `_` for `-`.
    """
    response = requests.Response()
    response.status_code = status
    response.headers["Content-Type"] = "application/json"
    response.headers["Date"] = "Sat, 21 Nov 2026 12:00:00 GMT"
    response.headers.update(given or {})
    response.headers.update({name.replace("_", "-"): text for name, text in headers.items()})
    response._content = value if isinstance(value, bytes) else json.dumps(value).encode()  # noqa: SLF001  requests has no other way
    response.request = requests.Request("GET", "https://api.example.com/v1/requests/5").prepare()
    return response


class ScriptedApi(ApiClient):
    """Answers one call after the other, as told.

    Attributes:
        asked: method and path of each call.
        asked_for: its query.
        sent: the body of each call that has one.
    """

    def __init__(
        self,
        *answers: requests.Response | AttemptFailed,
        retry_time: float = 300,
        host: str = "https://api.example.com",
    ) -> None:
        connection = Connection(parse_host(host), "a-token", "wdc")
        super().__init__(connection, RunContext(Settings(retry_time=retry_time), FakeClock()))
        self._answers = list(answers)
        self.asked: list[str] = []
        self.asked_for: list[Mapping[str, str] | str | None] = []
        self.sent: list[bytes] = []

    def _send(
        self,
        method: str,
        path: str,
        body: RequestBody | None,
        params: Mapping[str, str] | str | None,
    ) -> requests.Response:
        """Return the next answer, or raise the next failure."""
        assert body is None or method == "PATCH"
        if body:
            self.sent.append(body.read())
        self.asked.append(f"{method} {path}")
        self.asked_for.append(params)
        turn = self._answers.pop(0)
        if isinstance(turn, AttemptFailed):
            raise turn
        return turn
