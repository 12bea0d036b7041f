"""What `make bench` measures: the step as a process, beside three bare HTTP calls.

The cases alternate, so that the noise of a machine affects them alike; compare the figures of one
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

from sandbox import FourMeOptions, Sandbox, load
from tools.image.builders import CONTEXT
from tools.image.container import Container, check_requirements, chroot_command
from tools.image.errors import ImageError
from tools.image.image_build import ImageBuild
from tools.image.import_profile import read_profile, table
from tools.image.meter import Measurement, Meter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


_INPUT = CONTEXT / "catalog" / "relay" / "update-request.yaml"
_CURLS = "three bare curl calls"
_VALGRIND = Path("/usr/libexec/valgrind")
_INSTRUCTIONS = re.compile(r"I\s+refs:\s+([0-9,]+)")
_MAX_PACKAGES_SHOWN = 15
# Bytecode as pip leaves it on an official slim image: the packages have some, the library has none.
_PIP_BYTECODE = "/opt/naive"


@dataclass(frozen=True)
class Options:
    """How to measure.

    Attributes:
        runs: how often each case runs.
        base: the base image; None for the Dockerfile's.
        here: whether to measure this interpreter, without any image.
    """

    runs: int
    base: str | None
    here: bool = False


@dataclass(frozen=True)
class BenchCase:
    """What is measured.

    Attributes:
        name: its name in the table.
        commands: the commands of one run.
        counted_command: the command whose instructions are counted, in the container, if any.
    """

    name: str
    commands: Sequence[Sequence[str]]
    counted_command: Sequence[str] | None = None


def bench(options: Options, echo: Callable[[str], None]) -> None:
    """Measure, and print tables.

    Raises:
        ImageError: it cannot be measured here.
    """
    if shutil.which("curl") is None:
        raise ImageError("curl is not installed.", "apt-get install curl")
    container = None if options.here else _container(options, echo)
    with Sandbox(load(_INPUT), fourme=FourMeOptions()) as sandbox, Meter() as meter:
        step_cases = _cases_on_host() if container is None else _cases_in_image(container)
        cases = [BenchCase(_CURLS, _curls(sandbox)), *step_cases]
        environ = {"PATH": "/usr/local/bin:/usr/bin:/bin", **sandbox.environment()}
        measurements = _measure(meter, cases, environ, options.runs)
        counts = {} if container is None else _counts(container, cases, environ, echo)
        echo(f"medians of {options.runs} runs, alternating\n")
        echo(_report(measurements, counts))
        profile = meter.measure(_profiled(step_cases[0].commands[0]), environ)
    echo(f"\nimports of a run of {step_cases[0].name} (measuring them slows them down)\n")
    echo(table(read_profile(profile.stderr), _MAX_PACKAGES_SHOWN))


def _container(options: Options, echo: Callable[[str], None]) -> Container:
    try:
        check_requirements()
        with ImageBuild(echo, options.base) as image_build:
            return image_build.build_and_unpack().container
    except ImageError as error:
        raise ImageError(
            error.problem, f"{error.remedy} Or measure without any image: make bench HERE=1"
        ) from error


def _curls(sandbox: Sandbox) -> list[list[str]]:
    """Return the three calls of a plain run."""
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


def _cases_in_image(container: Container) -> list[BenchCase]:
    """Return what is measured in an image, as the image's user."""
    command = container.config.command
    python = command[0]
    _compile_like_pip(container, python)
    naive = [python, "-X", f"pycache_prefix={_PIP_BYTECODE}", "/opt/step/step.py"]
    inside = chroot_command(container.root, container.config.user)
    return [
        BenchCase("the image's command", [[*inside, *command]], command),
        BenchCase("naive: all imports, packages' bytecode", [[*inside, *naive]], naive),
        BenchCase("python -I -c pass", [[*inside, python, "-I", "-c", "pass"]]),
    ]


def _compile_like_pip(container: Container, python: str) -> None:
    scratch = container.root / _PIP_BYTECODE.lstrip("/")
    scratch.mkdir(parents=True, exist_ok=True)
    options = ["-X", f"pycache_prefix={_PIP_BYTECODE}", "-m", "compileall", "-q"]
    with Meter() as meter:
        ended = meter.measure(
            [*chroot_command(container.root, ""), python, *options, "/opt/venv/lib", "/opt/step"],
            {},
        )
    if ended.exit_code != 0:
        raise ImageError(f"The packages could not be compiled:\n{ended.stderr}", "See above.")


def _cases_on_host() -> list[BenchCase]:
    """Return what is measured without any image."""
    step = str(CONTEXT / "step.py")
    return [
        BenchCase("the step", [[sys.executable, "-X", "lazy_imports=all", step]]),
        BenchCase("naive: all imports", [[sys.executable, step]]),
        BenchCase("python -I -c pass", [[sys.executable, "-I", "-c", "pass"]]),
    ]


def _measure(
    meter: Meter, cases: Sequence[BenchCase], environ: Mapping[str, str], runs: int
) -> dict[str, list[Measurement]]:
    measurements: dict[str, list[Measurement]] = {case.name: [] for case in cases}
    for _ in range(runs):
        for case in cases:
            measurements[case.name].append(_run(meter, case, environ))
    return measurements


def _run(meter: Meter, case: BenchCase, environ: Mapping[str, str]) -> Measurement:
    """Run a case once; return the sums of its commands, and the largest peak."""
    parts = [meter.measure(command, environ) for command in case.commands]
    for part in parts:
        if part.exit_code != 0:
            raise ImageError(
                f"{case.name} ended with {part.exit_code}:\n{part.stderr}", "See above."
            )
    return Measurement(
        exit_code=0,
        wall=sum(part.wall for part in parts),
        cpu=sum(part.cpu for part in parts),
        memory=max(part.memory for part in parts),
        stderr="",
    )


def _counts(
    container: Container,
    cases: Sequence[BenchCase],
    environ: Mapping[str, str],
    echo: Callable[[str], None],
) -> dict[str, float]:
    """Return the instructions of one run of each case, in millions; nothing without valgrind."""
    tool = next(_VALGRIND.glob("cachegrind-*-linux"), None)
    if tool is None:
        echo("instructions are not counted: valgrind is not installed\n")
        return {}
    folder = container.root / _VALGRIND.relative_to("/")
    folder.mkdir(parents=True, exist_ok=True)
    for path in (tool, _VALGRIND / "default.supp"):
        shutil.copy(path, folder)
    # Both are what valgrind's own launcher sets; it cannot start in the image.
    variables = {**environ, "VALGRIND_LIB": str(_VALGRIND), "VALGRIND_LAUNCHER": str(tool)}
    return {
        case.name: _count_instructions(container, [str(tool), *case.counted_command], variables)
        for case in cases
        if case.counted_command is not None
    }


def _count_instructions(
    container: Container, command: Sequence[str], environ: Mapping[str, str]
) -> float:
    tool, *counted_command = command
    options = ["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    result = container.run(environ, command=[tool, *options, *counted_command])
    match = _INSTRUCTIONS.search(result.stderr)
    if match is None:
        raise ImageError(f"valgrind failed:\n{result.stderr}", "See above.")
    return int(match[1].replace(",", "")) / 1e6


def _report(measurements: Mapping[str, Sequence[Measurement]], counts: Mapping[str, float]) -> str:
    """Return the table: medians, and each wall time as a multiple of the three calls'."""
    baseline = median(run.wall for run in measurements[_CURLS])
    lines = [
        f"{'':40}{'wall ms':>9}{'min':>8}{'x curls':>9}{'CPU ms':>8}{'MiB':>7}{'M instr.':>10}"
    ]
    for name, runs in measurements.items():
        wall = median(run.wall for run in runs)
        count = f"{counts[name]:.1f}" if name in counts else "-"
        lines.append(
            f"{name:40}{wall:9.1f}{min(run.wall for run in runs):8.1f}{wall / baseline:9.2f}"
            f"{median(run.cpu for run in runs):8.1f}{median(run.memory for run in runs):7.1f}"
            f"{count:>10}"
        )
    return "\n".join(lines)


def _profiled(command: Sequence[str]) -> list[str]:
    """Return a command of the interpreter's, with the option that prints an import profile."""
    position = next(
        number for number, word in enumerate(command) if Path(word).name.startswith("python")
    )
    return [*command[: position + 1], "-X", "importtime", *command[position + 1 :]]
