"""The notes of a request: /requests/:id/notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from process.errors import UnexpectedResponseError
from process.settings import MAX_NOTE_PAGES, MAX_NOTES, NOTES_PER_PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests

    from fourme.client import ApiClient, ErrorContext
    from transport.context import RetryBudget


class NotesPage(NamedTuple):
    """One page of notes, and the monotonic times of its request and its response."""

    notes: list[Mapping[str, Any]]
    response: requests.Response
    requested_at: float
    responded_at: float

    @property
    def next_query(self) -> str | None:
        """The query of the next page, as the server gives it; None on the last page.

        The rest of the link's URL is not used: a proxy may have rewritten it.

        Raises:
            UnexpectedResponseError: there is a link to the next page, but no query in it.
        """
        link = self.response.links.get("next")
        if link is None:
            return None
        try:
            query = urlsplit(link.get("url", "")).query
        except ValueError:
            query = ""
        if not query:
            raise UnexpectedResponseError("the answer does not say where the next page of notes is")
        return query

    @property
    def total(self) -> int | None:
        """The number of notes on all pages; None where the server does not say."""
        total = self.response.headers.get("X-Pagination-Total-Entries", "")
        return int(total[:18]) if total.isascii() and total.isdigit() else None


class NotesApi:
    """The notes of one request."""

    def __init__(self, api: ApiClient, request_id: int) -> None:
        self._api = api
        self._path = f"/requests/{request_id}/notes"

    def pages(
        self, context: ErrorContext, budget: RetryBudget | None = None
    ) -> Iterator[NotesPage]:
        """Yield all notes, page by page; newest first is asked for, but not relied on.

        Raises:
            StepError: they cannot all be read.
        """
        params: Mapping[str, str] | str = {"sort": "-id", "per_page": str(NOTES_PER_PAGE)}
        seen, total = 0, None
        for _ in range(MAX_NOTE_PAGES):
            page = self._page(context, budget or self._api.budget(), params)
            yield page
            total = page.total if seen == 0 else total  # notes may be added meanwhile
            seen += len(page.notes)
            if page.next_query is None:
                is_last = len(page.notes) < NOTES_PER_PAGE if total is None else seen >= total
                if is_last:
                    return
                raise UnexpectedResponseError("the answer does not link to the next page of notes")
            if seen >= MAX_NOTES or page.next_query == params:
                break
            params = page.next_query
        raise UnexpectedResponseError(f"the request has more than {seen} notes")

    def _page(
        self, context: ErrorContext, budget: RetryBudget, params: Mapping[str, str] | str
    ) -> NotesPage:
        notes, response, requested_at = self._api.get(self._path, context, budget, params)
        if not isinstance(notes, list) or not all(isinstance(note, dict) for note in notes):
            raise UnexpectedResponseError("the answer is not a list of notes")
        return NotesPage(notes, response, requested_at, budget.clock.monotonic())
