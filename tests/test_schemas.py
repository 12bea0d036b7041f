"""Both schemas: valid, and complete by what the step's page and the 4me API document."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError

from spec.schema import load_spec_schema

ROOT = Path(__file__).resolve().parent.parent


def read(name: str) -> dict[str, Any]:
    """Return the JSON object that a file of the repository holds."""
    value = json.loads((ROOT / name).read_text(encoding="utf-8"))
    assert isinstance(value, dict)
    return value


DOCUMENTED = read("tests/data/documented.json")
SPEC = read("spec.schema.json")
REDUCED = load_spec_schema().document
OUTPUTS = read("outputs.schema.json")
INPUTS: dict[str, dict[str, Any]] = REDUCED["properties"]["request"]["properties"]
ANSWERED: dict[str, dict[str, Any]] = OUTPUTS["properties"]["request"]["properties"]
READ_ONLY = {"id", "grouping", "feedback"}

#: The types of the step's page, by those of the schema; only objects that are lists differ.
PAGE_TYPES = {"array": "object"}


@pytest.mark.parametrize("schema", [SPEC, OUTPUTS], ids=["spec", "outputs"])
def test_draft_07(schema: dict[str, Any]) -> None:
    """Both schemas are valid draft-07, the version that Relay's validator supports."""
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    Draft7Validator.check_schema(schema)


@pytest.mark.parametrize("name", sorted(DOCUMENTED["page_types"]))
def test_page_inputs(name: str) -> None:
    """Each input of the step's page is accepted, with the type that the page documents."""
    documented = DOCUMENTED["page_types"][name]

    assert PAGE_TYPES.get(INPUTS[name]["type"], INPUTS[name]["type"]) == documented


@pytest.mark.parametrize("name", sorted(DOCUMENTED["api_types"]))
def test_api_inputs(name: str) -> None:
    """Each field that the API can update is accepted, with the type that the API documents."""
    assert INPUTS[name]["x-4me-type"] == DOCUMENTED["api_types"][name]


def test_nothing_else() -> None:
    """Each input is documented by the page or the API, is newer, or is for newer ones."""
    documented = {
        *DOCUMENTED["page_types"],
        *DOCUMENTED["api_types"],
        *DOCUMENTED["newer_fields"],
        "additional_fields",
    }

    assert set(INPUTS) == documented


@pytest.mark.parametrize("name", sorted(DOCUMENTED["api_values"]))
def test_values(name: str) -> None:
    """An enumeration has the values of the page, those of the API, newer ones, and no others."""
    documented = {
        *DOCUMENTED["page_values"][name],
        *DOCUMENTED["api_values"][name],
        *DOCUMENTED["newer_values"].get(name, ()),
    }

    assert set(INPUTS[name]["enum"]) == documented
    assert set(INPUTS[name]["x-4me-labels"]) == documented
    assert len(INPUTS[name]["enum"]) == len(documented)


@pytest.mark.parametrize("name", sorted(DOCUMENTED["api_lengths"]))
def test_lengths(name: str) -> None:
    """A text has the limit that the API documents."""
    assert INPUTS[name]["maxLength"] == DOCUMENTED["api_lengths"][name]


def test_other_limits() -> None:
    """The limits of notes and efforts are those that the API documents."""
    assert INPUTS["note"]["x-4me-max-bytes"] == INPUTS["internal_note"]["x-4me-max-bytes"] == 65_536
    assert INPUTS["planned_effort"]["maximum"] == 600_000


def test_required() -> None:
    """Exactly the connection with its three parts, the request, and request_id or find are."""
    connection = REDUCED["properties"]["connection"]
    assert REDUCED["required"] == ["connection", "request"]
    assert set(connection["required"]) == {"host", "accessToken", "account"}
    assert "required" not in REDUCED["properties"]["request"]
    assert load_spec_schema().alternatives == {("request", "request_id"): "find"}


def test_read_only() -> None:
    """Exactly the read-only inputs of the page are marked so, and with that not sent."""
    assert {name for name, entry in INPUTS.items() if entry.get("readOnly")} == READ_ONLY


def test_markings_for_relay() -> None:
    """Relay knows the connection as a 4me one, and the access token as a secret."""
    (members,) = (
        alternative["properties"]
        for alternative in SPEC["definitions"]["connection"]["anyOf"]
        if "properties" in alternative
    )

    assert SPEC["properties"]["connection"]["x-relay-connectionType"] == "4me"
    assert members["accessToken"]["writeOnly"] is True


@pytest.mark.parametrize("name", sorted(INPUTS))
def test_described(name: str) -> None:
    """Each input has a title and a description that ends like a sentence."""
    assert INPUTS[name]["title"]
    assert INPUTS[name]["description"].endswith(".")


@pytest.mark.parametrize(
    "name", sorted(name for name in INPUTS if INPUTS[name]["x-4me-type"] == "datetime")
)
def test_zones(name: str) -> None:
    """Each input for a time documents whose time zone counts: it is not the container's."""
    assert (
        "Without a zone it is in the time zone of the token's user." in INPUTS[name]["description"]
    )


@pytest.mark.parametrize("name", sorted(DOCUMENTED["page_outputs"]))
def test_page_outputs(name: str) -> None:
    """Each field of the output that the step's page lists is described."""
    assert name in ANSWERED


def test_sample_answer() -> None:
    """The API's own sample answer, with the request_id that the step adds, fits the output."""
    sample = DOCUMENTED["sample_answer"]

    Draft7Validator(OUTPUTS).validate({"request": {**sample, "request_id": sample["id"]}})
    assert set(sample) - set(ANSWERED) == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "68673"),
        ("id", None),
        ("team", 13),
        ("urgent", "no"),
        ("created_at", 5),
        ("subject", 5),
    ],
)
def test_other_answers(name: str, value: object) -> None:
    """An answer of other types does not fit the output, so the schema does constrain it."""
    sample = {**DOCUMENTED["sample_answer"], "request_id": 68673, name: value}

    with pytest.raises(ValidationError):
        Draft7Validator(OUTPUTS).validate({"request": sample})


def test_newer_answers() -> None:
    """An answer may hold fields and values that are newer than the schema."""
    sample = {**DOCUMENTED["sample_answer"], "request_id": 68673, "newer": 1, "status": "newer"}

    Draft7Validator(OUTPUTS).validate({"request": sample})


@pytest.mark.parametrize("name", sorted(DOCUMENTED["newer_outputs"]))
def test_newer_outputs(name: str) -> None:
    """Each field that answers got later is described, and may be null."""
    sample = {**DOCUMENTED["sample_answer"], "request_id": 68673, name: None}

    assert name in ANSWERED
    Draft7Validator(OUTPUTS).validate({"request": sample})


CHANGES = [
    {"field": "impact", "from": "low", "to": "high"},
    {"field": "team", "from": {"id": 13, "name": "Unix Servers"}, "to": None},
    {"field": "custom_fields.build", "from": 1187, "to": 1188},
    {"field": "note", "from": None, "to": "312 characters"},
]


@pytest.mark.parametrize(
    "outputs",
    [
        {"changed": False},
        {"changed": False, "changes": []},
        {"changed": True, "changes": CHANGES},
        {"not_applied": [{"field": "team", "sent": 13, "found": None}]},
    ],
)
def test_outputs_of_an_update(outputs: dict[str, Any]) -> None:
    """Beside the request, or without it where it is missing, values of other kinds are errors."""
    validator = Draft7Validator(OUTPUTS)
    sample = {**DOCUMENTED["sample_answer"], "request_id": 68673}

    validator.validate(outputs)
    validator.validate({**outputs, "request": sample})
    for name, value in outputs.items():
        assert not validator.is_valid({name: str(value)})
    assert not validator.is_valid({**outputs, "changes": [{"field": "impact", "to": "low"}]})
    assert not validator.is_valid({**outputs, "not_applied": [{"field": "impact", "to": "low"}]})
