"""What `make bench` measures: the step as a process, beside three bare HTTP calls.

All sides take turns, so that the noise of a machine hits them alike; compare the figures of one
table only. The calls are those of a plain run: read the spec, PATCH, write the output.
"""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from image.builders import CONTEXT
from image.container import Container, check_machine, enter
from image.imports import read_profile, table
from image.meter import Measured, Meter
from image.problems import ImageError
from image.workshop import Workshop
from sandbox import FourMeOptions, Sandbox, load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


_INPUT = CONTEXT / "examples" / "update-request.yaml"
_CURLS = "three bare curl calls"
_VALGRIND = Path("/usr/libexec/valgrind")
_COUNTED = re.compile(r"I\s+refs:\s+([0-9,]+)")
_PACKAGES_SHOWN = 15
# Bytecode as pip leaves it on an official slim image: the packages have some, the library has none.
_PIP_BYTECODE = "/opt/naive"


@dataclass(frozen=True)
class Options:
    """How to measure.

    Attributes:
        runs: how often each side runs.
        base: the base to build on; None for the Dockerfile's.
        here: whether to measure this interpreter, without any image.
    """

    runs: int
    base: str | None
    here: bool = False


@dataclass(frozen=True)
class Side:
    """What is measured.

    Attributes:
        name: what the table calls it.
        commands: what makes one run.
        counted: the command to count instructions of, in the container; None for no count.
    """

    name: str
    commands: Sequence[Sequence[str]]
    counted: Sequence[str] | None = None


def bench(options: Options, say: Callable[[str], None]) -> None:
    """Measure, and print tables.

    Raises:
        ImageError: it cannot be measured here.
    """
    if shutil.which("curl") is None:
        raise ImageError("curl is not installed.", "apt-get install curl")
    container = None if options.here else _container(options, say)
    with Sandbox(load(_INPUT), fourme=FourMeOptions()) as sandbox, Meter() as meter:
        curls = Side(_CURLS, _curls(sandbox))
        sides = [curls, *(_sides_here() if container is None else _sides(container))]
        environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", **sandbox.environment()}
        taken: dict[str, list[Measured]] = {side.name: [] for side in sides}
        for _ in range(options.runs):
            for side in sides:
                taken[side.name].append(_run(meter, side, environ))
        counts = {} if container is None else _counts(container, sides, environ, say)
        say(f"medians of {options.runs} runs, taken in turns\n")
        say(_report(taken, counts))
        step = sides[1].commands[0]
        profile = meter.measure(_profiled(step), environ)
    say(f"\nimports of a run of {sides[1].name} (measuring them slows them down)\n")
    say(table(read_profile(profile.log), _PACKAGES_SHOWN))


def _container(options: Options, say: Callable[[str], None]) -> Container:
    try:
        check_machine()
        with Workshop(say, options.base) as workshop:
            return workshop.lay_out().container
    except ImageError as error:
        raise ImageError(
            error.what, f"{error.todo} Or measure without any image: make bench HERE=1"
        ) from error


def _curls(sandbox: Sandbox) -> list[list[str]]:
    """Return the three calls that a run cannot do without."""
    curl = [shutil.which("curl") or "curl", "--silent", "--fail", "--output", "/dev/null"]
    scheme, _, address = sandbox.metadata_url.partition("://")
    service = f"{scheme}://{address.rpartition('@')[2]}"
    relay = [*curl, "--user", f":{sandbox.metadata_token}"]
    json = ["--header", "Content-Type: application/json", "--data"]
    fourme = [
        *("--header", "Authorization: Bearer demo-token", "--header", "X-4me-Account: wdc"),
        f"{sandbox.fourme_url}/v1/requests/80339",
    ]
    return [
        [*relay, f"{service}/spec"],
        [*curl, "--request", "PATCH", *json, '{"status": "accepted"}', *fourme],
        [*relay, "--request", "PUT", *json, '{"id": 80339}', f"{service}/outputs/curl"],
    ]


def _sides(container: Container) -> list[Side]:
    """Return what is measured in an image, as the image's user."""
    command = container.config.command
    python = command[0]
    _compile_like_pip(container, python)
    naive = [python, "-X", f"pycache_prefix={_PIP_BYTECODE}", "/opt/step/step.py"]
    inside = enter(container.root, container.config.user)
    return [
        Side("the image's command", [[*inside, *command]], command),
        Side("naive: all imports, packages' bytecode", [[*inside, *naive]], naive),
        Side("python -I -c pass", [[*inside, python, "-I", "-c", "pass"]]),
    ]


def _compile_like_pip(container: Container, python: str) -> None:
    scratch = container.root / _PIP_BYTECODE.lstrip("/")
    scratch.mkdir(parents=True, exist_ok=True)
    options = ["-X", f"pycache_prefix={_PIP_BYTECODE}", "-m", "compileall", "-q"]
    with Meter() as meter:
        ended = meter.measure(
            [*enter(container.root, ""), python, *options, "/opt/venv/lib", "/opt/step"],
            {},
        )
    if ended.code != 0:
        raise ImageError(f"The packages could not be compiled:\n{ended.log}", "See above.")


def _sides_here() -> list[Side]:
    """Return what is measured without any image."""
    step = str(CONTEXT / "step.py")
    return [
        Side("the step", [[sys.executable, "-X", "lazy_imports=all", step]]),
        Side("naive: all imports", [[sys.executable, step]]),
        Side("python -I -c pass", [[sys.executable, "-I", "-c", "pass"]]),
    ]


def _run(meter: Meter, side: Side, environ: Mapping[str, str]) -> Measured:
    """Make one run of a side; return the sums of its commands, and the largest peak."""
    parts = [meter.measure(command, environ) for command in side.commands]
    for part in parts:
        if part.code != 0:
            raise ImageError(f"{side.name} ended with {part.code}:\n{part.log}", "See above.")
    return Measured(
        0,
        sum(part.wall for part in parts),
        sum(part.processor for part in parts),
        max(part.memory for part in parts),
        "",
    )


def _counts(
    container: Container,
    sides: Sequence[Side],
    environ: Mapping[str, str],
    say: Callable[[str], None],
) -> dict[str, float]:
    """Return the instructions of one run of each side, in millions, where valgrind is there."""
    tool = next(_VALGRIND.glob("cachegrind-*-linux"), None)
    if tool is None:
        say("instructions are not counted: valgrind is not installed\n")
        return {}
    inside = container.root / _VALGRIND.relative_to("/")
    inside.mkdir(parents=True, exist_ok=True)
    for path in (tool, _VALGRIND / "default.supp"):
        shutil.copy(path, inside)
    # Both are what valgrind's own launcher sets; it cannot start in the image.
    known = {**environ, "VALGRIND_LIB": str(_VALGRIND), "VALGRIND_LAUNCHER": str(tool)}
    options = ["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    counts = {}
    for side in sides:
        if side.counted is not None:
            ended = container.run(known, command=[str(tool), *options, *side.counted])
            match = _COUNTED.search(ended.log)
            if match is None:
                raise ImageError(f"valgrind failed:\n{ended.log}", "See above.")
            counts[side.name] = int(match[1].replace(",", "")) / 1e6
    return counts


def _report(taken: Mapping[str, Sequence[Measured]], counts: Mapping[str, float]) -> str:
    """Return the table: medians, and how often the three calls fit into each wall time."""
    unit = median(run.wall for run in taken[_CURLS])
    lines = [
        f"{'':40}{'wall ms':>9}{'least':>8}{'x curls':>9}{'CPU ms':>8}{'MiB':>7}{'M instr.':>10}"
    ]
    for name, runs in taken.items():
        wall = median(run.wall for run in runs)
        count = f"{counts[name]:.1f}" if name in counts else "-"
        lines.append(
            f"{name:40}{wall:9.1f}{min(run.wall for run in runs):8.1f}{wall / unit:9.2f}"
            f"{median(run.processor for run in runs):8.1f}{median(run.memory for run in runs):7.1f}"
            f"{count:>10}"
        )
    return "\n".join(lines)


def _profiled(command: Sequence[str]) -> list[str]:
    """Return a command of the interpreter's that prints an import profile."""
    position = next(
        number for number, word in enumerate(command) if Path(word).name.startswith("python")
    )
    return [*command[: position + 1], "-X", "importtime", *command[position + 1 :]]
