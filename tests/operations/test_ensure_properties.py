"""What `mode: ensure` sends, applied by the sandbox's 4me, is never sent again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fourme.client import ApiClient
from operations import load_operation
from process.errors import RejectedError
from process.settings import Settings
from sandbox import FOURME_HOST, FourMeOptions, Sandbox, document_for
from sandbox.fourme import fields
from tests.fake_clock import FakeClock
from tests.step_process import REQUEST_ID, connection
from tests.update_specs import request_names, validate_update
from transport.context import RunContext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from process.output import Output
    from spec.schema import Field, SpecSchema

TEXTS = ["Release 1.12", "Release 11.2", " Cafe\u0301 ", "Café", "a\r\nb", "a\nb", "![](k) x", "x"]
TIMES = ["2026-11-21T17:30Z", "2026-11-21T17:30:26+01:00", "2027-01-01T00:00:00-0600"]
CUSTOM = [True, False, "true", "false", 5, "5", 2.5, "x", "", ["a", "b"], {"id": 1}, TIMES[0]]
VALUES: dict[str, list[Any]] = {
    "boolean": [True, False, "yes", "off"],
    "integer": [1, "2", 3],
    "duration": [0, 90, "1:30"],
    "datetime": TIMES,
    "string": ["Printer", " Printer", "café", 4711],
    "strings": [["a"], ["a", "b"], []],
}
# What is rejected most of the time, or is never answered.
LEFT_OUT = {
    "request_id",
    "time_spent",
    "support_domain",
    "time_spent_effort_class",
    "additional_fields",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Return a running sandbox with a 4me."""
    options = FourMeOptions(history=20)
    with Sandbox(document_for({"connection": connection(FOURME_HOST)}), fourme=options) as running:
        yield running


def values_of(field: Field, sandbox: Sandbox) -> list[Any]:
    """Return some values of a field that the sandbox knows."""
    cleared = [""] if field.clearable else []
    if field.kind == "reference":
        collection = fields.REFERENCES.get(field.api_name.removesuffix("_id"), "")
        known = [number for number in range(1, 2000) if sandbox.store.find(collection, number)]
        return known[:3] + cleared
    if field.kind == "enum":
        return [*field.schema["enum"], *cleared]
    return [*VALUES.get(field.kind, []), *cleared]


def fields_of(schema: SpecSchema, sandbox: Sandbox) -> dict[str, list[Any]]:
    """Return the fields of a request, each with values that may be sent."""
    names = [
        name
        for name in request_names(schema)
        if name not in LEFT_OUT and schema.fields[name].kind != "attachments"
    ]
    known = {name: values_of(schema.fields[name], sandbox) for name in names}
    known["custom_fields"] = [{name: value} for name in "ab" for value in CUSTOM]
    known |= {"note": TEXTS, "internal_note": TEXTS}
    return {name: values for name, values in known.items() if values}


def ensure(schema: SpecSchema, sandbox: Sandbox, request: dict[str, Any]) -> Output:
    """Run an update in mode `ensure`."""
    values = connection(sandbox.fourme_url)
    spec = {"connection": values, "request": {"request_id": REQUEST_ID, **request}}
    api = ApiClient.connect(
        {name: str(value) for name, value in values.items()}, RunContext(Settings(), FakeClock())
    )
    valid = validate_update({**spec, "mode": "ensure", "strict": True}, schema)
    return load_operation("update").run(valid, api)


# Numbers, not values: the values depend on the sandbox, and hypothesis draws before it is there.
CHOICES = st.lists(st.tuples(st.integers(0, 999), st.integers(0, 999)), min_size=1, max_size=5)


@settings(
    max_examples=70, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(choices=CHOICES)
def test_nothing_is_sent_twice(
    schema: SpecSchema, sandbox: Sandbox, choices: list[tuple[int, int]]
) -> None:
    """A second run finds nothing to do, and the first one finds everything applied."""
    known = [*fields_of(schema, sandbox).items()]
    fields_ = (known[first % len(known)] for first, _ in choices)
    request = {
        name: values[second % len(values)]
        for (name, values), (_, second) in zip(fields_, choices, strict=True)
    }
    try:
        first = ensure(schema, sandbox, request)
    except RejectedError:
        return  # such as a time to wait until, while the request does not wait
    second = ensure(schema, sandbox, request)

    assert first.values["not_applied"] is None
    assert second.values["changes"] == []
