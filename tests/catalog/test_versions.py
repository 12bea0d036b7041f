"""What several files repeat, such as the version, agrees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engines import read_arguments
from engines.command_line import OUTPUT_VARIABLES, TOKEN_FILE_VARIABLE
from operations import describe_operations
from process import VERSION
from process.operation_help import variable_meanings
from tests.catalog.manifests import manifest
from tests.step_process import ROOT

MANIFESTS = [ROOT / "action.yml", *sorted((ROOT / "catalog").rglob("*.y*ml"))]


@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: str(Path(file).relative_to(ROOT)))
def test_every_tag_is_the_version(file: Path) -> None:
    """Wherever the step is named with a version, it is this one."""
    text = file.read_text(encoding="utf-8")
    named = re.findall(r"4me-step-requests-update(?:/[a-z-]+)?[:@]v?([0-9][0-9.]*[0-9])", text)
    assert set(named) <= {VERSION}


def test_some_tags_are_found() -> None:
    """The test above does check some tags."""
    texts = [file.read_text(encoding="utf-8") for file in MANIFESTS]
    assert sum(f"4me-step-requests-update:{VERSION}" in text for text in texts) >= 3


def test_the_catalog_has_the_versions_folder() -> None:
    """Folder and label of the Tekton Task are the version without its patch."""
    short = VERSION.rpartition(".")[0]
    folder = f"catalog/tekton/task/fourme-request-update/{short}"
    task = manifest(f"{folder}/fourme-request-update.yaml")
    assert task["metadata"]["labels"]["app.kubernetes.io/version"] == short
    template = manifest("catalog/argo/workflow-template.yaml")
    assert template["metadata"]["labels"]["app.kubernetes.io/version"] == short


def test_every_variable_of_a_manifest_is_documented() -> None:
    """No manifest sets a FOURME_ variable that the step does not know; each input is in some."""
    inputs = variable_meanings(describe_operations())
    known = {*inputs, *TOKEN_FILE_VARIABLE, *OUTPUT_VARIABLES}
    used = {
        name
        for file in MANIFESTS
        for name in re.findall(r"\b(FOURME_[A-Z_]+)", file.read_text(encoding="utf-8"))
    }
    assert {name for name in used if not name.startswith("FOURME_RESULT_")} <= known
    assert {*inputs} - used == set()


def test_an_empty_argument_counts_as_left_out() -> None:
    """A run in Relay has an empty command line."""
    assert read_arguments([], list) == read_arguments(["--spec", ""], list)
