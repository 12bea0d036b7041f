"""`spec.fast_path`: accepts nothing that jsonschema rejects, and all that is valid."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from spec.coercion import coerce
from spec.fast_path import is_valid_fast, is_valid_spec_fast
from spec.schema import load_spec_schema
from spec.schema_errors import iter_problems
from tests.scenario_files import CONNECTION, load_scenarios
from tests.spec.strategies import odd_specs, odd_values, valid_requests

SCHEMA = load_spec_schema()
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


def agrees(spec: object) -> bool:
    """Return whether the fast path and jsonschema agree about a spec."""
    coerced = coerce(spec, SCHEMA)
    is_valid = is_valid_spec_fast(coerced.spec, SCHEMA)
    return is_valid is not any(iter_problems(coerced, SCHEMA))


@settings(max_examples=300, suppress_health_check=SLOW)
@given(odd_specs())
def test_odd_specs(spec: object) -> None:
    """Valid where there is no problem, and not where there is one."""
    assert agrees(spec)


@settings(max_examples=50, suppress_health_check=SLOW)
@given(odd_values)
def test_odd_fields(value: object) -> None:
    """Whatever value any field has."""
    for name in SCHEMA.fields:
        assert agrees({"connection": CONNECTION, "request": {"request_id": 5, name: value}}), name


@settings(max_examples=100, suppress_health_check=SLOW)
@given(valid_requests())
def test_valid_specs(case: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """What the schema documents is valid."""
    coerced = coerce({"connection": dict(CONNECTION), "request": case[0]}, SCHEMA)
    assert is_valid_spec_fast(coerced.spec, SCHEMA)


@pytest.mark.parametrize("folder", ["accepted", "refused"])
def test_scenarios(folder: Any) -> None:  # noqa: ANN401  a literal
    """The same for every scenario file."""
    scenarios: Any = load_scenarios(folder)
    assert [scenario.name for scenario in scenarios if not agrees(scenario.spec)] == []


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "not": {}},
        {"type": "number"},
        {"type": ["string", "null"]},
        {"type": "string", "format": "email"},
        {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}},
    ],
)
def test_unknown_keywords(schema: dict[str, Any]) -> None:
    """A keyword, type or format that the schema has never used is left to jsonschema."""
    value = {} if schema["type"] == "object" else "a@example.com"
    assert not is_valid_fast(value, schema)


def test_every_limit_has_a_type_beside_it() -> None:
    """The fast path compares values only after it has checked their type."""
    limits = {
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "pattern",
        "required",
        "items",
        "x-4me-one-of",
    }
    limits |= {"properties", "additionalProperties", "enum"}

    def parts(part: object) -> list[dict[str, Any]]:
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
        own = [part] if isinstance(part, dict) and isinstance(part.get("title"), str) else []
        return own + [found for member in inner for found in parts(member)]

    found = parts(SCHEMA.document)
    assert len(found) > 60
    assert [part["title"] for part in found if limits & part.keys() and "type" not in part] == []
