"""The calls of the 4me API: update a request, and find out what has become of an update."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from fourme.arrival import created_at, different_fields, is_note, notes_of, start_by_server
from fourme.delivery import Budget, Call, deliver_or_verify
from fourme.errors import (
    OutcomeUnknownError,
    OutputError,
    SpecError,
    StepError,
    UnexpectedAnswerError,
)
from fourme.logs import said
from fourme.mishaps import trace_of
from fourme.refusals import Attempted, refusal
from fourme.settings import MOST_NOTE_PAGES, NOTES_PER_PAGE
from fourme.transport import Parcel, json_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests

    from fourme.api import FourMeApi
    from fourme.schema import SpecSchema
    from fourme.translation import Update

logger = logging.getLogger("step.4me")


class FourMeClient:
    """Updates requests through the 4me API."""

    def __init__(self, api: FourMeApi, schema: SpecSchema) -> None:
        self._api = api
        self._schema = schema
        self._private: tuple[str, ...] = ()  # the notes: no log may quote them

    def update(self, update: Update) -> dict[str, Any]:
        """Upload the files of an update, make it, and return the full request as 4me answers it.

        Raises:
            StepError: see `fourme.errors`; `applied` says whether the request was updated.
        """
        stored = {}
        self._api.transport.stop_if_terminated()
        if update.files:
            from fourme.storage import upload_all  # noqa: PLC0415  most runs have no files

            stored = upload_all(update.files, self._api, self._api.budget())
            self._api.transport.stop_if_terminated()
        attached = update.attached(stored, self._schema)
        for problem in attached.oversized(self._schema):
            raise SpecError(str(problem), todo="Shorten the text, or show fewer files inline.")
        return self._update(attached)

    def _update(self, update: Update) -> dict[str, Any]:
        self._private = tuple(note.text for note in update.notes)
        budget = self._api.budget()
        started = budget.clock.monotonic()
        call = Call(
            purpose=f"update request {update.request_id}",
            service=self._api.service,
            repeatable=update.repeatable,
            has_arrived=lambda: self._has_arrived(update, started, budget),
            look_at=self._look_at(update),
        )
        answered: list[dict[str, Any]] = []

        def attempt() -> requests.Response:
            parcel = Parcel(json.dumps(update.body).encode("ascii"))
            response = self._api.exchange("PATCH", f"/requests/{update.request_id}", parcel=parcel)
            if response.ok:
                answered.append(_request_of(response, update.request_id))
            return response

        response = deliver_or_verify(call, attempt, budget)
        if response is None:
            return self._read_updated(update, budget)
        if not response.ok:
            raise refusal(response, self._attempted(update, call.purpose))
        left = response.headers.get("X-RateLimit-Remaining", "unknown")
        logger.debug("Requests left under the rate limit: %s", said(left))
        return answered[-1]

    def _attempted(self, update: Update, purpose: str) -> Attempted:
        """Return what was attempted, with the roles that the fields of this update need."""
        roles = [
            f"{role} (for {known.name})"
            for name, known in self._schema.fields.items()
            for role in known.roles
            if name == known.name and known.sent_as in update.body
        ]
        account = self._api.connection.account
        return Attempted(purpose, account, update.request_id, ("Specialist", *roles), self._private)

    def _look_at(self, update: Update) -> str:
        connection = self._api.connection
        page = connection.host.page_of(connection.account, update.request_id)
        if not update.adds:
            return f"Open {page} and compare. Running the step again does no harm."
        return (
            f"Open {page} and look whether this is there: {', '.join(update.adds)}. "
            "If not, run the step again; if it is, do not."
        )

    def _has_arrived(self, update: Update, started: float, budget: Budget) -> bool:
        """Return whether the notes of an update are there (contract section 5).

        Args:
            update: the update.
            started: when its first attempt began, by `budget.clock.monotonic()`.
            budget: what may be spent.

        Raises:
            StepError: it cannot be told.
        """
        missing = list(update.notes)
        for note in self._notes_since(started, update, budget):
            missing = [expected for expected in missing if not is_note(note, expected)]
            if not missing:
                logger.info("The update has arrived: its notes are there.")
                return True
        if len(missing) < len(update.notes):
            raise OutcomeUnknownError("only some of the notes are there")
        return False

    def _notes_since(
        self, started: float, update: Update, budget: Budget
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the notes added since an attempt began, newest first, by the server's clock."""
        since: float | None = None
        for page in range(1, MOST_NOTE_PAGES + 1):
            notes, response = self._read(
                f"/requests/{update.request_id}/notes",
                "read the notes",
                budget,
                {"per_page": str(NOTES_PER_PAGE), "page": str(page)},
            )
            if since is None:
                since = start_by_server(response, budget.clock.monotonic() - started)
            for note in notes_of(notes):
                if created_at(note) < since:
                    return
                yield note
            if 'rel="next"' not in response.headers.get("Link", ""):
                return
            self._api.transport.stop_if_terminated()
        raise UnexpectedAnswerError("there is no end of notes")

    def _read(
        self, path: str, purpose: str, budget: Budget, params: Mapping[str, str] | None = None
    ) -> tuple[Any, requests.Response]:
        value, response = self._api.read(path, purpose, budget, params)
        if not response.ok:
            attempted = Attempted(purpose, self._api.connection.account, private=self._private)
            raise refusal(response, attempted)
        return value, response

    def _read_updated(self, update: Update, budget: Budget) -> dict[str, Any]:
        """Return the request after an update whose answer was lost.

        Raises:
            OutputError: it cannot be read.
            OutcomeUnknownError: it is not as the update would have left it.
        """
        try:
            value, _ = self._read(f"/requests/{update.request_id}", "read the request", budget)
            request = _checked_request(value, update.request_id, None, None)
        except StepError as error:
            raise OutputError(
                f"Request {update.request_id} was updated, but 4me's answer was lost and the "
                "request could not be read.",
                details=(error.what,),
                todo="Go on with the workflow by hand; running the step again would repeat "
                f"{', '.join(update.adds)}.",
                status=error.status,
            ) from error
        others = tuple(different_fields(update.body, request, self._schema))
        if others:
            raise OutcomeUnknownError(
                f"Request {update.request_id} has a note like the one sent, but other fields are "
                "not as sent.",
                details=others,
                usually="somebody else has added the same note, or has changed these fields since",
                todo=self._look_at(update),
            )
        return request


def _request_of(response: requests.Response, request_id: int) -> dict[str, Any]:
    return _checked_request(json_of(response), request_id, response.status_code, trace_of(response))


def _checked_request(
    value: object, request_id: int, status: int | None, trace: str | None
) -> dict[str, Any]:
    """Return an answer that is the request that was asked for.

    Raises:
        UnexpectedAnswerError: it is not.
    """
    if isinstance(value, dict) and value.get("id") == request_id:
        return value
    found = (
        f"with id {said(str(value.get('id')))}" if isinstance(value, dict) else "of another kind"
    )
    raise UnexpectedAnswerError(
        f"4me answered with a record {found} where request {request_id} was expected.",
        usually="another service answers in 4me's place",
        todo="Check the host, and open the request to see whether it was updated.",
        status=status,
        trace=trace,
    )
