"""What there is to do for an update that reads the request first: a mode, or a condition."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from fourme.client import ErrorContext
from fourme.requests_api import RequestsApi
from operations.changes import record_of, shown, table, with_names
from operations.request_output import update_output, with_changed
from process.output import Summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourme.client import ApiClient
    from operations.changes import Difference
    from operations.payload import UpdatePayload
    from process.output import Output
    from spec.schema import SpecSchema
    from spec.validation import Spec

logger = logging.getLogger("step.4me")

_COLUMNS = ("field", "from", "to")


class Plan(NamedTuple):
    """What there is to do.

    Attributes:
        payload: what to send; None to send nothing.
        output: what to publish if nothing is sent.
        former: the request as it is.
        changes: the values in the request, and the ones to send; None in mode `update`.
        schema: the schema of the spec.
    """

    payload: UpdatePayload | None
    output: Output
    former: Mapping[str, Any]
    schema: SpecSchema
    changes: Sequence[Difference] | None = None

    def completed(self, output: Output) -> Output:
        """Return the output of the update that was sent, with what has changed."""
        if self.changes is None or self.payload is None:
            return output
        request = output.values["request"]
        before, after = self.former.get("team"), request.get("team")
        if "team" not in self.payload.fields and _is_other(before, after):
            logger.warning(
                "4me has moved the request from team %s to %s.",
                shown(record_of(before)),
                shown(record_of(after)),
            )
        return _with_changes(output, with_names(self.changes, request, self.schema))


def plan_update(spec: Spec, payload: UpdatePayload, api: ApiClient) -> Plan:
    """Read the request, and return what of an update is to be sent.

    Args:
        spec: the spec.
        payload: the whole update.
        api: the API.

    Raises:
        StepError: something cannot be read; nothing was sent.
    """
    if spec.mode != "update":
        api.context.clock.mark_repeatable()
    context = ErrorContext(f"read request {payload.request_id}", payload.request_id)
    logger.info("Reading request %d at %s.", payload.request_id, api.connection.host.address)
    request = RequestsApi(api).get(payload.request_id, context, api.budget())
    api.context.raise_if_terminated()
    output = update_output(request, api.connection, "no")
    is_update = spec.mode == "update"
    if "only_if" in spec.values:
        from operations.only_if import unmet_condition  # noqa: PLC0415  most runs have none

        reason = unmet_condition(spec.values["only_if"], request, spec)
        if reason:
            logger.info("Nothing is sent, because of `only_if`: %s.", reason)
            title = f"4me request {request['id']}: nothing sent ({reason})"
            output = output._replace(
                summary=output.summary and output.summary._replace(title=title)
            )
            changes: list[dict[str, Any]] | None = None if is_update else []
            output = with_changed(output, changed=False, changes=changes)
            return Plan(None, output, request, spec.schema)
    payload = payload._replace(was_read=True)
    if is_update:
        return Plan(payload, output, request, spec.schema)
    return _compared(spec, payload, output, request, api)


def _compared(
    spec: Spec,
    payload: UpdatePayload,
    output: Output,
    request: Mapping[str, Any],
    api: ApiClient,
) -> Plan:
    from operations.ensure import needed_changes  # noqa: PLC0415  not for `only_if` alone

    needed, changes = needed_changes(spec, payload, request, api)
    changes = with_names(changes, request, spec.schema)
    is_preview = spec.mode == "preview"
    if not changes:
        logger.info("Request %d is as the spec says: nothing to do.", payload.request_id)
    else:
        verb = "would change" if is_preview else "changes"
        logger.info("Request %d %s:%s", payload.request_id, verb, table(changes, _COLUMNS))
        _warn_of_move(needed, request, spec)
    output = _with_changes(output, changes)
    to_send = None if is_preview or not changes else needed
    return Plan(to_send, output, request, spec.schema, changes)


def _is_other(before: object, after: object) -> bool:
    """Return whether two references are certainly to different records."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return False
    return bool(before.get("id") != after.get("id"))


def _with_changes(output: Output, changes: Sequence[Difference]) -> Output:
    """Return an output with what changes, or would change, and a summary of that."""
    values = [{"field": item.field, "from": item.found, "to": item.sent} for item in changes]
    output = with_changed(output, changed=bool(changes), changes=values)
    title = f"4me request {output.values['request']['id']}"
    if not changes:
        summary = output.summary and output.summary._replace(title=f"{title}: nothing to change")
        return output._replace(summary=summary)
    verb = "would be sent" if output.applied == "no" else "sent"
    title = f"{title}: {len(changes)} change{'' if len(changes) == 1 else 's'} {verb}"
    rows = [item.row for item in changes]
    return output._replace(summary=Summary(title, _COLUMNS, rows), repeatable=True)


def _warn_of_move(payload: UpdatePayload, request: Mapping[str, Any], spec: Spec) -> None:
    """Warn if 4me may move the request to another team."""
    status = payload.fields.get("status")
    with_team = "team" in spec.schema.fields["status"].sent_with.get(str(status), ())
    missing = [name for name in ("team", "member") if name not in payload.fields]
    if with_team and missing and status != request.get("status"):
        logger.warning(
            "Without `%s`, 4me moves a request that becomes %s from team %s to a team of the "
            "token's user, unless that user is in it. Give `team` and `member`.",
            "` and `".join(missing),
            status,
            shown(record_of(request.get("team"))),
        )
