"""The release workflow makes every image that a manifest names."""

from __future__ import annotations

import re
from typing import Any

from tests.catalog.manifests import by_name, manifest
from tests.step_process import ROOT

JOB: dict[str, Any] = manifest(".github/workflows/release.yml")["jobs"]["image"]
BUILDS = JOB["strategy"]["matrix"]["include"]
STAGES = re.findall(
    r"^FROM \S+ AS (\S+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE
)


def test_each_variant_has_tags_of_its_own() -> None:
    """The last stage has the plain tags; any other has its name behind, `latest` included."""
    flavors = {build["target"]: build["flavor"] for build in BUILDS}
    assert flavors.keys() <= {*STAGES}
    assert flavors.pop(STAGES[-1]) == "latest=auto"
    assert flavors == {name: f"suffix=-{name},onlatest=true" for name in flavors}


def test_the_actions_image_is_among_them() -> None:
    """The action's tag ends in the name of a stage that is built."""
    image = manifest("action.yml")["runs"]["image"]
    assert image.rpartition("-")[2] in {build["target"] for build in BUILDS}


def test_every_platform_is_built_from_the_same_stage() -> None:
    """Each build takes the stage of its job, and is pushed by digest alone."""
    builds = [step["with"] for step in JOB["steps"] if "build-push" in step.get("uses", "")]
    assert [build["platforms"] for build in builds] == ["linux/amd64", "linux/arm64"]
    assert {build["target"] for build in builds} == {"${{ matrix.target }}"}
    named = by_name(step for step in JOB["steps"] if "name" in step)
    assert named["Tags and labels"]["with"]["flavor"] == "${{ matrix.flavor }}"
