"""`spec.schema.json` as it is: specs as they are written, which Relay's validator sees."""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from process.errors import StepError
from sandbox.relay.expressions import Scope, evaluate
from tests.scenario_files import CONNECTION, Accepted, load_scenarios
from tests.spec.strategies import SCHEMA, odd_values, valid_requests
from tests.update_specs import request_names, validate_update

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENT = json.loads((ROOT / "spec.schema.json").read_text(encoding="utf-8"))
SAMPLE = json.loads((ROOT / "tests/data/documented.json").read_text("utf-8"))["sample_answer"]
OUTPUT = {**SAMPLE, "request_id": SAMPLE["id"]}
FOLDERS = {path.parent.name: path.parent for path in ROOT.glob("steps/*/step.yaml")}
EXAMPLES = [
    ROOT / "step.yaml",
    *sorted(ROOT.glob("steps/*/step.yaml")),
    *sorted(ROOT.glob("catalog/relay/*.yaml")),
]
IMAGE = re.compile(r"relaysh/4me-step-requests-([a-z-]+)")
WRITTEN = Draft7Validator(DOCUMENT)
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)


def as_written(value: object) -> Any:  # noqa: ANN401  any JSON value
    """Return a spec with its bytes as Relay writes them."""
    if isinstance(value, dict):
        return {name: as_written(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_written(item) for item in value]
    if isinstance(value, bytes):
        return {"$encoding": "base64", "data": base64.b64encode(value).decode("ascii")}
    return value


@pytest.mark.parametrize("scenario", load_scenarios("accepted"), ids=lambda scenario: scenario.name)
def test_accepted(scenario: Accepted) -> None:
    """What the step accepts is valid as it is written."""
    WRITTEN.validate(as_written(scenario.spec))


@settings(max_examples=200, suppress_health_check=SLOW)
@given(valid_requests())
def test_valid_requests(case: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """Every documented spelling of every field is valid as it is written."""
    WRITTEN.validate(as_written({"connection": dict(CONNECTION), "request": case[0]}))


@settings(max_examples=150, suppress_health_check=SLOW)
@given(st.dictionaries(st.sampled_from(sorted(SCHEMA.fields)), odd_values, max_size=4))
def test_odd_fields(fields: dict[str, object]) -> None:
    """What the step accepts by chance is valid as it is written, too."""
    spec = {"connection": dict(CONNECTION), "request": {**fields, "request_id": 5}}
    try:
        validate_update(spec, SCHEMA)
    except StepError:
        return
    WRITTEN.validate(as_written(spec))


@pytest.mark.parametrize(
    "request_",
    [
        {"request_id": 0},
        {"request_id": ""},
        {"request_id": "80339a"},
        {"request_id": None},
        {"team": "Unix"},
        {"team": {"name": "Unix"}},
        {"team_id": [13]},
        {"impact_id": 1},
        {"impact": "highest"},
        {"category": ""},
        {"urgent": "maybe"},
        {"urgent": 2},
        {"subject": ""},
        {"subject": "x" * 256},
        {"note": " "},
        {"time_spent": ""},
        {"time_spent": "1:60"},
        {"planned_effort": 600_001},
        {"waiting_until": "tomorrow"},
        {"custom_fields": [{"id": "a"}]},
        {"note_attachments": [{"kye": "a"}]},
        {"subjct": "x"},
    ],
)
def test_invalid(request_: dict[str, Any]) -> None:
    """What cannot be converted is invalid already as it is written."""
    request = {"request_id": 5, **request_}
    assert not WRITTEN.is_valid({"connection": dict(CONNECTION), "request": request})


def test_spellings_of_names() -> None:
    """References, and they alone, are accepted with `_id`, too."""
    request = DOCUMENT["properties"]["request"]["anyOf"][0]
    (pattern,) = request["patternProperties"]
    fields = SCHEMA.fields

    assert {name for name in fields if re.search(pattern, name)} == {
        f"{name}_id" for name in request_names(SCHEMA) if fields[name].kind == "reference"
    }
    assert not any(re.search(pattern, name + "_id") for name in ("impact", "subject", "request"))


def specs_in(document: object) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the operation and the spec of every step of ours in a document of Relay.

    Where there is no image, as in a document for the sandbox, a `request` tells an update.
    """
    if isinstance(document, dict) and isinstance(document.get("spec"), dict):
        spec = document["spec"]
        image = IMAGE.match(document.get("image", ""))
        if image:
            yield image[1], spec
        elif "request" in spec:
            yield "update", spec
    if isinstance(document, dict | list):
        for item in document.values() if isinstance(document, dict) else document:
            yield from specs_in(item)


def validator_of(operation: str) -> Draft7Validator:
    """Return the validator of an operation's specs as they are written."""
    path = FOLDERS.get(operation, ROOT) / "spec.schema.json"
    assert operation in {"update", *FOLDERS}
    return Draft7Validator(json.loads(path.read_text(encoding="utf-8")))


def evaluated(spec: object) -> object:
    """Return a spec with values for its expressions, as Relay has them."""
    text = json.dumps(spec)
    outputs = dict.fromkeys(re.findall(r"\$\{outputs\.'?([\w-]+)'?\.(\w+)", text), OUTPUT)
    parameters = dict.fromkeys(re.findall(r"\$\{parameters\.(\w+)", text), "80339")
    connections = {("4me", "my-4me-connection"): dict(CONNECTION)}
    result = evaluate(spec, Scope(connections, outputs, parameters))
    assert result.complete
    return result.value


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples(path: Path) -> None:
    """Relay's validator is content with our own examples."""
    specs = [*specs_in(yaml.safe_load(path.read_text(encoding="utf-8")))]
    assert specs
    for operation, spec in specs:
        validator_of(operation).validate(evaluated(spec))


def test_every_kind_of_update_has_an_example() -> None:
    """Those of the update step show both other modes, and what may stand beside the request."""
    specs = [spec for _, spec in specs_in(yaml.safe_load((ROOT / "step.yaml").read_text("utf-8")))]
    assert {spec["mode"] for spec in specs if "mode" in spec} == {"ensure", "preview"}
    assert {"find", "only_if"} <= {name for spec in specs for name in spec}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_typo_in_an_example_fails(path: Path) -> None:
    """In whichever operation's step it is."""
    for operation, spec in specs_in(yaml.safe_load(path.read_text(encoding="utf-8"))):
        assert not validator_of(operation).is_valid(evaluated({**spec, "requst_id": 1}))


@pytest.mark.parametrize("name", sorted(request_names(SCHEMA)))
def test_examples_of_fields(name: str) -> None:
    """The examples in the schema itself are valid."""
    for example in SCHEMA.fields[name].schema.get("examples", []):
        WRITTEN.validate({"connection": CONNECTION, "request": {"request_id": 5, name: example}})
