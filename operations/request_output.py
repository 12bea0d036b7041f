"""What the operations on one request publish."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from process.logs import quote
from process.output import Link, Output, OutputSpec, ResultSpec, Summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourme.hosts import Connection
    from process.errors import Applied

REQUEST_RESULTS = (
    ResultSpec("id", "the ID of the request", 20),
    ResultSpec("status", "its status, such as `completed`", 64),
    # 255 characters, each of up to six bytes when escaped.
    ResultSpec("subject", "its subject, in one line", 1530, truncatable=True),
    ResultSpec("team", "the ID of its team", 20),
    ResultSpec("member", "the ID of the person it is assigned to", 20),
    ResultSpec("next_target_at", "its next target: a time, `best_effort`, `clock_stopped` ...", 64),
    ResultSpec("updated_at", "when it was last updated", 64),
    ResultSpec("url", "the address of its page in the 4me user interface", 512),
)


CHANGED = ResultSpec(
    "changed",
    "whether the request was changed, or would be in a preview: `true` or `false`; empty in mode "
    "`update`",
    5,
)
_NO_VALUES = dict.fromkeys(("request", "changed", "changes", "not_applied"))
UPDATE_OUTPUTS = OutputSpec(tuple(_NO_VALUES), (*REQUEST_RESULTS, CHANGED))


def request_output(request: Mapping[str, Any], connection: Connection, applied: Applied) -> Output:
    """Return the output for a full request as 4me returned it."""
    url = connection.host.html_url(connection.account, request["id"])
    values = {**request, "url": url}
    results = {row.name: _text_of(values.get(row.name)) for row in REQUEST_RESULTS}
    rows = [item for item in results.items() if item[0] not in ("id", "url")]  # in the title
    return Output(
        values={"request": {**request, "request_id": request["id"]}},
        results=results,
        applied=applied,
        link=Link("request", f"Request {request['id']} in 4me", url),
        summary=Summary(f"4me request {request['id']}", ("field", "value"), rows),
    )


def update_output(request: Mapping[str, Any], connection: Connection, applied: Applied) -> Output:
    """Return the output of an update: the request alone; see `with_changed`."""
    output = request_output(request, connection, applied)
    return output._replace(values={**_NO_VALUES, **output.values})


def missing_output() -> Output:
    """Return the output of an update whose request does not exist."""
    return with_changed(Output(_NO_VALUES, {}, applied="no"), changed=False)


def with_changed(
    output: Output, *, changed: bool, changes: Sequence[Mapping[str, Any]] | None = None
) -> Output:
    """Return an output that says whether the request was changed, and how, where that is known."""
    return output._replace(
        values={**output.values, "changed": changed, "changes": changes},
        results={**output.results, CHANGED.name: json.dumps(changed)},
    )


def _text_of(value: object) -> str:
    """Return one line of printable text: the ID of a reference, nothing for null."""
    if isinstance(value, dict):
        value = value.get("id")
    if value is None:
        return ""
    return quote(value if isinstance(value, str) else json.dumps(value))
