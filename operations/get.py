"""Reads one request, and publishes it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from fourme.client import ErrorContext
from fourme.requests_api import RequestsApi
from operations import connection_problems
from operations.request_output import REQUEST_RESULTS, request_output
from process.errors import RequestNotFoundError
from process.output import Output, OutputSpec, ResultSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fourme.client import ApiClient
    from spec.coercion import CoercedSpec
    from spec.problems import Problem
    from spec.schema import SpecSchema
    from spec.validation import Spec

logger = logging.getLogger("step.4me")

_FOUND = ResultSpec("found", "whether there is such a request: `true` or `false`", 5)


class GetOperation:
    """Reads one request."""

    schema_folder = "steps/get"
    outputs = OutputSpec(("request", "found", "notes"), (*REQUEST_RESULTS, _FOUND))

    def problems(self, coerced: CoercedSpec, schema: SpecSchema) -> Iterator[Problem]:  # noqa: ARG002  as every operation has it
        """Yield what is wrong with a spec beyond what its schema says."""
        return connection_problems(coerced)

    def run(self, spec: Spec, api: ApiClient) -> Output:
        """Read the request, and its notes if they are wanted; see `if_missing` for none."""
        try:
            request = _read_request(spec.values, api)
        except RequestNotFoundError as error:
            if spec.values.get("if_missing") != "report":
                raise
            logger.warning("%s", error.what)
            values = {"request": None, "found": False, "notes": None}
            return Output(values, {_FOUND.name: "false"}, applied="no")
        notes = _read_notes(request["id"], api) if spec.values.get("notes") else None
        output = request_output(request, api.connection, "no")
        return output._replace(
            values={**output.values, "found": True, "notes": notes},
            results={**output.results, _FOUND.name: "true"},
        )


OPERATION = GetOperation()


def _read_request(values: Mapping[str, Any], api: ApiClient) -> dict[str, Any]:
    """Return the request that a spec names or describes.

    Raises:
        RequestNotFoundError: there is none.
        StepError: it cannot be found or read.
    """
    request_id = values.get("request_id")
    if request_id is None:
        from operations.finding import find_request  # noqa: PLC0415  most specs have the number

        request_id = find_request(values["find"], api)
    logger.info("Reading request %d at %s.", request_id, api.connection.host.address)
    context = ErrorContext(f"read request {request_id}", request_id)
    return RequestsApi(api).get(request_id, context, api.budget())


def _read_notes(request_id: int, api: ApiClient) -> list[Mapping[str, Any]]:
    """Return all notes, in 4me's order.

    Raises:
        UnexpectedResponseError: there are too many, or the response is another one.
        TerminatedError: SIGTERM has come before the last page was asked for.
        StepError: they cannot be read.
    """
    from fourme.notes_api import NotesApi  # noqa: PLC0415  most runs do not read them
    from fourme.pages import named_errors  # noqa: PLC0415  likewise

    purpose = f"read the notes of request {request_id}"
    notes: dict[object, Mapping[str, Any]] = {}  # by ID: a new note moves others to the next page
    with named_errors(purpose, "Leave `notes` out, or look at the request in 4me."):
        for page in NotesApi(api, request_id).pages(
            ErrorContext(purpose, request_id, was_read=True)
        ):
            notes.update((_key_of(note), note) for note in page.records)
            if page.next_query:
                api.context.raise_if_terminated()
    return [*notes.values()]


def _key_of(note: Mapping[str, Any]) -> object:
    """Return what no other note has: its ID, or a new object where 4me gives none."""
    note_id = note.get("id")
    return note_id if isinstance(note_id, int) else object()
