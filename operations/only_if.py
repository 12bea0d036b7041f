"""Whether a request fulfils the conditions of `only_if`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from operations.changes import Difference, record_of
from operations.comparison import compare_fields

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spec.validation import Spec


def unmet_condition(
    conditions: Mapping[str, Sequence[Any]], request: Mapping[str, Any], spec: Spec
) -> str:
    """Return why a request does not fulfil conditions, in one line; empty if it does.

    A field that 4me's answer lacks has no value that is known, and so none of those wanted.
    """
    for name, values in conditions.items():
        compared = [next(compare_fields({name: value}, request, spec.schema)) for value in values]
        if all(item.result != "equal" for item in compared):
            found = compared[0].found
            found = record_of(found) if spec.schema.fields[name].kind == "reference" else found
            wanted = " or ".join(Difference(name, value, None).row[1] for value in values)
            return f"`{name}` is {Difference(name, found, None).row[1]}, not {wanted}"
    return ""
