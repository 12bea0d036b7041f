"""Updates one request, and publishes it as it is after the update."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from fourme.api_errors import ErrorContext
from fourme.requests_api import RequestsApi
from operations.connection import connection_problems
from operations.payload import build_payload
from operations.request_output import REQUEST_OUTPUTS, request_output
from operations.verification import UpdateVerifier
from process.errors import SpecError, UnexpectedResponseError
from spec.attachments import attachment_problems
from spec.problems import Problem
from spec.validation import invalid_spec
from transport.http import RequestBody
from transport.retrying import retry_call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourme.client import ApiClient
    from operations.payload import UpdatePayload
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
        payload = build_payload(spec.values["request"], spec.cleared, spec.schema)
        if not any(_is_change(name, value, spec.schema) for name, value in payload.body.items()):
            raise invalid_spec([Problem("request", "would change nothing", _NO_CHANGE)])
        host = api.connection.host.address
        logger.info("Updating request %d at %s: %s", payload.request_id, host, payload.summary)
        request = RequestUpdater(payload, spec.schema, api).update()
        logger.info("Request %d is updated.", payload.request_id)
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
    """Makes one update of one request."""

    def __init__(self, payload: UpdatePayload, schema: SpecSchema, api: ApiClient) -> None:
        self._payload = payload
        self._schema = schema
        self._api = api

    def update(self) -> dict[str, Any]:
        """Upload the files, update the request, and return it as 4me answers it.

        Raises:
            StepError: see `process.errors`; `applied` says whether the request was updated.
        """
        self._api.context.raise_if_terminated()
        self._attach_files()
        payload = self._payload
        budget = self._api.budget()
        body = RequestBody(json.dumps(payload.body).encode("ascii"))
        call = self._api.call(f"update request {payload.request_id}", payload.idempotency)
        call = call._replace(manual_check=self._manual_check(), is_unsent=lambda: not body.sent)
        error_context = self._error_context(call.purpose)

        def attempt() -> dict[str, Any]:
            try:
                request = RequestsApi(self._api).update(payload.request_id, body, error_context)
            except UnexpectedResponseError as error:
                error.fix = f"{error.fix} {call.manual_check}"
                raise
            budget.clock.mark_applied()
            return request

        verifier = UpdateVerifier(payload, self._schema, self._api, budget, call.manual_check)
        return retry_call(call, attempt, budget, verifier if payload.notes else None)

    def _attach_files(self) -> None:
        uploaded = {}
        if self._payload.files:
            from fourme.uploads import upload_all  # noqa: PLC0415  most runs have no files

            uploaded = upload_all(self._payload.files, self._api, self._api.budget())
            self._api.context.raise_if_terminated()
        self._payload = self._payload.with_uploads(uploaded, self._schema)
        for problem in self._payload.oversized(self._schema):
            raise SpecError(str(problem), fix="Shorten the text, or show fewer files inline.")

    def _error_context(self, purpose: str) -> ErrorContext:
        """Return what a rejection's message says, with the roles that these fields take."""
        roles = [
            f"{role} (for {field.name})"
            for name, field in self._schema.fields.items()
            for role in field.roles
            if name == field.name and field.api_name in self._payload.body
        ]
        return ErrorContext(
            purpose,
            self._payload.request_id,
            ("Specialist", *roles),
            self._payload.private_texts,
        )

    def _manual_check(self) -> str:
        connection = self._api.connection
        url = connection.host.html_url(connection.account, self._payload.request_id)
        added = self._payload.non_idempotent_fields
        if not added:
            return f"Open {url} and compare. Running the step again does no harm."
        return (
            f"Open {url} and look whether this is there: {', '.join(added)}. "
            "If not, run the step again; if it is, do not."
        )
