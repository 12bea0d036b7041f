"""Whether an update whose response was lost was applied, by its notes and fields."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from fourme.client import ErrorContext
from fourme.notes_api import NotesApi
from fourme.requests_api import RequestsApi
from operations.changes import differences, sent_and_found
from operations.comparison import compare_fields
from operations.note_matching import (
    AttemptStart,
    NoteMatch,
    attempt_started_at,
    match_new_note,
    match_note,
)
from process.errors import OutcomeUnknownError, OutputError, StepError, UnexpectedResponseError
from process.settings import MAX_VERIFICATION_TIME
from transport.retry_policy import Verification

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourme.client import ApiClient
    from fourme.pages import Page
    from operations.payload import ExpectedNote, UpdatePayload
    from spec.schema import SpecSchema
    from transport.context import RetryBudget

logger = logging.getLogger("step.4me")


class UpdateVerifier:
    """Asks 4me whether an update was applied; see `operations.note_matching`."""

    def __init__(
        self,
        payload: UpdatePayload,
        schema: SpecSchema,
        api: ApiClient,
        budget: RetryBudget,
        manual_check: str,
    ) -> None:
        self._payload = payload
        self._schema = schema
        self._api = api
        self._budget = budget
        self._manual_check = manual_check
        self._starts: dict[float, AttemptStart] = {}  # by the attempt's monotonic time

    def verify(self, attempt_started: float) -> Verification:
        """Look for the notes of the update."""
        found = dict.fromkeys(self._payload.notes, NoteMatch.NO_MATCH)
        unclear: object = None
        notes = NotesApi(self._api, self._payload.request_id)
        ends = self._budget.clock.monotonic() + MAX_VERIFICATION_TIME
        for page in notes.pages(self._context("read the notes"), self._budget):
            start = self._start_of(attempt_started, page)
            for note in page.records:
                for expected in self._payload.notes:
                    match = self._match(note, expected, start)
                    unclear = note.get("id") if match is NoteMatch.UNCLEAR else unclear
                    found[expected] = max(found[expected], match)
            if all(match is NoteMatch.MATCH for match in found.values()):
                self._budget.clock.mark_applied()
                logger.info("The update was applied: its notes are there.")
                return Verification(is_applied=True)
            if page.next_query:
                self._raise_if_stopped(page, ends)
        return Verification(is_applied=False, unclear=_unclear(set(found.values()), unclear))

    def result(self) -> dict[str, Any]:
        """Return the request after the update.

        Raises:
            OutputError: it cannot be read.
            OutcomeUnknownError: other fields are not as they were sent.
        """
        request_id = self._payload.request_id
        context = self._context("read the request")
        try:
            request = RequestsApi(self._api).get(request_id, context, self._budget)
        except StepError as error:
            raise OutputError(
                f"Request {request_id} was updated, but 4me's answer was lost and the "
                "request could not be read.",
                details=(error.what,),
                fix="Run the step again."
                if self._payload.known_notes is not None
                else "Continue the workflow by hand; running the step again would repeat "
                f"{', '.join(self._payload.non_idempotent_fields)}.",
                status=error.status,
            ) from error
        compared = compare_fields(self._payload.fields, request, self._schema)
        items = differences([item for item in compared if item.result == "different"], self._schema)
        if items and self._payload.known_notes is None:  # else the note is known to be ours
            raise OutcomeUnknownError(
                f"Request {request_id} has a note like the one sent, but other fields are "
                "not as sent.",
                details=tuple(sent_and_found(item) for item in items),
                cause="somebody else has added the same note, or has changed these fields since",
                fix=self._manual_check,
            )
        return request

    def _match(
        self, note: Mapping[str, Any], expected: ExpectedNote, start: AttemptStart
    ) -> NoteMatch:
        if self._payload.known_notes is None:
            return match_note(note, expected, start)
        return match_new_note(note, expected, self._payload.known_notes)

    def _context(self, purpose: str) -> ErrorContext:
        return ErrorContext(purpose, private_texts=self._payload.private_texts)

    def _raise_if_stopped(self, page: Page, ends: float) -> None:
        if self._budget.clock.terminated:
            raise UnexpectedResponseError("terminated before all notes were read")
        if page.responded_at > ends:
            raise UnexpectedResponseError("reading the notes takes too long")

    def _start_of(self, attempt_started: float, page: Page) -> AttemptStart:
        """Return the latest start of an attempt, by the server's clock, that any page gives.

        Each is rounded down, so the latest is the most precise.
        """
        start = attempt_started_at(
            page.response, page.requested_at - attempt_started, page.responded_at - attempt_started
        )
        before = self._starts.get(attempt_started, start)
        self._starts[attempt_started] = AttemptStart(*map(max, start, before))
        return self._starts[attempt_started]


def _unclear(matches: set[NoteMatch], note_id: object) -> str:
    """Return why it is unclear whether the notes are there; empty when it is clear."""
    if matches == {NoteMatch.NO_MATCH}:
        return ""
    if NoteMatch.UNCLEAR not in matches:
        return "only some of the notes are there"
    return (
        f"note {note_id if isinstance(note_id, int) else 'without an id'} may be the one sent: "
        "it was added at that time, or has the same text"
    )
