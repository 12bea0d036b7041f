"""What the help text and the documentation say about an operation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from process.output import ResultSpec


class OperationHelp(NamedTuple):
    """What the help text says about one operation."""

    name: str
    summary: str
    results: Sequence[ResultSpec]
    inputs: Mapping[str, str]  # those with a variable, by its name without a prefix


def variable_meanings(operations: Sequence[OperationHelp]) -> dict[str, str]:
    """Return what each FOURME_ variable holds; the operation is named where not all have it."""
    operations_of: dict[str, dict[str, list[str]]] = {}
    for operation in operations:
        for variable, place in operation.inputs.items():
            places = operations_of.setdefault(variable, {})
            places.setdefault(place, []).append(operation.name)
    return {
        f"FOURME_{variable}": "; ".join(
            place if len(names) == len(operations) else f"{place} of `{'`, `'.join(names)}`"
            for place, names in places.items()
        )
        for variable, places in operations_of.items()
    }
