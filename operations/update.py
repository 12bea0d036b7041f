"""Updates one request, and publishes it as it is after the update."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from fourme.client import ErrorContext
from fourme.requests_api import RequestsApi
from operations import connection_problems
from operations.payload import build_payload
from operations.request_output import UPDATE_OUTPUTS, missing_output, update_output
from process.errors import RequestNotFoundError, SpecError, StepError, UnexpectedResponseError
from spec.problems import Problem
from spec.validation import invalid_spec
from transport.http import RequestBody
from transport.retrying import retry_call

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from fourme.client import ApiClient
    from fourme.hosts import Connection
    from operations.payload import UpdatePayload
    from process.output import Output
    from spec.coercion import CoercedSpec
    from spec.schema import SpecSchema
    from spec.validation import Spec
    from transport.retrying import Verifier

logger = logging.getLogger("step.4me")

_NO_CHANGE = (
    "Name a field to change; null, read-only inputs and empty lists of additions change none. To "
    "read a request only, use the `get` step (4me-step-requests-get)."
)


class UpdateOperation:
    """Updates one request."""

    schema_folder = ""
    outputs = UPDATE_OUTPUTS

    def problems(self, coerced: CoercedSpec, schema: SpecSchema) -> Iterator[Problem]:
        """Yield what is wrong with a spec beyond what its schema says."""
        yield from connection_problems(coerced)
        if "only_if" in coerced.spec:
            from spec.conditions import condition_problems  # noqa: PLC0415  most runs have none

            yield from condition_problems(coerced.spec["only_if"], schema)
        request = coerced.spec.get("request")
        if not isinstance(request, dict):
            return
        yield from _known_additions(request.get("additional_fields"), schema)
        if _has_attachments(request, schema):
            from spec.attachments import attachment_problems  # noqa: PLC0415  most runs have none

            yield from attachment_problems(request, schema)
        if coerced.spec.get("mode", "update") != "update":
            from operations.ensure_problems import ensure_problems  # noqa: PLC0415  likewise

            yield from ensure_problems(coerced, schema)

    def run(self, spec: Spec, api: ApiClient) -> Output:
        """Update the request; return the updated request.

        Raises:
            StepError: `applied` says whether the request was updated.
        """
        payload = build_payload(spec.values["request"], spec.cleared, spec.schema)
        if not any(_is_change(name, value, spec.schema) for name, value in payload.body.items()):
            raise invalid_spec([Problem("request", "would change nothing", _NO_CHANGE)])
        try:
            return _run(spec, payload, api)
        except RequestNotFoundError as error:
            if spec.values.get("if_missing") != "report":
                raise
            logger.warning("%s", error.what)
            return missing_output()
        except StepError as error:
            error.repeatable = spec.mode != "update" or not payload.non_idempotent_fields
            raise


OPERATION = UpdateOperation()


def _run(spec: Spec, payload: UpdatePayload, api: ApiClient) -> Output:
    if not payload.request_id:
        from operations.finding import find_request  # noqa: PLC0415  most specs have the ID

        payload = payload._replace(request_id=find_request(spec.values["find"], api))
    if spec.mode == "update" and "only_if" not in spec.values:
        return _update(payload, spec, api)
    from operations.planning import plan_update  # noqa: PLC0415  most runs send at once

    plan = plan_update(spec, payload, api)
    if plan.payload is None:
        return plan.output
    return plan.completed(_update(plan.payload, spec, api))


def _update(payload: UpdatePayload, spec: Spec, api: ApiClient) -> Output:
    host = api.connection.host.address
    logger.info("Updating request %d at %s: %s", payload.request_id, host, payload.summary)
    request = update_request(payload, spec.schema, api)
    logger.info("Request %d is updated.", payload.request_id)
    output = update_output(request, api.connection, "yes")
    if _is_as_sent(payload.fields, request, spec.schema):
        return output
    from operations.not_applied import with_not_applied  # noqa: PLC0415  most are as sent

    return with_not_applied(output, payload.fields, spec)


def _is_as_sent(values: Mapping[str, Any], request: Mapping[str, Any], schema: SpecSchema) -> bool:
    """Return whether fields are to the letter as they were sent: they need no comparison then."""
    for name, sent in values.items():
        field = schema.fields[name]
        if field.idempotent:
            found = request.get(field.api_name.removesuffix("_id"))
            found = found.get("id") if isinstance(found, dict) else found
            if found != sent:
                return False
    return True


def _is_change(name: str, value: object, schema: SpecSchema) -> bool:
    """Return whether a member of an update's body changes anything.

    4me merges custom fields and adds attachments, so empty lists of them change nothing.
    """
    field = schema.fields.get(name)
    return value != [] or field is None or field.kind not in ("custom_fields", "attachments")


def _known_additions(additions: object, schema: SpecSchema) -> Iterator[Problem]:
    """Yield a problem for each additional field that is an input itself."""
    for name in additions if isinstance(additions, dict) else ():
        if name in schema.fields:
            yield Problem(
                f"request.additional_fields.{name}",
                "is a field that this step knows",
                f"Move it to request.{name}, where it is checked.",
            )


def _has_attachments(names: Iterable[str], schema: SpecSchema) -> bool:
    return any(
        name in schema.fields and schema.fields[name].kind == "attachments" for name in names
    )


def update_request(payload: UpdatePayload, schema: SpecSchema, api: ApiClient) -> dict[str, Any]:
    """Upload the files, update the request, and return the updated request.

    Raises:
        StepError: see `process.errors`; `applied` says whether the request was updated.
    """
    api.context.raise_if_terminated()
    if _has_attachments(payload.body, schema):
        payload = _upload_attachments(payload, schema, api)
    budget = api.budget()
    body = RequestBody(json.dumps(payload.body).encode("ascii"))
    manual_check = _manual_check(payload, api.connection)
    call = api.call(f"update request {payload.request_id}", payload.idempotency)
    call = call._replace(manual_check=manual_check, is_unsent=lambda: not body.sent)
    roles = ("Specialist", *_roles(payload.body, schema))
    context = ErrorContext(
        call.purpose,
        payload.request_id,
        roles,
        payload.private_texts,
        sends_values=True,
        was_read=payload.was_read,
    )

    def attempt() -> dict[str, Any]:
        try:
            request = RequestsApi(api).update(payload.request_id, body, context)
        except UnexpectedResponseError as error:
            error.fix = f"{error.fix} {manual_check}"
            raise
        budget.clock.mark_applied()
        return request

    def make_verifier() -> Verifier[dict[str, Any]]:
        from operations.verification import UpdateVerifier  # noqa: PLC0415  only after a failure

        return UpdateVerifier(payload, schema, api, budget, manual_check)

    return retry_call(call, attempt, budget, make_verifier if payload.notes else None)


def _upload_attachments(
    payload: UpdatePayload, schema: SpecSchema, api: ApiClient
) -> UpdatePayload:
    from operations.attachments import attach, files_of  # noqa: PLC0415  most runs have none

    uploaded = {}
    files = files_of(payload.body, schema)
    if files:
        from fourme.uploads import upload_all  # noqa: PLC0415  keys alone need no upload

        uploaded = upload_all(files, api)
        api.context.raise_if_terminated()
    payload = payload._replace(body=attach(payload.body, uploaded, schema))
    for problem in payload.oversized(schema):
        raise SpecError(str(problem), fix="Shorten the text, or show fewer files inline.")
    return payload


def _roles(body: Mapping[str, Any], schema: SpecSchema) -> Iterator[str]:
    """Yield the roles that the fields of an update require."""
    for name, field in schema.fields.items():
        if name == field.name and field.api_name in body:
            yield from (f"{role} (for {name})" for role in field.roles)


def _manual_check(payload: UpdatePayload, connection: Connection) -> str:
    """Return what a person should look at when the outcome is unknown."""
    url = connection.host.html_url(connection.account, payload.request_id)
    added = payload.non_idempotent_fields
    if not added or payload.known_notes is not None:
        return f"Open {url} and compare. Running the step again does no harm."
    return (
        f"Open {url} and look whether this is there: {', '.join(added)}. "
        "If not, run the step again; if it is, do not."
    )
