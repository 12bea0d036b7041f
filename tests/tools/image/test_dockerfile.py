"""The Dockerfile agrees with the files that depend on it."""

from __future__ import annotations

import json
import re

from operations import SUMMARIES
from process import VERSION
from tools.image.builders import CONTEXT
from tools.image.image_build import ACTION, default_base
from tools.image.layer import STEP
from tools.image.smoke_run import OPTIONS

DOCKERFILE = (CONTEXT / "Dockerfile").read_text(encoding="utf-8")
STAGES = [
    (name, base) for base, name in re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)
]


def test_the_version_is_the_steps() -> None:
    """An image built without arguments has the step's version in its labels."""
    assert f"\nARG VERSION={VERSION}\n" in DOCKERFILE


def test_smoke_runs_use_the_entry_point() -> None:
    """Smoke runs have the options of the entry point, which is an absolute path."""
    match = re.search(r"^ENTRYPOINT (.*)$", DOCKERFILE, re.MULTILINE)
    assert match is not None
    program, *options = json.loads(match[1])
    assert program == "/opt/venv/bin/python"
    assert options == [*OPTIONS]


def test_both_stages_have_the_same_base() -> None:
    """The bytecode of one stage is for the standard library of the other."""
    assert [stage for stage, base in STAGES if base == "${PYTHON_IMAGE}"] == ["build", "step"]
    assert default_base().startswith("python:3.")


def test_a_plain_build_gives_the_step_that_updates() -> None:
    """The last stage is `update`; a step's stage has its operation as the command."""
    operations = ["get", "update"]
    assert {*operations} == {*SUMMARIES}
    assert STAGES[2:] == [(ACTION, "step"), *((name, "step") for name in operations)]
    stages = DOCKERFILE.partition(f"\nFROM step AS {ACTION}\n")[2]
    lines = [line for line in stages.splitlines() if line and not line.startswith("#")]
    steps = [(f"FROM step AS {name}", "USER 65532:65532", f'CMD ["{name}"]') for name in operations]
    assert lines == ["USER 0:0", *(line for step in steps for line in step)]


def test_the_step_is_copied_to_where_the_layer_reads_it() -> None:
    """All that is copied of the step goes to one folder."""
    copies = re.findall(r"^COPY .* (/\S*)$", DOCKERFILE, re.MULTILINE)
    assert copies
    assert all(path.startswith(str(STEP)) for path in copies if path != "/")


def test_the_context_has_what_is_copied() -> None:
    """.dockerignore, which excludes everything, includes each file that the Dockerfile names."""
    ignored = (CONTEXT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    for name in " ".join(copied).split():
        assert {f"!{name}", f"!{name}/*.py"} & {*ignored}, name
