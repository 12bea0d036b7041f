"""Helpers that validate specs of updates and build their payloads."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from operations import load_operation
from operations.payload import UpdatePayload, build_payload
from spec.validation import Spec, validate

if TYPE_CHECKING:
    from fourme.client import ApiClient
    from spec.schema import SpecSchema

_UPDATE = load_operation("update")


def validate_update(raw: object, schema: SpecSchema) -> Spec:
    """Return the valid spec of an update.

    Raises:
        StepError: it is invalid.
    """
    return validate(raw, schema, _UPDATE.problems)


def request_names(schema: SpecSchema) -> list[str]:
    """Return the names under `request` as the schema spells them."""
    return [name for name, field in schema.fields.items() if name == field.name]


def update_in(spec: Spec) -> UpdatePayload:
    """Return the payload of a valid spec."""
    return build_payload(spec.values["request"], spec.cleared, spec.schema)


def refuse_update(raw: object, schema: SpecSchema) -> None:
    """Run an update that is to be refused before any call: there is no API to call.

    Raises:
        StepError: why it is refused.
    """
    _UPDATE.run(validate_update(raw, schema), cast("ApiClient", None))
