"""The calls of the 4me API: update a request, and find out what has become of an update."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from fourme.api_errors import ErrorContext, error_from_response
from operations.connection import connection_problems
from operations.payload import update_of
from operations.request_output import REQUEST_OUTPUTS, request_output
from operations.verification import (
    AttemptStart,
    NoteMatch,
    attempt_started_at,
    different_fields,
    match_note,
    notes_of,
)
from process.errors import (
    OutcomeUnknownError,
    OutputError,
    SpecError,
    StepError,
    UnexpectedResponseError,
)
from process.settings import MAX_NOTE_PAGES, MAX_NOTES, MAX_VERIFICATION_TIME, NOTES_PER_PAGE
from spec.attachments import attachment_problems
from spec.problems import Problem
from spec.validation import invalid_spec
from transport.failures import trace_id_of
from transport.http import RequestBody, json_body
from transport.retrying import Call, RetryBudget, Verification, retry_or_verify

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests

    from fourme.client import ApiClient, ApiResponse
    from operations.payload import Update
    from process.output import Output
    from spec.coercion import CoercedSpec
    from spec.schema import SpecSchema
    from spec.validation import Spec

logger = logging.getLogger("step.4me")

_NO_CHANGE = (
    "Name a field to change; null, read-only inputs and empty lists of additions change none. To "
    "read a request only, use the `get` step (4me-step-requests-get)."
)


class UpdateOperation:
    """Updates one request."""

    schema_folder = ""
    outputs = REQUEST_OUTPUTS

    def problems(self, coerced: CoercedSpec, schema: SpecSchema) -> Iterator[Problem]:
        """Yield what is wrong with a spec beyond what its schema says."""
        yield from connection_problems(coerced)
        request = coerced.spec.get("request")
        if isinstance(request, dict):
            yield from _known_additions(request.get("additional_fields"), schema)
            yield from attachment_problems(request, schema)

    def run(self, spec: Spec, api: ApiClient) -> Output:
        """Update the request; return it as 4me answers it.

        Raises:
            StepError: `applied` says whether the request was updated.
        """
        update = update_of(spec.values["request"], spec.cleared, spec.schema)
        if not any(_is_change(name, value, spec.schema) for name, value in update.body.items()):
            raise invalid_spec([Problem("request", "would change nothing", _NO_CHANGE)])
        host = api.connection.host.address
        logger.info("Updating request %d at %s: %s", update.request_id, host, update.summary)
        request = RequestUpdater(api, spec.schema).update(update)
        logger.info("Request %d is updated.", update.request_id)
        return request_output(request, api.connection, "yes")


OPERATION = UpdateOperation()


def _is_change(name: str, value: object, schema: SpecSchema) -> bool:
    """Return whether a member of an update's body changes anything.

    4me merges custom fields and adds attachments, so that a list of none leaves all as it is.
    """
    field = schema.fields.get(name)
    return value != [] or field is None or field.kind not in ("custom_fields", "attachments")


def _known_additions(additions: object, schema: SpecSchema) -> Iterator[Problem]:
    """Yield a problem for each additional field that has a place of its own."""
    for name in additions if isinstance(additions, dict) else ():
        if name in schema.fields:
            yield Problem(
                f"request.additional_fields.{name}",
                "is a field that this step knows",
                f"Move it to request.{name}, where it is checked.",
            )


class RequestUpdater:
    """Updates requests through the 4me API."""

    def __init__(self, api: ApiClient, schema: SpecSchema) -> None:
        self._api = api
        self._schema = schema
        self._private: tuple[str, ...] = ()  # the notes: no log may quote them
        self._starts: dict[float, AttemptStart] = {}  # by when they began here

    def update(self, update: Update) -> dict[str, Any]:
        """Upload the files of an update, make it, and return the full request as 4me answers it.

        Raises:
            StepError: see `process.errors`; `applied` says whether the request was updated.
        """
        stored = {}
        self._api.context.raise_if_terminated()
        if update.files:
            from fourme.uploads import upload_all  # noqa: PLC0415  most runs have no files

            stored = upload_all(update.files, self._api, self._api.budget())
            self._api.context.raise_if_terminated()
        attached = update.attached(stored, self._schema)
        for problem in attached.oversized(self._schema):
            raise SpecError(str(problem), fix="Shorten the text, or show fewer files inline.")
        return self._update(attached)

    def _update(self, update: Update) -> dict[str, Any]:
        self._private = tuple(note.text for note in update.notes)
        budget = self._api.budget()
        body = RequestBody(json.dumps(update.body).encode("ascii"))
        call = Call(
            purpose=f"update request {update.request_id}",
            service=self._api.service,
            idempotency=update.idempotency,
            verify=lambda started: self._look_for(update, started, budget),
            manual_check=self._look_at(update),
            is_unsent=lambda: not body.sent,
        )
        answered: list[dict[str, Any]] = []

        def attempt() -> requests.Response:
            self._api.renew_connections()
            body.rewind()
            response = self._api.send_once("PATCH", f"/requests/{update.request_id}", body=body)
            if response.ok:
                answered.append(_request_of(response, update.request_id))
                budget.clock.mark_applied()
            return response

        response = retry_or_verify(call, attempt, budget)
        if response is None:
            return self._read_updated(update, budget)
        if not response.ok:
            raise error_from_response(response, self._attempted(update, call.purpose))
        left = response.headers.get("X-RateLimit-Remaining", "")
        logger.debug("Requests left under the rate limit: %s", left if left.isdigit() else "?")
        return answered[-1]

    def _attempted(self, update: Update, purpose: str) -> ErrorContext:
        """Return what was attempted, with the roles that the fields of this update need."""
        roles = [
            f"{role} (for {known.name})"
            for name, known in self._schema.fields.items()
            for role in known.roles
            if name == known.name and known.api_name in update.body
        ]
        account = self._api.connection.account
        return ErrorContext(
            purpose, account, update.request_id, ("Specialist", *roles), self._private
        )

    def _look_at(self, update: Update) -> str:
        connection = self._api.connection
        page = connection.host.html_url(connection.account, update.request_id)
        if not update.adds:
            return f"Open {page} and compare. Running the step again does no harm."
        return (
            f"Open {page} and look whether this is there: {', '.join(update.adds)}. "
            "If not, run the step again; if it is, do not."
        )

    def _look_for(self, update: Update, started: float, budget: RetryBudget) -> Verification:
        """Return whether the notes of an update are there (`operations.verification`).

        Args:
            update: the update.
            started: when the attempt in doubt began, by `budget.clock.monotonic()`.
            budget: what may be spent.

        Raises:
            StepError: the notes cannot be read.
        """
        found = dict.fromkeys(update.notes, NoteMatch.ANOTHER)
        unclear: object = None
        for note, start in self._notes(started, update, budget):
            for expected in update.notes:
                match = match_note(note, expected, start)
                if match is NoteMatch.UNCLEAR:
                    unclear = note.get("id")
                found[expected] = max(found[expected], match)
            if all(match is NoteMatch.RECOGNISED for match in found.values()):
                budget.clock.mark_applied()
                logger.info("The update has arrived: its notes are there.")
                return Verification(arrived=True)
        if all(match is NoteMatch.ANOTHER for match in found.values()):
            return Verification(arrived=False)
        if NoteMatch.UNCLEAR not in found.values():
            return Verification(arrived=False, unclear="only some of the notes are there")
        return Verification(
            arrived=False,
            unclear=f"note {unclear if isinstance(unclear, int) else 'without an id'} may be the "
            "one sent: it was added at that time, or has the same text",
        )

    def _notes(
        self, started: float, update: Update, budget: RetryBudget
    ) -> Iterator[tuple[Mapping[str, Any], AttemptStart]]:
        """Yield all notes of a request, and when an attempt began by the server's clock.

        Newest first is asked for, but nothing relies on any order.

        Raises:
            StepError: they cannot all be read.
        """
        params: Mapping[str, str] | str = {"sort": "-id", "per_page": str(NOTES_PER_PAGE)}
        seen = 0
        total: int | None = None
        began = budget.clock.monotonic()
        for _ in range(MAX_NOTE_PAGES):
            path = f"/requests/{update.request_id}/notes"
            answer = self._read(path, "read the notes", budget, params)
            answered = budget.clock.monotonic()
            start = self._start_of(started, answer, answered)
            notes = notes_of(answer.value)
            for note in notes:
                yield note, start
            page = _NotesPage(answer.response, len(notes))
            total = page.total if seen == 0 else total
            seen += page.size
            if page.next_query is None:
                page.check_is_last(seen, total)
                return
            if seen >= MAX_NOTES or page.next_query == params:
                break
            if budget.clock.terminated:
                raise UnexpectedResponseError(
                    "the step was asked to end before all notes were read"
                )
            if answered - began > MAX_VERIFICATION_TIME:
                raise UnexpectedResponseError("reading the notes takes too long")
            params = page.next_query
        raise UnexpectedResponseError(f"the request has more than {seen} notes")

    def _start_of(self, started: float, answer: ApiResponse, answered: float) -> AttemptStart:
        """Return when an attempt began by the server's clock: the latest that any answer tells.

        Each is rounded down, so that the latest is the nearest.
        """
        start = attempt_started_at(answer.response, answer.asked_at - started, answered - started)
        before = self._starts.get(started, start)
        self._starts[started] = AttemptStart(*map(max, start, before))
        return self._starts[started]

    def _read(
        self,
        path: str,
        purpose: str,
        budget: RetryBudget,
        params: Mapping[str, str] | str | None = None,
    ) -> ApiResponse:
        answer = self._api.read(path, purpose, budget, params)
        if not answer.response.ok:
            error_context = ErrorContext(
                purpose, self._api.connection.account, private=self._private
            )
            raise error_from_response(answer.response, error_context)
        return answer

    def _read_updated(self, update: Update, budget: RetryBudget) -> dict[str, Any]:
        """Return the request after an update whose answer was lost.

        Raises:
            OutputError: it cannot be read.
            OutcomeUnknownError: it is not as the update would have left it.
        """
        path = f"/requests/{update.request_id}"
        try:
            answer = self._read(path, "read the request", budget)
            request = _checked_request(answer.value, update.request_id, None, None)
        except StepError as error:
            raise OutputError(
                f"Request {update.request_id} was updated, but 4me's answer was lost and the "
                "request could not be read.",
                details=(error.what,),
                fix="Go on with the workflow by hand; running the step again would repeat "
                f"{', '.join(update.adds)}.",
                status=error.status,
            ) from error
        others = tuple(different_fields(update.body, request, self._schema))
        if others:
            raise OutcomeUnknownError(
                f"Request {update.request_id} has a note like the one sent, but other fields are "
                "not as sent.",
                details=others,
                cause="somebody else has added the same note, or has changed these fields since",
                fix=self._look_at(update),
            )
        return request


class _NotesPage(NamedTuple):
    """One page of a list of notes: the answer, and how many are on it."""

    response: requests.Response
    size: int

    @property
    def next_query(self) -> str | None:
        """The query of the next page, as the server gives it; None on the last one.

        Of the address, that is all that is used: what a proxy makes of the rest is never called.

        Raises:
            UnexpectedResponseError: the server says of a next page, but not how to ask for it.
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
        """How many notes the server says that there are on all pages; None when it does not."""
        total = self.response.headers.get("X-Pagination-Total-Entries", "")
        return int(total[:18]) if total.isascii() and total.isdigit() else None

    def check_is_last(self, seen: int, total: int | None) -> None:
        """Make sure that a page without a next one is the last.

        Args:
            seen: how many notes there were on all pages.
            total: how many there should be, as the first page says: others may be added meanwhile.

        Raises:
            UnexpectedResponseError: something has removed the link to the next page.
        """
        is_last = self.size < NOTES_PER_PAGE if total is None else seen >= total
        if not is_last:
            raise UnexpectedResponseError("the answer does not link to the next page of notes")


def _request_of(response: requests.Response, request_id: int) -> dict[str, Any]:
    return _checked_request(
        json_body(response), request_id, response.status_code, trace_id_of(response)
    )


def _checked_request(
    value: object, request_id: int, status: int | None, trace_id: str | None
) -> dict[str, Any]:
    """Return an answer that is the request that was asked for.

    Raises:
        UnexpectedResponseError: it is not.
    """
    if isinstance(value, dict) and value.get("id") == request_id:
        return value
    other = value.get("id") if isinstance(value, dict) else None
    found = f"with id {other}" if isinstance(other, int) else "of another kind"
    raise UnexpectedResponseError(
        f"4me answered with a record {found} where request {request_id} was expected.",
        cause="another service answers in 4me's place",
        fix="Check the host, and open the request to see whether it was updated.",
        status=status,
        trace_id=trace_id,
    )
