"""The 4me API over HTTP: one session with the credentials of a run, and how to ask it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from fourme.connection import Connection
from transport.http import RequestBody, json_body, send_once
from transport.retry_policy import Idempotency
from transport.retrying import Call, RateLimitUsage, RetryBudget, retry_call
from transport.session import plain_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from transport.http import RunContext

logger = logging.getLogger("step.4me")

LANGUAGE = "en-US"  # of 4me's messages; else it is that of the token's user


class ApiResponse(NamedTuple):
    """An answer to a question.

    Attributes:
        value: its JSON value; None when its status is from 400 to 499.
        response: the whole of it.
        asked_at: when the question was sent for the last time, by the clock's monotonic time.
    """

    value: Any
    response: requests.Response
    asked_at: float


class ApiClient:
    """Speaks to the 4me API as one user in one account.

    Attributes:
        connection: where 4me is, and as whom to call it.
        transport: the limits and the clock of the run.
        session: the HTTP session; it sends the credentials with every call.
    """

    def __init__(self, connection: Connection, context: RunContext) -> None:
        self.connection = connection
        self.context = context
        self._throttled = RateLimitUsage()
        self.session = plain_session(context, connection.host.api_url)
        if connection.host.is_loopback:
            self.session.proxies.clear()
        self.session.headers.update(
            {
                "Authorization": f"Bearer {connection.access_token}",
                connection.host.account_header: connection.account,
                connection.host.language_header: LANGUAGE,
                "Accept": "application/json",
                "Cache-Control": "no-cache",  # what has arrived is not a question for a cache
            }
        )

    @classmethod
    def connect(cls, values: Mapping[str, str], context: RunContext) -> ApiClient:
        """Return a client for the connection of a valid spec."""
        connection = Connection.from_spec(values)
        if not connection.host.is_known:
            address = connection.host.address
            logger.info("%s is none of 4me's own hosts; it is used as it is given.", address)
        return cls(connection, context)

    @property
    def service(self) -> str:
        """What messages call it."""
        return f"4me ({self.connection.host.address})"

    def budget(self) -> RetryBudget:
        """Return a fresh budget for one operation."""
        return RetryBudget(self.context.settings, self.context.clock, run=self._throttled)

    def renew_connections(self) -> None:
        """Close all connections, so that the next call has a new one.

        One that was idle may be closed by the server, or by a proxy, as soon as something is sent;
        what an upload has left on one could be read as the next call.
        """
        self.session.close()

    def send_once(
        self,
        method: str,
        path: str,
        *,
        body: RequestBody | None = None,
        params: Mapping[str, str] | str | None = None,
    ) -> requests.Response:
        """Make one attempt at a call; see `transport.http.exchange`."""

        def send() -> requests.Response:
            return self.session.request(
                method,
                self.connection.host.api_url + path,
                params=params,
                data=body,
                headers={"Content-Type": "application/json"} if body else None,
                timeout=self.context.timeout,
                allow_redirects=False,
                stream=True,
            )

        return send_once(send, self.context, body=body)

    def read(
        self,
        path: str,
        purpose: str,
        budget: RetryBudget,
        params: Mapping[str, str] | str | None = None,
    ) -> ApiResponse:
        """Read something, under the retry policy.

        Args:
            path: what, below the API's address.
            purpose: the same in words.
            budget: what may be spent.
            params: the query; text is sent as it is.

        Raises:
            StepError: there was no answer.
        """
        answers: list[ApiResponse] = []

        def attempt() -> requests.Response:
            asked_at = budget.clock.monotonic()
            response = self.send_once("GET", path, params=params)
            answers.append(
                ApiResponse(json_body(response) if response.ok else None, response, asked_at)
            )
            return response

        retry_call(Call(purpose, self.service, Idempotency.SAFE), attempt, budget)
        return answers[-1]
