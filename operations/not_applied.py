"""Reports what 4me has not applied of an update, although it has accepted it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from operations.changes import differences, sent_and_found, table
from operations.comparison import compare_fields
from process.errors import NotAppliedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from process.output import Output
    from spec.validation import Spec

logger = logging.getLogger("step.4me")

_CAUSE = (
    "an automation rule has changed it again, the token's user may not set it, or the request has "
    "no such field, as without a form for its custom fields"
)


def with_not_applied(output: Output, sent: Mapping[str, Any], spec: Spec) -> Output:
    """Return the output of an update with the fields that are not as they were sent.

    Where `strict` is set, the run fails once the output is published.

    Args:
        output: the output with the request as 4me returned it.
        sent: the fields that were sent, by the schema's names.
        spec: the spec.
    """
    compared = compare_fields(sent, output.values["request"], spec.schema)
    different = [item for item in compared if item.result == "different"]
    if not different:
        return output
    items = differences(different, spec.schema, spec.aliases_used)
    values = [{"field": item.field, "sent": item.sent, "found": item.found} for item in items]
    output = output._replace(values={**output.values, "not_applied": values})
    rows = table(items, ("field", "found", "sent"))
    logger.warning("4me accepted the update, but has not applied all of it:%s", rows)
    if not spec.values.get("strict"):
        return output
    failure = NotAppliedError(
        f"4me has not applied {len(items)} of the fields that were sent (`strict` is set).",
        details=tuple(map(sent_and_found, items)),
        cause=_CAUSE,
        fix="Look at the request in 4me, and at the history of its changes; leave `strict` out to "
        "be warned only.",
        applied="yes",
    )
    failure.again = "after a look at the request"
    return output._replace(failure=failure)
