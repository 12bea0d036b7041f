"""tools.image.builders and tools.image.debian: which tool is taken, and what a user without one reads."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tools.image import builders, cli, container, debian, workshop
from tools.image.problems import ImageError

if TYPE_CHECKING:
    from pathlib import Path


def put_tool(folder: Path, name: str, script: str) -> None:
    """Put a tool on the path that is a shell script."""
    tool = folder / name
    tool.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    tool.chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole path."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_docker_without_its_engine_is_passed_over(tools: Path) -> None:
    """A docker client that reaches no engine gives way to the next tool that works."""
    put_tool(tools, "docker", "echo 'Is the docker daemon running?' >&2; exit 1")
    put_tool(tools, "buildah", "exit 0")
    said: list[str] = []
    assert builders.find_builder(said.append).name == "buildah"
    assert said == ["docker is passed over: Is the docker daemon running?"]


def test_docker_that_works_comes_first(tools: Path) -> None:
    """Where several work, docker builds."""
    for name in ("docker", "podman", "buildah"):
        put_tool(tools, name, "exit 0")
    assert builders.find_builder(print).name == "docker"


def test_without_any_tool_the_reasons_are_told(tools: Path) -> None:
    """Each tool's reason is in the message, and what to install."""
    put_tool(tools, "docker", "echo 'Is the docker daemon running?' >&2; exit 1")
    with pytest.raises(ImageError) as caught:
        builders.find_builder(print)
    assert "docker: Is the docker daemon running?" in caught.value.what
    assert "podman: not installed" in caught.value.what
    assert "apt-get install buildah" in caught.value.todo


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("job", ["build", "test", "bench", "suite"])
def test_no_job_ends_in_a_stack_trace(job: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each job on a bare machine ends with 1 and says what to do."""
    assert cli.main([job]) == cli.FAILED
    assert "What to do: " in capsys.readouterr().out


def test_a_tool_that_fails_is_quoted(tools: Path) -> None:
    """What a tool prints before it fails is in the message."""
    put_tool(tools, "podman", "echo out; echo wrong >&2; exit 3")
    with pytest.raises(ImageError, match=r"podman build` failed \(3\)") as caught:
        builders.Podman().run("build")
    assert "out\n  wrong" in caught.value.what


def test_a_base_that_cannot_be_pulled_names_the_stand_in(tools: Path) -> None:
    """Without a registry, the message names BASE=debian."""
    put_tool(tools, "docker", "echo 'no such host' >&2; exit 1")
    with pytest.raises(ImageError) as caught:
        workshop.find_base(builders.Docker(), "python:3.15-slim")
    assert "no such host" in caught.value.what
    assert "BASE=debian" in caught.value.todo


def test_what_a_build_is_given(tools: Path) -> None:
    """The Dockerfile's ARGs, the time of all files, the stage and the name reach the tool."""
    put_tool(tools, "podman", f'echo "$@" >{tools}/said')
    facts = {"VERSION": "1", "SOURCE_DATE_EPOCH": "7"}
    builders.Podman().build("step:1", facts, target="github", again=True)
    said = (tools / "said").read_text(encoding="utf-8")
    for words in ("--timestamp 7", "--no-cache", "--build-arg=VERSION=1", "--tag step:1"):
        assert words in said
    assert "--target github" in said
    builders.Podman().build("step:1", facts)
    assert "--target" not in (tools / "said").read_text(encoding="utf-8")


def test_buildah_keeps_test_images_in_a_folder_of_ours(tools: Path) -> None:
    """The store of tests is not the user's."""
    put_tool(tools, "buildah", f'echo "$@" >{tools}/said; echo "$TMPDIR" >>{tools}/said')
    builders.in_folder(builders.Buildah(), tools).run("images")
    said = (tools / "said").read_text(encoding="utf-8").split()
    assert said == [
        "--root",
        f"{tools}/store",
        "--runroot",
        f"{tools}/running",
        "images",
        str(tools),
    ]


@pytest.mark.parametrize(
    ("present", "says"), [((), "Debian or one of its kin"), (("apt-get",), "mmdebstrap")]
)
def test_a_stand_in_takes_debians_tools(tools: Path, present: tuple[str, ...], says: str) -> None:
    """A machine that cannot make a stand-in says what it lacks."""
    for name in present:
        put_tool(tools, name, "exit 0")
    with pytest.raises(ImageError, match=says):
        debian.make_stand_in(tools / "base.tar", debian.Release())


def test_running_takes_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else than root is told so before anything is built."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ImageError, match="takes root"):
        container.check_machine()
