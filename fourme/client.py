"""The 4me API over HTTP: one session with the credentials of a run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from fourme.hosts import Connection, parse_host
from process.errors import UnexpectedResponseError
from transport.context import RateLimitUsage, RetryBudget
from transport.http import Idempotency, send_once
from transport.json_body import json_body
from transport.retrying import RetryableCall, retry_call
from transport.session import plain_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    import requests

    from transport.context import RunContext
    from transport.http import RequestBody

logger = logging.getLogger("step.4me")

RATE_LIMIT = (
    "the rate limit of the token's user is exceeded (4me: 3,600 requests an hour for all tokens of "
    "a user, 20 in 2 s)"
)


class ErrorContext(NamedTuple):
    """What the error message of a rejected call mentions.

    Attributes:
        purpose: what the call does, as in "The token's user may not ...".
        request_id: the request that it is about, if any.
        roles: the roles that it requires.
        private_texts: texts that it sends and that no log may show: notes.
        sends_values: whether it sends values of the spec, which 4me may reject.
        was_read: whether the request has been read before: then a 404 is a missing right.
    """

    purpose: str
    request_id: int | None = None
    roles: tuple[str, ...] = ("Specialist",)
    private_texts: tuple[str, ...] = ()
    sends_values: bool = False
    was_read: bool = False


class ApiResponse(NamedTuple):
    """A response, its JSON value, and the monotonic time at which its request was sent."""

    value: Any
    response: requests.Response
    requested_at: float


class ApiClient:
    """Calls the 4me API as one user in one account; its session sends the credentials."""

    def __init__(self, connection: Connection, context: RunContext) -> None:
        self.connection = connection
        self.context = context
        self._rate_limit_usage = RateLimitUsage()
        host = connection.host
        self.session = plain_session(context, host.api_url, proxied=not host.is_loopback)
        self.session.headers.update(
            {
                "Authorization": f"Bearer {connection.access_token}",
                f"{host.header_prefix}Account": connection.account,
                f"{host.header_prefix}Language": "en-US",  # else that of the token's user
                "Accept": "application/json",
                "Cache-Control": "no-cache",  # a cache does not know what was just updated
            }
        )

    @classmethod
    def connect(cls, values: Mapping[str, str], context: RunContext) -> ApiClient:
        """Return a client for the connection of a valid spec."""
        host = parse_host(values["host"])
        if not host.is_known:
            logger.info("%s is none of 4me's own hosts; it is used as it is given.", host.address)
        return cls(Connection(host, values["accessToken"], values["account"]), context)

    def budget(self) -> RetryBudget:
        """Return a fresh budget for one operation."""
        return RetryBudget(self.context.settings, self.context.clock, usage=self._rate_limit_usage)

    def close_connections(self) -> None:
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
        """Make one attempt at a call to a path below the API's address.

        The body is JSON; a query given as text is sent as it is.

        Raises:
            AttemptFailed: there is no usable response; the retry policy decides.
            StepError: 4me rejects the call (400 to 499), or the response is not the API's.
        """
        requested_at = self.context.clock.monotonic()

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

        response = send_once(send, self.context, body=body)
        if not response.ok:
            from fourme.api_errors import error_from_response  # noqa: PLC0415  most are not rejected

            raise error_from_response(response, error_context, self.connection.account)
        return ApiResponse(json_body(response), response, requested_at)

    def get(
        self,
        path: str,
        error_context: ErrorContext,
        budget: RetryBudget,
        params: Mapping[str, str] | str | None = None,
    ) -> ApiResponse:
        """Read something, under the retry policy; see `send_once`."""
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
        service = f"4me ({self.connection.host.address})"
        return RetryableCall(purpose, service, idempotency, rate_limit=RATE_LIMIT)
