"""tools.image.builders and debian: which tool builds, and the errors where none does."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tools.image import builders, cli, container, debian, image_build
from tools.image.errors import ImageError

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


def test_docker_without_its_engine_is_skipped(tools: Path) -> None:
    """A docker client that reaches no engine is skipped for the next tool that works."""
    put_tool(tools, "docker", "echo 'Is the docker daemon running?' >&2; exit 1")
    put_tool(tools, "buildah", "exit 0")
    printed: list[str] = []
    assert builders.find_builder(printed.append).name == "buildah"
    assert printed == ["docker is skipped: Is the docker daemon running?"]


def test_docker_that_works_comes_first(tools: Path) -> None:
    """Where several work, docker builds."""
    for name in ("docker", "podman", "buildah"):
        put_tool(tools, name, "exit 0")
    assert builders.find_builder(print).name == "docker"


def test_without_any_tool_the_error_gives_the_reasons(tools: Path) -> None:
    """Each tool's reason is in the message, and what to install."""
    put_tool(tools, "docker", "echo 'Is the docker daemon running?' >&2; exit 1")
    with pytest.raises(ImageError) as caught:
        builders.find_builder(print)
    assert "docker: Is the docker daemon running?" in caught.value.problem
    assert "podman: not installed" in caught.value.problem
    assert "apt-get install buildah" in caught.value.remedy


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("command", ["build", "test", "bench", "suite"])
def test_no_command_ends_in_a_stack_trace(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each command on a bare machine ends with 1 and prints what to do."""
    assert cli.main([command]) == cli.EXIT_FAILED
    assert "What to do: " in capsys.readouterr().out


def test_the_output_of_a_tool_that_fails_is_shown(tools: Path) -> None:
    """What a tool prints before it fails is in the message."""
    put_tool(tools, "podman", "echo out; echo wrong >&2; exit 3")
    with pytest.raises(ImageError, match=r"podman build` failed \(3\)") as caught:
        builders.Podman().run("build")
    assert "out\n  wrong" in caught.value.problem


def test_a_base_that_cannot_be_pulled_has_an_alternative(tools: Path) -> None:
    """Without a registry, the message names BASE=debian."""
    put_tool(tools, "docker", "echo 'no such host' >&2; exit 1")
    with pytest.raises(ImageError) as caught:
        image_build.resolve_base(builders.Docker(), "python:3.15-slim")
    assert "no such host" in caught.value.problem
    assert "BASE=debian" in caught.value.remedy


def test_the_options_of_a_build(tools: Path) -> None:
    """The Dockerfile's ARGs, the time of all files, the stage and the name reach the tool."""
    put_tool(tools, "podman", f'echo "$@" >{tools}/printed')
    arguments = {"VERSION": "1", "SOURCE_DATE_EPOCH": "7"}
    builders.Podman().build("step:1", arguments, target="github", no_cache=True)
    printed = (tools / "printed").read_text(encoding="utf-8")
    for words in ("--timestamp 7", "--no-cache", "--build-arg=VERSION=1", "--tag step:1"):
        assert words in printed
    assert "--target github" in printed
    builders.Podman().build("step:1", arguments)
    assert "--target" not in (tools / "printed").read_text(encoding="utf-8")


def test_buildah_stores_test_images_in_the_given_folder(tools: Path) -> None:
    """Tests do not use the storage of the user."""
    put_tool(tools, "buildah", f'echo "$@" >{tools}/printed; echo "$TMPDIR" >>{tools}/printed')
    builders.with_storage(builders.Buildah(), tools).run("images")
    printed = (tools / "printed").read_text(encoding="utf-8").split()
    assert printed == [
        "--root",
        f"{tools}/storage",
        "--runroot",
        f"{tools}/runroot",
        "images",
        str(tools),
    ]


@pytest.mark.parametrize(
    ("present", "message"), [((), "Debian and its derivatives"), (("apt-get",), "mmdebstrap")]
)
def test_a_debian_base_requires_debians_tools(
    tools: Path, present: tuple[str, ...], message: str
) -> None:
    """On a machine that cannot make one, the error says what is missing."""
    for name in present:
        put_tool(tools, name, "exit 0")
    with pytest.raises(ImageError, match=message):
        debian.make_root_filesystem(tools / "base.tar", debian.Release())


def test_running_requires_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other users get this error before anything is built."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(ImageError, match="requires root"):
        container.check_requirements()
