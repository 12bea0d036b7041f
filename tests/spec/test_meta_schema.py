"""`tools/meta.schema.json`: what the step's schemas may contain."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

ROOT = Path(__file__).resolve().parent.parent.parent
META = json.loads((ROOT / "tools" / "meta.schema.json").read_text(encoding="utf-8"))
SPECS = [ROOT / "spec.schema.json", *sorted(ROOT.glob("steps/*/spec.schema.json"))]
OUTPUTS = [ROOT / "outputs.schema.json", *sorted(ROOT.glob("steps/*/outputs.schema.json"))]


def read(path: Path) -> dict[str, Any]:
    """Return the schema in a file."""
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


def with_property(entry: object) -> dict[str, Any]:
    """Return the spec's schema with one more input."""
    document = read(SPECS[0])
    return {**document, "properties": {**document["properties"], "added": entry}}


@pytest.mark.parametrize("path", [*SPECS, *OUTPUTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_schemas(path: Path) -> None:
    """Every schema of a step is one; `make lint` checks the same."""
    Draft7Validator(META).validate(read(path))
    assert "--schemafile tools/meta.schema.json $(SCHEMAS)" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize(
    "entry",
    [
        {"x-4me-idempotant": False},
        {"x-4me-adds": True},
        {"x-4me-idempotent": True},
        {"x-4me-type": "refrence"},
        {"x-4me-location": "query"},
        {"x-4me-unless": ""},
        {"x-4me-one-of": [["a"]]},
        {"x-4me-one-of": [["a"], "b"]},
        {"x-4me-one-of": [["a"], []]},
        {"x-4me-variable": "FourMe"},
        {"x-4me-max-bytes": "64"},
        {"maxLenght": 5},
        {"description": "No full stop"},
        {"$ref": "#/definitions/id", "maximum": 5},
        {"$ref": "#definitions/id"},
        {"allOf": [{"type": "string"}]},
        {"anyOf": [{"type": "string"}]},
        {"type": "text"},
        {"pattern": "^(?!a)"},
        {"pattern": "(?<=a)b"},
        {"pattern": r"(a)\1"},
        {"patternProperties": {"(?=a)": {}}},
        {"items": {"x-4me-priavte": True}},
        True,
    ],
)
def test_mistakes(entry: object) -> None:
    """A misspelt keyword or annotation, or one that draft-07 or RE2 does not know, is an error."""
    assert Draft7Validator(META).is_valid(with_property({"type": "string"}))
    assert not Draft7Validator(META).is_valid(with_property(entry))


@pytest.mark.parametrize("paths", [SPECS, OUTPUTS], ids=["specs", "outputs"])
def test_definitions_are_shared(paths: list[Path]) -> None:
    """A definition of one name is the same in the schemas of all steps."""
    definitions = [read(path).get("definitions", {}) for path in paths]
    shared = {name: entry for each in definitions for name, entry in each.items()}

    for each in definitions:
        assert each == {name: shared[name] for name in each}


@pytest.mark.parametrize("path", [*SPECS, *OUTPUTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_references(path: Path) -> None:
    """Every reference leads to a definition, and every definition is referred to."""
    text = path.read_text(encoding="utf-8")

    referred = set(re.findall(r'"\$ref": "#/definitions/([a-z0-9_]+)"', text))
    assert referred == read(path).get("definitions", {}).keys()
