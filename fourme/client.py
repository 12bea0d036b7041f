"""The 4me API over HTTP: one session with the credentials of a run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from fourme.api_errors import error_from_response
from fourme.connection import Connection
from process.errors import UnexpectedResponseError
from transport.context import RateLimitUsage, RetryBudget
from transport.http import send_once
from transport.json_body import json_body
from transport.retry_policy import Idempotency
from transport.retrying import RetryableCall, retry_call
from transport.session import plain_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from fourme.api_errors import ErrorContext
    from transport.context import RunContext
    from transport.http import RequestBody

logger = logging.getLogger("step.4me")

LANGUAGE = "en-US"  # of 4me's messages; without it, that of the token's user
RATE_LIMIT = (
    "the rate limit of the token's user is used up (4me: 3,600 requests an hour for all tokens of "
    "a user, 20 in 2 s)"
)


class ApiResponse(NamedTuple):
    """A response of the API.

    Attributes:
        value: its JSON value.
        response: the whole of it.
        asked_at: when the request was sent, by the clock's monotonic time.
    """

    value: Any
    response: requests.Response
    asked_at: float


class ApiClient:
    """Calls the 4me API as one user in one account.

    Attributes:
        connection: where 4me is, and as whom to call it.
        context: the limits and the clock of the run.
        session: the HTTP session; it sends the credentials with every call.
    """

    def __init__(self, connection: Connection, context: RunContext) -> None:
        self.connection = connection
        self.context = context
        self._rate_limit_usage = RateLimitUsage()
        self.session = plain_session(context, connection.host.api_url)
        if connection.host.is_loopback:
            self.session.proxies.clear()
        self.session.headers.update(
            {
                "Authorization": f"Bearer {connection.access_token}",
                connection.host.account_header: connection.account,
                connection.host.language_header: LANGUAGE,
                "Accept": "application/json",
                "Cache-Control": "no-cache",  # a cache does not know what was just updated
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
        return RetryBudget(self.context.settings, self.context.clock, usage=self._rate_limit_usage)

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
        error_context: ErrorContext,
        *,
        body: RequestBody | None = None,
        params: Mapping[str, str] | str | None = None,
    ) -> ApiResponse:
        """Make one attempt at a call.

        Args:
            method: the HTTP method.
            path: the path below the API's address.
            error_context: what an error's message says.
            body: the JSON to send.
            params: the query; text is sent as it is.

        Raises:
            AttemptFailed: the retry policy shall decide.
            StepError: 4me rejects the call (400 to 499), or the answer is none of the API's.
        """
        asked_at = self.context.clock.monotonic()
        response = self._send(method, path, body, params)
        if not response.ok:
            raise error_from_response(response, error_context, self.connection.account)
        return ApiResponse(json_body(response), response, asked_at)

    def get(
        self,
        path: str,
        error_context: ErrorContext,
        budget: RetryBudget,
        params: Mapping[str, str] | str | None = None,
    ) -> ApiResponse:
        """Read something, under the retry policy; for the arguments see `send_once`.

        Raises:
            StepError: it cannot be read.
        """
        call = self.call(error_context.purpose, Idempotency.SAFE)
        try:
            return retry_call(
                call, lambda: self.send_once("GET", path, error_context, params=params), budget
            )
        except UnexpectedResponseError as error:
            error.applied = "no"
            raise

    def call(self, purpose: str, idempotency: Idempotency) -> RetryableCall:
        """Return the description of a call to the API, for the retry policy."""
        return RetryableCall(purpose, self.service, idempotency, rate_limit=RATE_LIMIT)

    def _send(
        self,
        method: str,
        path: str,
        body: RequestBody | None,
        params: Mapping[str, str] | str | None,
    ) -> requests.Response:
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
