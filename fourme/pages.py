"""Lists of records, page by page."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from process.errors import UnexpectedResponseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests

    from fourme.client import ApiClient, ErrorContext
    from transport.context import RetryBudget


class TooManyRecordsError(UnexpectedResponseError):
    """A list has more records than are read."""


@contextmanager
def named_errors(purpose: str, fix: str) -> Iterator[None]:
    """Say in an error about an answer what was being read, and that nothing was changed.

    Args:
        purpose: as in "The step could not ... ".
        fix: what to do, unless the error says it.
    """
    try:
        yield
    except UnexpectedResponseError as error:
        error.what = f"The step could not {purpose}: {error.what.removesuffix('.')}."
        error.fix = error.fix or fix
        error.applied = "no"
        if isinstance(error, TooManyRecordsError):
            error.again = "after a fix"  # there will be no fewer the next time
        raise


class Page(NamedTuple):
    """One page of a list, and the monotonic times of its request and its response."""

    records: list[Mapping[str, Any]]
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
            raise UnexpectedResponseError("the answer does not say where the next page is")
        return query

    @property
    def total(self) -> int | None:
        """The number of records on all pages; None where the server does not say."""
        total = self.response.headers.get("X-Pagination-Total-Entries", "")
        return int(total[:18]) if total.isascii() and total.isdigit() else None


class PagedList(NamedTuple):
    """A list of the API.

    Attributes:
        path: its path below the API's address.
        records: what messages call its records, such as `notes`.
        per_page: how many of them a page is to have.
        max_pages: how many pages are read at most.
        max_records: how many records are read at most.
    """

    path: str
    records: str
    per_page: int
    max_pages: int
    max_records: int

    def pages(
        self,
        api: ApiClient,
        query: Mapping[str, str],
        context: ErrorContext,
        budget: RetryBudget | None = None,
    ) -> Iterator[Page]:
        """Yield the pages, each read under the retry policy, with a budget of its own by default.

        Raises:
            TooManyRecordsError: there are more pages or records than the limits allow.
            UnexpectedResponseError: an answer is no page of the list, or lacks the link to the
                next one.
            StepError: a page cannot be read.
        """
        params: Mapping[str, str] | str = {**query, "per_page": str(self.per_page)}
        seen, total = 0, None
        for _ in range(self.max_pages):
            page = self._page(api, params, context, budget or api.budget())
            yield page
            total = page.total if seen == 0 else total  # records may be added meanwhile
            seen += len(page.records)
            if page.next_query is None:
                if len(page.records) < self.per_page if total is None else seen >= total:
                    return
                raise UnexpectedResponseError("the answer does not link to the next page")
            if page.next_query == params:
                raise UnexpectedResponseError("the answer links to the same page as the next one")
            if seen >= self.max_records:
                break
            params = page.next_query
        raise TooManyRecordsError(f"there are more than {seen} {self.records}")

    def _page(
        self,
        api: ApiClient,
        params: Mapping[str, str] | str,
        context: ErrorContext,
        budget: RetryBudget,
    ) -> Page:
        records, response, requested_at = api.get(self.path, context, budget, params)
        if not isinstance(records, list) or not all(isinstance(item, dict) for item in records):
            raise UnexpectedResponseError(f"the answer is not a list of {self.records}")
        return Page(records, response, requested_at, budget.clock.monotonic())
