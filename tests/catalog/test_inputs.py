"""Every engine's definition has each input of the operations, and passes it on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from operations import SUMMARIES, load_operation
from spec.schema import load_spec_schema
from tests.catalog.manifests import by_name, manifest
from tests.step_process import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

VARIABLES = sorted(
    {
        name
        for operation in SUMMARIES
        for name in load_spec_schema(load_operation(operation).schema_folder).variables
    }
)
OPTIONAL = sorted({*VARIABLES} - {"ACCOUNT", "ACCESS_TOKEN"})
TASK = manifest("catalog/tekton/task/fourme-request-update/2.0/fourme-request-update.yaml")["spec"]
TEMPLATE = manifest("catalog/argo/workflow-template.yaml")["spec"]["templates"][0]
ACTION = manifest("action.yml")
COMPONENT = ROOT / "catalog" / "gitlab" / "templates" / "fourme-request-update.yml"
HEADER, JOBS = yaml.safe_load_all(COMPONENT.read_text(encoding="utf-8"))


def kebab(variable: str) -> str:
    """Return the name of an input where words are joined by hyphens."""
    return variable.lower().replace("_", "-")


def passed(entries: list[Mapping[str, Any]]) -> dict[str, str]:
    """Return what a container's variables are set to, but for the token."""
    return {entry["name"]: entry["value"] for entry in entries if "value" in entry}


def test_the_inputs_of_an_update_that_compares_are_among_them() -> None:
    """The tests below do check these."""
    assert {"FIND", "IF_MISSING", "MODE", "ONLY_IF", "STRICT"} <= {*OPTIONAL}


@pytest.mark.parametrize("variable", OPTIONAL)
def test_tekton_passes_each_input(variable: str) -> None:
    """Each is an optional parameter, and the value of its variable."""
    param = by_name(TASK["params"])[kebab(variable)]
    assert (param["type"], "default" in param) == ("string", True)
    value = passed(TASK["steps"][0]["env"])[f"FOURME_{variable}"]
    assert value == f"$(params.{kebab(variable)})"


@pytest.mark.parametrize("variable", OPTIONAL)
def test_argo_passes_each_input(variable: str) -> None:
    """Each is an optional parameter, and the value of its variable."""
    assert "value" in by_name(TEMPLATE["inputs"]["parameters"])[kebab(variable)]
    value = passed(TEMPLATE["container"]["env"])[f"FOURME_{variable}"]
    assert value == f"{{{{inputs.parameters.{kebab(variable)}}}}}"


@pytest.mark.parametrize("variable", OPTIONAL)
def test_gitlab_passes_each_input(variable: str) -> None:
    """Each is an optional input, and the value of its variable."""
    assert "default" in HEADER["spec"]["inputs"][kebab(variable)]
    (job,) = JOBS.values()
    assert job["variables"][f"FOURME_{variable}"] == f"$[[ inputs.{kebab(variable)} ]]"


@pytest.mark.parametrize("variable", OPTIONAL)
def test_the_action_has_each_input(variable: str) -> None:
    """GitHub itself makes INPUT_ variables of them; none is required."""
    assert "required" not in ACTION["inputs"][variable.lower()]


def test_no_definition_has_an_input_of_no_operation() -> None:
    """Beside those of the step there are only those of the engine, and of the command line."""
    known = {*map(kebab, VARIABLES), "operation"}
    assert {*by_name(TASK["params"])} - known == {"token-secret", "token-key"}
    assert {*by_name(TEMPLATE["inputs"]["parameters"])} - known == {"token-secret"}
    assert {*HEADER["spec"]["inputs"]} - known == {"stage", "job-name", "image"}
    assert {*map(kebab, ACTION["inputs"])} - known == {"output"}


def test_what_is_left_out_has_no_default() -> None:
    """An empty input is absent, so that the step's own default holds, and no operation warns."""
    names = {*OPTIONAL} - {"HOST", "DEBUG"}
    assert {by_name(TASK["params"])[kebab(name)]["default"] for name in names} == {""}
    parameters = by_name(TEMPLATE["inputs"]["parameters"])
    assert {parameters[kebab(name)]["value"] for name in names} == {""}
    assert {HEADER["spec"]["inputs"][kebab(name)]["default"] for name in names} == {""}
    assert [name for name in names if "default" in ACTION["inputs"][name.lower()]] == []
