"""The scenario files, validated in this process."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from process.errors import StepError
from tests.scenario_files import ACCESS_TOKEN, Accepted, Refused, load_scenarios
from tests.update_specs import refuse_update, request_names, update_in, validate_update

if TYPE_CHECKING:
    from collections.abc import Iterator

    from spec.schema import SpecSchema

SECRETS = (ACCESS_TOKEN, "scenario-secret")


@pytest.mark.parametrize("scenario", load_scenarios("accepted"), ids=lambda scenario: scenario.name)
def test_accepted(scenario: Accepted, schema: SpecSchema) -> None:
    """An accepted spec results in exactly the documented call, types included."""
    spec = validate_update(scenario.spec, schema)
    update = update_in(spec)

    number = f"/{update.request_id}" if update.request_id else ""
    assert f"/v1/requests{number}" == scenario.path
    # As JSON text, since for Python True, 1 and 1.0 are equal.
    assert json.dumps(update.body, sort_keys=True) == json.dumps(scenario.body, sort_keys=True)
    assert spec.values["connection"]["accessToken"] == ACCESS_TOKEN
    expected = {**scenario.inputs, **scenario.values}
    expected = {name: value for name, value in expected.items() if value is not None}
    others = {name: spec.values[name] for name in expected}
    assert json.dumps(others) == json.dumps(expected)
    assert spec.values.keys() == {"connection", "request", *expected}


@pytest.mark.parametrize("scenario", load_scenarios("refused"), ids=lambda scenario: scenario.name)
def test_refused(scenario: Refused, schema: SpecSchema) -> None:
    """A refused spec ends with its exit code, and an error with the parts that the file lists."""
    with pytest.raises(StepError) as caught:
        refuse_update(scenario.spec, schema)

    text = str(caught.value)
    assert caught.value.exit_code == scenario.exit_code
    assert caught.value.applied == "no"
    assert [words for words in scenario.error_contains if words not in text] == []
    hidden = [*scenario.error_lacks, *SECRETS, *_notes_of(scenario.spec)]
    assert [words for words in hidden if words in text] == []


def test_every_field_has_a_scenario(schema: SpecSchema) -> None:
    """Each documented type of a field, and each field, is in some accepted scenario."""
    shown: set[str] = set()
    for scenario in load_scenarios("accepted"):
        if isinstance(scenario.request, dict):
            shown |= {schema.fields[name].name for name in scenario.request}

    assert set(request_names(schema)) - shown == set()


def test_descriptions_are_sentences() -> None:
    """Each scenario file says in one sentence what it shows, and no two are the same."""
    descriptions = [scenario.description for scenario in load_scenarios("accepted")]
    descriptions += [scenario.description for scenario in load_scenarios("refused")]

    assert [text for text in descriptions if not text.endswith(".") or "\n" in text] == []
    assert len(set(descriptions)) == len(descriptions)


def _notes_of(spec: object) -> Iterator[str]:
    request = spec.get("request") if isinstance(spec, dict) else None
    for name in ("note", "internal_note"):
        note = request.get(name) if isinstance(request, dict) else None
        if isinstance(note, str) and note:
            yield note
