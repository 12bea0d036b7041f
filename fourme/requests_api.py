"""Requests: /requests/:id."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from process.errors import UnexpectedResponseError
from process.settings import MAX_REQUEST_PAGES, REQUESTS_PER_PAGE
from transport.headers import trace_id_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fourme.client import ApiClient, ApiResponse, ErrorContext
    from fourme.pages import Page
    from process.errors import Applied
    from transport.context import RetryBudget
    from transport.http import RequestBody

logger = logging.getLogger("step.4me")


class RequestsApi:
    """The requests of one account."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api

    def get(self, request_id: int, context: ErrorContext, budget: RetryBudget) -> dict[str, Any]:
        """Return a request, read under the retry policy."""
        response = self._api.get(f"/requests/{request_id}", context, budget)
        return _record_in(response, request_id, applied="no")

    def linked(
        self, request_id: int, collection: str, context: ErrorContext, budget: RetryBudget
    ) -> list[Mapping[str, Any]]:
        """Return the first of the records of a collection that are linked to a request."""
        path = f"/requests/{request_id}/{collection}"
        records = self._api.get(path, context, budget, {"per_page": "100"}).value
        if isinstance(records, list) and all(isinstance(record, dict) for record in records):
            return records
        raise UnexpectedResponseError(
            f"The step could not {context.purpose}: 4me's answer is not a list of records.",
            fix="Check the connection's host.",
            applied="no",
        )

    def update(self, request_id: int, body: RequestBody, context: ErrorContext) -> dict[str, Any]:
        """Make one attempt to update a request, on a new connection; return the updated request.

        Raises:
            AttemptFailed: there is no usable response; the retry policy decides.
            StepError: 4me rejects the update, or the response is not the request.
        """
        self._api.close_connections()
        body.rewind()
        response = self._api.send_once("PATCH", f"/requests/{request_id}", context, body=body)
        left = response.response.headers.get("X-RateLimit-Remaining", "")
        logger.debug("Requests left under the rate limit: %s", left if left.isdigit() else "?")
        return _record_in(response, request_id, applied="maybe")

    def pages(self, query: Mapping[str, str], context: ErrorContext) -> Iterator[Page]:
        """Yield the requests that a query lists, page by page; see `PagedList.pages`."""
        from fourme.pages import PagedList  # noqa: PLC0415  most runs list nothing

        max_records = REQUESTS_PER_PAGE * MAX_REQUEST_PAGES
        requests = PagedList(
            "/requests", "requests", REQUESTS_PER_PAGE, MAX_REQUEST_PAGES, max_records
        )
        return requests.pages(self._api, query, context)


def _record_in(response: ApiResponse, request_id: int, applied: Applied) -> dict[str, Any]:
    """Return the record in a response if it is the request that was asked for."""
    record = response.value
    record_id = record.get("id") if isinstance(record, dict) else None
    if isinstance(record, dict) and record_id == request_id:
        return record
    found = f"with id {record_id}" if isinstance(record_id, int) else "of another kind"
    raise UnexpectedResponseError(
        f"4me answered with a record {found} where request {request_id} was expected.",
        cause="another service answers in 4me's place",
        fix="Check the connection's host.",
        status=response.response.status_code,
        trace_id=trace_id_of(response.response),
        applied=applied,
    )
