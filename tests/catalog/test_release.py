"""The release workflow makes every image that a manifest names."""

from __future__ import annotations

import re
from typing import Any

from tests.catalog.manifests import by_name, manifest
from tests.step_process import ROOT

JOB: dict[str, Any] = manifest(".github/workflows/release.yml")["jobs"]["image"]
BUILDS = JOB["strategy"]["matrix"]["include"]
PLAIN = "latest=auto"
STAGES = re.findall(
    r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
)


def test_each_step_has_an_image_of_its_own() -> None:
    """The plain tags of a step's image are for the stage that is named as its operation."""
    plain = {build["target"]: build["image"] for build in BUILDS if build["flavor"] == PLAIN}
    files = {"update": "step.yaml"}
    files |= {file.parent.name: str(file) for file in ROOT.glob("steps/*/step.yaml")}
    assert plain == {name: manifest(file)["publish"]["repository"] for name, file in files.items()}


def test_each_variant_has_tags_of_its_own() -> None:
    """A variant is a stage, whose name ends all of its tags, `latest` included."""
    assert {build["target"] for build in BUILDS} <= {*STAGES}
    variants = {build["target"]: build["flavor"] for build in BUILDS if build["flavor"] != PLAIN}
    assert variants == {name: f"suffix=-{name},onlatest=true" for name in variants}


def test_the_actions_image_is_among_them() -> None:
    """The action's tag ends in the name of a stage that is built for its image."""
    image, _, tag = manifest("action.yml")["runs"]["image"].removeprefix("docker://").partition(":")
    assert (image, tag.rpartition("-")[2]) in {(each["image"], each["target"]) for each in BUILDS}


def test_every_platform_is_built_from_the_same_stage() -> None:
    """Each build is of the stage of its job, and is pushed by digest alone."""
    builds = [step["with"] for step in JOB["steps"] if "build-push" in step.get("uses", "")]
    assert [build["platforms"] for build in builds] == ["linux/amd64", "linux/arm64"]
    assert {build["target"] for build in builds} == {"${{ matrix.target }}"}
    named = by_name(step for step in JOB["steps"] if "name" in step)
    assert named["Tags and labels"]["with"]["flavor"] == "${{ matrix.flavor }}"
