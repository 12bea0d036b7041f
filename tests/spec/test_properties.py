"""What holds for every spec, however odd, and for every valid one, however it is spelled."""

from __future__ import annotations

import io
import json
import logging
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from process.errors import ConfigError, SpecError
from process.logs import SanitizingHandler
from process.redaction import MASK, Redactor
from process.settings import MAX_LINE_BYTES
from spec.coercion import coerce
from spec.schema import load_spec_schema
from spec.secrets import secrets_in_spec
from tests.scenario_files import CONNECTION
from tests.spec.strategies import (
    ENTRIES,
    SCHEMA,
    json_values,
    odd_specs,
    odd_texts,
    odd_values,
    valid_requests,
)
from tests.update_specs import update_in, validate_update

if TYPE_CHECKING:
    from spec.schema import Field
    from spec.validation import Spec

CONTRACT_LINE_BYTES = 16 * 1024
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


def validated(spec: object) -> Spec | None:
    """Return a valid spec; None for an invalid one."""
    try:
        return validate_update(spec, SCHEMA)
    except (SpecError, ConfigError):
        return None


def problems_of(spec: object) -> tuple[str, ...]:
    """Return what is wrong with a spec."""
    try:
        validate_update(spec, SCHEMA)
    except SpecError as error:
        return error.details or ("an error without problems",)
    return ()


def sent_schema(field: Field) -> dict[str, Any]:
    """Return what may be sent for a field, as JSON schema: its documented type, or cleared."""
    entry = dict(ENTRIES[field.name])
    if "enum" in entry:
        entry["enum"] = [field.value_aliases.get(value, value) for value in entry["enum"]]
    return {"anyOf": [entry, {"const": ""}]} if field.clearable else entry


def body_schema() -> dict[str, Any]:
    """Return what may be sent, as JSON schema; names that the step does not know are free."""
    fields = [SCHEMA.fields[name] for name in ENTRIES]
    never = {"request_id", "additional_fields", "id", "grouping", "feedback", "change"}
    never |= {field.name for field in fields if field.kind == "reference"} | {"change_id"}
    sent = [field for field in fields if field.location == "body"]
    return {
        "type": "object",
        "properties": {field.api_name: sent_schema(field) for field in sent},
        "propertyNames": {"not": {"enum": sorted(never)}},
    }


def strict(value: object) -> object:
    """Return a value that is equal to another only if it is of the same JSON type throughout."""
    if isinstance(value, dict):
        return {name: strict(item) for name, item in value.items()}
    if isinstance(value, list):
        return [strict(item) for item in value]
    return (type(value).__name__, value)


def check_update(spec: Spec) -> None:
    """Assert what holds for all that is sent."""
    update = update_in(spec)
    body = update.body
    text = json.dumps(body, allow_nan=False)
    text.encode("ascii")
    assert strict(json.loads(text)) == strict(body)
    Draft7Validator(body_schema()).validate(body)
    for name in ENTRIES:
        value = body.get(SCHEMA.fields[name].api_name)
        if ENTRIES[name]["type"] == "integer":
            assert type(value) in (int, type(None)) or value == ""
    assert type(update.request_id) is int
    assert 0 < update.request_id < 2**63
    assert type(spec.debug) is bool
    for name in ("accessToken", "account"):
        assert spec.values["connection"][name].isascii()
        assert spec.values["connection"][name].isprintable()


def test_body_schema_can_fail() -> None:
    """The schema by which bodies are checked here rejects what it should."""
    validator = Draft7Validator(body_schema())

    for good in (
        {},
        {"team_id": 1},
        {"team_id": ""},
        {"status": "workflow_pending"},
        {"new": None},
    ):
        assert validator.is_valid(good)
    for bad in (
        {"team": 1},
        {"team_id": "1"},
        {"team_id": 0},
        {"status": "change_pending"},
        {"status": ""},
        {"urgent": ""},
        {"urgent": 1},
        {"request_id": 5},
        {"id": 5},
        {"change_id": 5},
        {"custom_fields": {"a": 1}},
        {"custom_fields": [{"id": 1, "value": 2}]},
    ):
        assert not validator.is_valid(bad), bad


@settings(max_examples=300, suppress_health_check=SLOW)
@given(odd_specs())
def test_odd_specs(spec: object) -> None:
    """Any spec is rejected, or accepted with the documented types; nothing else happens."""
    valid = validated(spec)

    if valid is not None:
        check_update(valid)


@settings(max_examples=150, suppress_health_check=SLOW)
@given(st.dictionaries(st.sampled_from(sorted(SCHEMA.fields)), odd_values, max_size=4))
def test_odd_fields(fields: dict[str, object]) -> None:
    """A field's value, however odd, is rejected, or sent as its documented type."""
    valid = validated({"connection": dict(CONNECTION), "request": {**fields, "request_id": 5}})

    if valid is not None:
        check_update(valid)


@settings(max_examples=100, suppress_health_check=SLOW)
@given(st.dictionaries(st.sampled_from(sorted(SCHEMA.fields)), odd_values, max_size=4))
def test_problems_have_paths(fields: dict[str, object]) -> None:
    """Each problem of a request begins with its path, and none is reported twice."""
    request = {"impact": "low", **fields, "request_id": 5}

    problems = problems_of({"connection": dict(CONNECTION), "request": request})

    assert all(problem.startswith("request.") for problem in problems)
    assert len(set(problems)) == len(problems)


@settings(max_examples=200, suppress_health_check=SLOW)
@given(valid_requests())
def test_valid_specs(case: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """What the schema documents is accepted in all its spellings, and sent as documented."""
    request, body = case

    valid = validate_update({"connection": dict(CONNECTION), "request": request}, SCHEMA)

    assert strict(update_in(valid).body) == strict(body)
    check_update(valid)


@settings(max_examples=100, suppress_health_check=SLOW)
@given(valid_requests())
def test_valid_specs_in_json_text(case: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """A request in JSON text means the same as the request itself."""
    request, body = case
    text = json.dumps(request, default=bytes.decode)

    valid = validate_update({"connection": json.dumps(dict(CONNECTION)), "request": text}, SCHEMA)

    assert strict(update_in(valid).body) == strict(body)


@settings(max_examples=100, suppress_health_check=SLOW)
@given(valid_requests())
def test_conversion_is_stable(case: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """What has been converted is converted to itself."""
    once = coerce({"request": case[0]}, SCHEMA).spec
    twice = coerce(once, load_spec_schema()).spec

    assert strict(once) == strict(twice)


@given(odd_specs())
@settings(suppress_health_check=SLOW)
def test_secrets_in_any_spec(spec: object) -> None:
    """Secrets are found in any spec without a crash, learnt, and hidden."""
    redactor = Redactor()

    redactor.add_secrets(secrets_in_spec(spec))

    redactor.redact(repr(spec))


@given(st.lists(odd_texts, max_size=3), json_values, odd_texts)
@settings(suppress_health_check=SLOW)
def test_nothing_secret_is_left(secrets: list[str], value: object, around: str) -> None:
    """No field secret is left in a text or value, unless the mark itself looks like one."""
    redactor = Redactor()
    redactor.add_secrets(secrets)
    field = [secret.strip() for secret in secrets if secret.strip() and "*" not in secret]

    texts = [redactor.redact(around + secret + around) for secret in field]
    inside = json.dumps(redactor.redact_value([value, *field]), ensure_ascii=False)

    for secret in field:
        assert not any(secret in text for text in texts)
        if secret.isalnum() and len(secret) > len("false"):
            assert secret not in inside.replace(MASK, " ")


@given(
    odd_texts | st.text(st.sampled_from("a🖨\x00\n\t\u2028\ud800"), max_size=40),
    st.integers(0, 5000),
)
def test_lines_are_printable_and_short(text: str, times: int) -> None:
    """Whatever is logged, each line is printable, and within the limit of log readers."""
    redactor = Redactor()
    redactor.add_secrets(["geheim-token"])
    handler = SanitizingHandler(io.StringIO(), redactor)
    record = logging.LogRecord(
        "step", logging.INFO, __file__, 1, "%s", (text * times + "geheim-token",), None
    )

    lines = handler.format(record).split("\n")

    assert all(line.isprintable() for line in lines)
    assert all(len(line.encode()) <= MAX_LINE_BYTES <= CONTRACT_LINE_BYTES for line in lines)
    assert "geheim" not in "".join(lines)
