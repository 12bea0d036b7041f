"""The notes of a request: /requests/:id/notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fourme.pages import Page, PagedList
from process.settings import MAX_NOTE_PAGES, MAX_NOTES, NOTES_PER_PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fourme.client import ApiClient, ErrorContext
    from transport.context import RetryBudget


class NotesPage(Page):
    """One page of notes."""

    __slots__ = ()

    @property
    def notes(self) -> list[Mapping[str, Any]]:
        """Its records."""
        return self.records


class NotesApi:
    """The notes of one request."""

    def __init__(self, api: ApiClient, request_id: int) -> None:
        self._api = api
        path = f"/requests/{request_id}/notes"
        self._list = PagedList(path, "notes", NOTES_PER_PAGE, MAX_NOTE_PAGES, MAX_NOTES)

    def pages(
        self, context: ErrorContext, budget: RetryBudget | None = None
    ) -> Iterator[NotesPage]:
        """Yield all notes, page by page; newest first is asked for, but not relied on.

        Raises:
            StepError: they cannot all be read.
        """
        for page in self._list.pages(self._api, {"sort": "-id"}, context, budget):
            yield NotesPage(*page)
