"""Whether the fields of a request are as an update has sent them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from spec.schema import SpecSchema

_COMPARED = frozenset({"enum", "boolean", "integer", "reference", "string"})


def different_fields(
    body: Mapping[str, Any], request: Mapping[str, Any], schema: SpecSchema
) -> Iterator[str]:
    """Yield the fields of a request that are not as an update has sent them, a line each.

    Long texts, times and custom fields are left out: the service may write them otherwise. Of short
    ones, blanks and letter case do not count.
    """
    for known in {known.api_name: known for known in schema.fields.values()}.values():
        name = known.api_name.removesuffix("_id") if known.kind == "reference" else known.api_name
        if known.kind not in _COMPARED or known.api_name not in body or name not in request:
            continue
        is_now = request[name]
        value = is_now.get("id") if isinstance(is_now, dict) else is_now
        if _comparable(value) != _comparable(body[known.api_name]):
            yield f"{name} was sent as {body[known.api_name]!r}, and is {value!r}"


def _comparable(value: object) -> object:
    if isinstance(value, str):
        return " ".join(value.split()).casefold()
    return value or ""
