"""`spec`: schemas of operations without a `request`, whose inputs are at the top of the spec."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from process.errors import SpecError
from spec.coercion import coerce
from spec.fast_path import is_valid_fast
from spec.schema import SpecSchema, read_schema
from spec.validation import validate
from tests.scenario_files import CONNECTION
from tests.spec.test_meta_schema import SPECS, read
from tests.update_specs import request_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spec.coercion import CoercedSpec
    from spec.problems import Problem


def kind(name: str, **more: object) -> dict[str, object]:
    """Return an input of a kind that has a definition."""
    return {"allOf": [{"$ref": f"#/definitions/{name}"}], **more}


FIND = {
    "x-4me-type": "object",
    "anyOf": [
        {
            "type": "object",
            "additionalProperties": False,
            "properties": {"source": kind("string", minLength=1), "number": kind("id")},
        },
        {"$ref": "#/definitions/json_object"},
    ],
}
SCHEMA = read_schema(
    {
        "type": "object",
        "required": ["connection", "request_id"],
        "additionalProperties": False,
        "properties": {
            "connection": kind("connection"),
            "request_id": kind("id", **{"x-4me-variable": "REQUEST_ID"}),
            "notes": kind("boolean", **{"x-4me-variable": "NOTES"}),
            "limit": kind("integer", minimum=1, maximum=500),
            "timeout": kind("duration"),
            "since": kind("datetime"),
            "text": kind("string"),
            "comment": kind("text"),
            "team": kind("reference"),
            "fields": kind("strings"),
            "filter": kind("object"),
            "find": FIND,
            "values": kind("custom_fields"),
            "files": kind("attachments"),
        },
        "definitions": read(SPECS[0])["definitions"],
    }
)


def no_check(_: CoercedSpec, __: SpecSchema) -> Iterator[Problem]:
    """Yield nothing: the schema says all."""
    yield from ()


def spec_with(**inputs: object) -> dict[str, object]:
    """Return a spec with these inputs."""
    return {"connection": dict(CONNECTION), "request_id": 5, **inputs}


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("request_id", " 80339\n", 80339),
        ("request_id", 80339.0, 80339),
        ("notes", "Yes", True),
        ("notes", b"off", False),
        ("limit", "20", 20),
        ("timeout", "1:30", 90),
        ("since", "2026-11-21T17:30", "2026-11-21T17:30"),
        ("text", 5.0, "5"),
        ("team", {"id": "13", "name": "Unix"}, 13),
        ("team", '{"id": 13}', 13),
        ("fields", '["subject", 1]', ["subject", "1"]),
        ("filter", '{"status": "completed"}', {"status": "completed"}),
        ("filter", {"a": None, "b": "1"}, {"a": None, "b": "1"}),
        ("find", {"source": 4711, "number": "5"}, {"source": "4711", "number": 5}),
        ("find", '{"source": "Nagios", "number": null}', {"source": "Nagios"}),
        ("values", {"a": 1}, [{"id": "a", "value": 1}]),
        ("files", {"key": "k", "filesize": "5"}, [{"key": "k", "filesize": 5}]),
    ],
)
def test_inputs(name: str, value: object, expected: object) -> None:
    """An input at the top is converted by its definition, as one under `request` is."""
    spec = validate(spec_with(**{name: value}), SCHEMA, no_check)

    assert json.dumps(spec.values[name]) == json.dumps(expected)
    assert is_valid_fast(spec.values, SCHEMA.document)
    assert (spec.debug, [*spec.private_texts()], spec.cleared) == (False, [], ())


def test_private_texts() -> None:
    """No log may show an input at the top that is private, either."""
    spec = validate(spec_with(comment=5, text="public"), SCHEMA, no_check)

    assert [*spec.private_texts()] == ["5"]


def test_null_is_left_out() -> None:
    """As under `request`."""
    spec = validate(spec_with(notes=None, find=None, unknown=None), SCHEMA, no_check)

    assert spec.values.keys() == {"connection", "request_id"}


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({"request_id": "abc"}, "request_id is 'abc', which is not an integer."),
        ({"request_id": ""}, "request_id is empty."),
        ({"request_id": None}, "request_id is missing."),
        ({"limit": "0"}, "limit is 0. It must be at least 1."),
        ({"limit": ""}, "limit is empty."),
        ({"notes": "maybe"}, "notes is 'maybe', which is not a boolean."),
        ({"find": {"sauce": "x"}}, "find.sauce is not a known input. Did you mean `source`?"),
        ({"find": {"source": ""}}, "find.source is empty."),
        ({"find": "{"}, "find is a text of length 1, which is not an object."),
        ({"filter": "[1]"}, "filter is a list, which is not an object."),
        ({"filter": '{"a": NaN}'}, "filter.a is nan, which is not a number in JSON."),
        ({"note": True}, "note is not a known input. Did you mean `notes`?"),
        ({"request": {"request_id": 5}}, "request is not a known input."),
        ({"values": {"id": 1, "value": 2}}, "values is an object with exactly `id` and `value`"),
    ],
)
def test_problems(inputs: dict[str, Any], problem: str) -> None:
    """What is wrong with one is reported at its path."""
    with pytest.raises(SpecError) as caught:
        validate(spec_with(**inputs), SCHEMA, no_check)
    assert [line for line in caught.value.details if line.startswith(problem)]
    assert len(caught.value.details) == 1


def test_no_spec() -> None:
    """The error names the inputs that this operation requires."""
    assert str(coerce(None, SCHEMA).problems[0]) == (
        "The spec is empty. It needs `connection` and `request_id`."
    )


def test_fields() -> None:
    """There are none without a `request`; the inputs at the top are fields of their own."""
    assert (SCHEMA.fields, request_names(SCHEMA)) == ({}, [])
    assert (SCHEMA.inputs["timeout"].kind, SCHEMA.inputs["timeout"].clearable) == (
        "duration",
        False,
    )


def paths(schema: SpecSchema) -> dict[str, tuple[str, ...]]:
    """Return the places of the inputs that have variables."""
    return {name: variable.path for name, variable in schema.variables.items()}


def test_variables(schema: SpecSchema) -> None:
    """Inputs with a variable of their own, wherever they are, by its name."""
    connection = {
        "HOST": ("connection", "host"),
        "ACCESS_TOKEN": ("connection", "accessToken"),
        "ACCOUNT": ("connection", "account"),
    }
    assert paths(SCHEMA) == {
        **connection,
        "REQUEST_ID": ("request_id",),
        "NOTES": ("notes",),
    }
    assert paths(schema) == {
        **connection,
        "REQUEST": ("request",),
        "REQUEST_ID": ("request", "request_id"),
        "NOTE": ("request", "note"),
        "INTERNAL_NOTE": ("request", "internal_note"),
        **{name.upper(): (name,) for name in ("find", "if_missing", "mode", "only_if", "strict")},
        "DEBUG": ("debug",),
    }
