"""`operations.comparison`: fields as they were sent, and as 4me returns them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from operations.comparison import (
    COMPARISONS,
    compare,
    compare_custom_value,
    compare_fields,
)
from operations.texts import normalize_text
from tests.step_process import ROOT

if TYPE_CHECKING:
    from spec.schema import SpecSchema

ROWS = yaml.safe_load((ROOT / "tests/data/field_comparisons.yaml").read_text(encoding="utf-8"))
DOCUMENT = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
NOT_COMPARED = {"attachments", "id", "object", "readonly", "request_id", "text"}


@pytest.mark.parametrize(("name", "sent", "found", "result"), ROWS)
def test_the_table(name: str, sent: object, found: object, result: str, schema: SpecSchema) -> None:
    """Each row of the table compares as it says."""
    field = schema.fields[name]
    key = field.api_name.removesuffix("_id") if field.kind == "reference" else field.api_name
    request = {} if found == "absent" else {key: found}

    (compared,) = compare_fields({name: sent}, request, schema)

    assert compared.result == result


def test_the_table_has_every_kind(schema: SpecSchema) -> None:
    """Each kind that is compared has rows, and each kind of the schema is compared or listed."""
    kinds = {schema.fields[row[0]].kind for row in ROWS}
    in_schema = {field.kind for field in schema.fields.values() if field.idempotent}
    assert kinds | {"integer"} == COMPARISONS.keys()
    assert in_schema - COMPARISONS.keys() <= NOT_COMPARED


def test_the_document_has_every_kind() -> None:
    """The documentation explains each kind that is compared, and no other."""
    lines = [line.split("|")[1].strip() for line in DOCUMENT.splitlines() if line.startswith("| `")]
    assert sorted(lines) == sorted(f"`{kind}`" for kind in COMPARISONS)


def test_what_adds_is_not_compared(schema: SpecSchema) -> None:
    """Notes, time, attachments and additional fields are no values of a request."""
    values = {name: "x" for name, field in schema.fields.items() if not field.idempotent and name}
    assert {"note", "internal_note", "time_spent", "note_attachments"} <= values.keys()
    assert [*compare_fields(values, dict.fromkeys(values, "x"), schema)] == []


def test_custom_fields_are_named_by_their_ids(schema: SpecSchema) -> None:
    """Each custom field is one comparison, with its own values."""
    sent = [{"id": "a", "value": "1"}, {"id": "b.c", "value": 2}]
    found = {"custom_fields": [{"id": "a", "value": 1}, "odd", {"value": 3}]}

    compared = [*compare_fields({"custom_fields": sent}, found, schema)]

    assert [(item.name, item.sent, item.found) for item in compared] == [
        ("custom_fields.a", "1", 1),
        ("custom_fields.b.c", 2, None),
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=6,
)


@given(JSON)
def test_a_custom_value_equals_itself(value: object) -> None:
    """What 4me returns as it was sent is equal."""
    assert compare_custom_value(value, value) == "equal"


@given(JSON, JSON)
def test_any_values_compare(sent: object, found: object) -> None:
    """No value that 4me could return breaks the comparison, whichever was sent."""
    result = compare_custom_value(sent, found)
    assert result in ("equal", "different", "unknown")
    assert (compare_custom_value(found, sent) == "equal") is (result == "equal")


@given(sent=st.text(), found=JSON)
def test_any_answer_compares(schema: SpecSchema, sent: str, found: object) -> None:
    """No answer breaks the comparison of a field of any kind."""
    samples = {"boolean": True, "integer": 3, "duration": 5, "reference": 17, "strings": [sent]}
    for field in schema.fields.values():
        if field.kind in COMPARISONS:
            assert compare(field, samples.get(field.kind, sent), found)


@given(st.text())
def test_normalizing_twice_changes_nothing_more(text: str) -> None:
    """What a server may have normalised is equal to the text itself."""
    assert normalize_text(normalize_text(text)) == normalize_text(text)


def test_nested_values_take_no_time() -> None:
    """A value of 100 levels, the most that an answer may have, is compared at once."""
    value: object = "x"
    for _ in range(50):
        value = {"a": [value]}
    assert compare_custom_value(value, value) == "equal"
    assert compare_custom_value(5, value) == "unknown"


def test_numbers_beyond_any_float() -> None:
    """They are compared, too."""
    assert compare_custom_value(1.5, 10**400) == "different"


def test_an_endless_escape_breaks_nothing(schema: SpecSchema) -> None:
    """An HTML reference of thousands of digits is compared as it is."""
    assert compare(schema.fields["subject"], "x", f"&#{'9' * 5000};") == "different"


def test_many_accents_take_no_time() -> None:
    """A letter with thousands of accents is left as it is."""
    text = "a" + "\u0301\u0316" * 50_000
    assert normalize_text(text) == text
