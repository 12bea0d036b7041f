"""The notes of a request: /requests/:id/notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fourme.pages import PagedList
from process.settings import MAX_NOTE_PAGES, MAX_NOTES, NOTES_PER_PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourme.client import ApiClient, ErrorContext
    from fourme.pages import Page
    from transport.context import RetryBudget


class NotesApi:
    """The notes of one request."""

    def __init__(self, api: ApiClient, request_id: int) -> None:
        self._api = api
        path = f"/requests/{request_id}/notes"
        self._list = PagedList(path, "notes", NOTES_PER_PAGE, MAX_NOTE_PAGES, MAX_NOTES)

    def pages(self, context: ErrorContext, budget: RetryBudget | None = None) -> Iterator[Page]:
        """Return all notes, page by page; newest first is asked for, but not relied on.

        Raises:
            StepError: they cannot all be read.
        """
        return self._list.pages(self._api, {"sort": "-id"}, context, budget)
