"""Requests: /requests/:id."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from process.errors import UnexpectedResponseError
from transport.headers import trace_id_of

if TYPE_CHECKING:
    from fourme.api_errors import ErrorContext
    from fourme.client import ApiClient, ApiResponse
    from process.errors import Applied
    from transport.context import RetryBudget
    from transport.http import RequestBody

logger = logging.getLogger("step.4me")


class RequestsApi:
    """The requests of one account."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def get(
        self, request_id: int, error_context: ErrorContext, budget: RetryBudget
    ) -> dict[str, Any]:
        """Return a request, read under the retry policy.

        Raises:
            StepError: it cannot be read.
        """
        answer = self._api.get(f"/requests/{request_id}", error_context, budget)
        return _checked(answer, request_id, applied="no")

    def update(
        self, request_id: int, body: RequestBody, error_context: ErrorContext
    ) -> dict[str, Any]:
        """Make one attempt to update a request; return it as it is after the update.

        It has a connection of its own; see `ApiClient.renew_connections`.

        Raises:
            AttemptFailed: the retry policy shall decide.
            StepError: 4me rejects the update, or answers with something else than the request.
        """
        self._api.renew_connections()
        body.rewind()
        answer = self._api.send_once("PATCH", f"/requests/{request_id}", error_context, body=body)
        left = answer.response.headers.get("X-RateLimit-Remaining", "")
        logger.debug("Requests left under the rate limit: %s", left if left.isdigit() else "?")
        return _checked(answer, request_id, applied="maybe")


def _checked(answer: ApiResponse, request_id: int, applied: Applied) -> dict[str, Any]:
    """Return the record of a response if it is the request that was asked for."""
    record = answer.value
    if isinstance(record, dict) and record.get("id") == request_id:
        return record
    other = record.get("id") if isinstance(record, dict) else None
    found = f"with id {other}" if isinstance(other, int) else "of another kind"
    raise UnexpectedResponseError(
        f"4me answered with a record {found} where request {request_id} was expected.",
        cause="another service answers in 4me's place",
        fix="Check the connection's host.",
        status=answer.response.status_code,
        trace_id=trace_id_of(answer.response),
        applied=applied,
    )
