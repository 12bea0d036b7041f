"""The calls of the 4me API: update a request, and find out what has become of an update."""

from __future__ import annotations

import json
import logging
import re
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import requests
from requests.utils import get_environ_proxies

from fourme import VERSION
from fourme.delivery import Budget, Call, deliver
from fourme.errors import (
    AccessError,
    OutcomeUnknownError,
    OutputError,
    RefusedError,
    RequestNotFoundError,
    StepError,
    UnexpectedAnswerError,
)
from fourme.logs import said
from fourme.mishaps import server_time, trace_of
from fourme.retry import Repeatable
from fourme.settings import NOTES_PER_PAGE
from fourme.transport import Parcel, exchange, json_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fourme.schema import SpecSchema
    from fourme.translation import ExpectedNote, Update
    from fourme.transport import Transport
    from fourme.validation import Connection

logger = logging.getLogger("step.4me")

USER_AGENT = f"4me-step-requests-update/{VERSION}"


class FourMeClient:
    """Calls the 4me API as one user in one account."""

    def __init__(self, connection: Connection, transport: Transport, schema: SpecSchema) -> None:
        self._connection = connection
        self._transport = transport
        self._schema = schema
        self._session = requests.Session()
        self._session.trust_env = False  # no .netrc; proxies and CAs are set here
        self._session.headers.update(
            {
                "Authorization": f"Bearer {connection.access_token}",
                connection.host.account_header: connection.account,
                "User-Agent": USER_AGENT,
                "Accept": "application/json",
            }
        )
        self._session.verify = transport.verify
        if not connection.host.is_loopback:
            self._session.proxies = get_environ_proxies(connection.host.api_url, no_proxy=None)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def update(self, update: Update) -> dict[str, Any]:
        """Update a request; return the full request as 4me answers it.

        Raises:
            StepError: see `fourme.errors`; `applied` says whether the request was updated.
        """
        budget = Budget(self._transport.settings, self._transport.clock)
        started = budget.clock.monotonic()
        path = f"/requests/{update.request_id}"
        call = Call(
            purpose=f"update request {update.request_id}",
            service=self._service,
            repeatable=update.repeatable,
            has_arrived=lambda: self._has_arrived(update, started, budget),
            look_at=self._look_at(update),
        )
        answered: list[dict[str, Any]] = []

        def attempt() -> requests.Response:
            parcel = Parcel(json.dumps(update.body).encode("ascii"))
            response = self._exchange("PATCH", path, parcel)
            if response.ok:
                answered.append(_request_of(response, update.request_id))
            return response

        response = deliver(call, attempt, budget)
        if response is None:
            return self._read_updated(update, budget)
        if not response.ok:
            raise self._refusal(response, update)
        logger.debug(
            "Rate limit: %s requests left", said(response.headers.get("X-RateLimit-Remaining", "?"))
        )
        return answered[-1]

    @property
    def _service(self) -> str:
        return f"4me ({self._connection.host.address})"

    def _look_at(self, update: Update) -> str:
        page = self._connection.host.page_of(self._connection.account, update.request_id)
        if not update.adds:
            return f"Open {page} and compare. Running the step again does no harm."
        return (
            f"Open {page} and look whether this is there: {', '.join(update.adds)}. "
            "If not, run the step again; if it is, do not."
        )

    def _exchange(
        self,
        method: str,
        path: str,
        parcel: Parcel | None = None,
        params: Mapping[str, str] | None = None,
    ) -> requests.Response:
        def send() -> requests.Response:
            return self._session.request(
                method,
                self._connection.host.api_url + path,
                params=params,
                data=parcel,
                headers={"Content-Type": "application/json"} if parcel else None,
                timeout=self._transport.timeout,
                allow_redirects=False,
                stream=True,
            )

        return exchange(send, self._transport, parcel=parcel)

    def _get(
        self, path: str, purpose: str, budget: Budget, params: Mapping[str, str] | None = None
    ) -> tuple[Any, requests.Response]:
        """Read something; return its JSON value and the answer it came in."""
        answers: list[Any] = []

        def attempt() -> requests.Response:
            response = self._exchange("GET", path, params=params)
            if response.ok:
                answers.append(json_of(response))
            return response

        response = deliver(Call(purpose, self._service, Repeatable.READS), attempt, budget)
        if response is None or not response.ok:
            status = response.status_code if response is not None else None
            raise RefusedError(f"{self._service} answered {status}.", status=status)
        return answers[-1], response

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
            missing = [expected for expected in missing if not _is_note(note, expected)]
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
        page = 1
        since: float | None = None
        while True:
            notes, response = self._get(
                f"/requests/{update.request_id}/notes",
                "read the notes",
                budget,
                {"per_page": str(NOTES_PER_PAGE), "page": str(page)},
            )
            if since is None:
                since = _start_by_server(response, budget.clock.monotonic() - started)
            for note in _notes_of(notes):
                if _created_at(note) < since:
                    return
                yield note
            if 'rel="next"' not in response.headers.get("Link", ""):
                return
            page += 1

    def _read_updated(self, update: Update, budget: Budget) -> dict[str, Any]:
        """Return the request after an update whose answer was lost."""
        try:
            value, _ = self._get(f"/requests/{update.request_id}", "read the request", budget)
            return _checked_request(value, update.request_id, None, None)
        except StepError as error:
            raise OutputError(
                f"Request {update.request_id} was updated, but 4me's answer was lost and the "
                "request could not be read.",
                details=(error.what,),
                todo="Go on with the workflow by hand; running the step again would repeat "
                f"{', '.join(update.adds)}.",
                status=error.status,
            ) from error

    def _refusal(self, response: requests.Response, update: Update) -> StepError:
        """Return the error for an answer from 400 to 499."""
        status = response.status_code
        facts: dict[str, Any] = {"status": status, "trace": trace_of(response)}
        account = self._connection.account
        if status == HTTPStatus.UNAUTHORIZED:
            return AccessError(
                f"4me does not accept the access token (401) in account {account}.",
                usually="the token was revoked or has expired, or belongs to another account or "
                "another 4me environment than the host's",
                todo="Make a new token (4me: My Profile, Personal Access Tokens), and check "
                "accessToken, account and host of the connection.",
                **facts,
            )
        if status == HTTPStatus.FORBIDDEN:
            return AccessError(
                f"The token's user may not update request {update.request_id} (403).",
                details=self._details_of(response),
                usually="a role is missing in the request's account: " + self._roles_for(update),
                todo="Ask an account administrator for the role, or for a token with it; a "
                "personal access token must also have the scope to update requests.",
                **facts,
            )
        if status == HTTPStatus.NOT_FOUND:
            return RequestNotFoundError(
                f"4me knows no request {update.request_id} in account {account} (404).",
                usually="the number is wrong, the request is in another account, or the token's "
                "user may not see it",
                todo="Check request_id, and the connection's account: a request that was passed "
                "to another account is updated there.",
                **facts,
            )
        return RefusedError(
            f"4me refused the update of request {update.request_id} ({status}).",
            details=self._details_of(response),
            usually="a value does not fit this request: see the fields above",
            todo="Mend these values in the workflow. Records of another account, or disabled "
            "ones, cannot be referred to.",
            **facts,
        )

    def _roles_for(self, update: Update) -> str:
        roles = ["Specialist"]
        for known in self._schema.fields.values():
            if known.roles and known.sent_as in update.body:
                roles += [f"{role} (for {known.name})" for role in known.roles]
        return ", ".join(roles)

    @staticmethod
    def _details_of(response: requests.Response) -> tuple[str, ...]:
        """Return what 4me says, field by field; in an error nothing must go wrong."""
        try:
            answer = json.loads(response.content)
        except (ValueError, RecursionError):
            return (said(response.text),) if response.content else ()
        if not isinstance(answer, dict):
            return (said(json.dumps(answer)),)
        errors = answer.get("errors")
        if not isinstance(errors, list) or not errors:
            return (said(str(answer.get("message", answer))),)
        return tuple(_error_line(error) for error in errors)


def _error_line(error: object) -> str:
    """Return `field: text` for a pair of 4me's, and the rest as it is."""
    if isinstance(error, list) and all(isinstance(part, str) for part in error):
        return said(": ".join(error))
    return said(json.dumps(error))


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


def _start_by_server(response: requests.Response, elapsed: float) -> float:
    """Return when an attempt began, by the server's clock: its time now less the time since.

    Both `Date` and `created_at` are whole seconds, cut; so is the result.
    """
    now = server_time(response.headers)
    if now is None:
        raise UnexpectedAnswerError("the answer has no Date header")
    return float(int(now - elapsed))


def _notes_of(value: object) -> list[Mapping[str, Any]]:
    if isinstance(value, list) and all(isinstance(note, dict) for note in value):
        return value
    raise UnexpectedAnswerError("the answer is not a list of notes")


def _created_at(note: Mapping[str, Any]) -> float:
    try:
        created = datetime.fromisoformat(note["created_at"])
        return (created if created.tzinfo else created.replace(tzinfo=UTC)).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise UnexpectedAnswerError("a note has no valid created_at") from error


def _is_note(note: Mapping[str, Any], expected: ExpectedNote) -> bool:
    """Return whether a note is the expected one; servers trim notes and change line breaks."""
    text = note.get("text")
    same = isinstance(text, str) and _words(text) == _words(expected.text)
    return same and bool(note.get("internal")) is expected.internal


def _words(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
