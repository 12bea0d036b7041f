"""Where outputs go that no service takes: files, and standard output."""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.results import fit_results
from engines.spec_values import STANDARD_STREAM
from engines.variables import ANNOTATIONS, DOTENV, OUTPUT, RESULTS_DIR
from engines.writable import open_to_write, write_problem
from process.errors import ConfigError, OutputError
from process.logs import escape_controls, escape_workflow_commands_in_json, write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from process.output import Output, OutputSpec, ResultSpec

logger = logging.getLogger("step.files")

FILE_NAME = "request.json"
DOTENV_PREFIX = "FOURME_RESULT_"


@dataclass(frozen=True)
class OutputTarget:
    """One place that an output goes to.

    Attributes:
        file: where it is; None for standard output.
        write: writes an output there; raises OSError when that fails.
        needed: whether the run fails without it; otherwise it is a courtesy.
    """

    file: Path | None
    write: Callable[[Output], None]
    required: bool = True

    @property
    def place(self) -> str:
        """What messages call it."""
        return "standard output" if self.file is None else str(self.file)

    def problem(self, undo: ExitStack) -> str | None:
        """Return why nothing can be written there; None: it can (`engines.writable`)."""
        if self.file is None:
            return os.strerror(errno.EBADF) if sys.stdout is None else None
        return write_problem(self.file, undo)


@dataclass(frozen=True)
class LocalEngine:
    """An engine without a service of its own: a way in, and ways out."""

    source: Callable[[], object]
    targets: tuple[OutputTarget, ...]

    def read_spec(self) -> object:
        """Return the spec.

        Raises:
            ConfigError: a file cannot be read, or values contradict each other.
            SpecError: a text is neither JSON nor YAML.
        """
        return self.source()

    def check_outputs(self) -> None:
        """Try every place that is needed, and leave all as it was.

        Raises:
            ConfigError: at least one cannot be written.
        """
        with ExitStack() as undo:
            tried = [
                (target.place, target.problem(undo)) for target in self.targets if target.required
            ]
        problems = tuple(f"{place}: {problem}" for place, problem in tried if problem)
        if problems:
            raise ConfigError(
                "The output could not be written, so nothing was sent.",
                details=problems,
                cause=f"the folder may not be written by this user ({os.geteuid()}), is "
                "read-only, or the disk is full",
                fix="Name another place, or let this user write there; a volume of Kubernetes "
                "takes `fsGroup` in the pod's securityContext.",
            )

    def publish(self, output: Output) -> None:
        """Write the output to every place, whatever happens at the others.

        Raises:
            OutputError: a needed one failed.
        """
        failures: list[str] = []
        for target in self.targets:
            try:
                target.write(output)
            except OSError as error:
                failure = f"{escape_controls(target.place)}: {error.strerror}"
                if target.required:
                    failures.append(failure)
                else:
                    logger.warning("An output could not be written: %s", failure)
        if failures:
            raise OutputError(
                "The output could not be written.",
                applied=output.applied,
                details=tuple(failures),
                cause="the folder may not be written by this user, is read-only, or the disk is "
                "full",
                fix="Go on with the workflow by hand; running the step again would repeat notes.",
            )


def output_targets(
    environ: Mapping[str, str], output: str | None, outputs: OutputSpec
) -> tuple[OutputTarget, ...]:
    """Return the places that a command line and an environment name; or standard output.

    Args:
        environ: the environment variables.
        output: the argument of --output; it comes before FOURME_OUTPUT.
    """
    targets = tuple(_named_targets(environ, output, outputs))
    return targets or (json_target(STANDARD_STREAM, outputs),)


def _named_targets(
    environ: Mapping[str, str], output: str | None, outputs: OutputSpec
) -> Iterator[OutputTarget]:
    json_file = output or environ.get(OUTPUT, "").strip()
    if json_file:
        yield json_target(json_file, outputs)
    folder = environ.get(RESULTS_DIR, "").strip()
    if folder:
        for spec in outputs.results:
            yield _result_target(Path(folder, spec.name), spec)
    dotenv = environ.get(DOTENV, "").strip()
    if dotenv:
        yield OutputTarget(
            Path(dotenv), lambda output: write_text(Path(dotenv), _dotenv_of(output, outputs))
        )
    annotations = environ.get(ANNOTATIONS, "").strip()
    if annotations:
        yield OutputTarget(
            Path(annotations),
            lambda output: write_text(Path(annotations), _annotations_of(output)),
            required=False,
        )


def json_target(path: str, outputs: OutputSpec) -> OutputTarget:
    """Return the sink that writes the full request as JSON.

    Args:
        path: a file, replaced if it is there; a folder, for `request.json` in it; or `-` for
            standard output.
    """
    if path == STANDARD_STREAM:
        return OutputTarget(None, lambda output: _write_standard_output(_json_of(output, outputs)))
    file = Path(path)
    if path.endswith("/") or os.path.isdir(path):  # noqa: PTH112  Path's may raise PermissionError
        file /= FILE_NAME
    return OutputTarget(file, lambda output: write_text(file, _json_of(output, outputs)))


def write_text(path: Path, text: str, *, append: bool = False) -> None:
    """Write a UTF-8 file, with the folders that lead to it.

    Raises:
        OSError: it cannot be written.
    """
    with open_to_write(path, append=append) as stream:
        stream.write(_encoded(text))


def compact_json(value: Mapping[str, Any]) -> str:
    """Return a JSON object in one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _json_of(output: Output, outputs: OutputSpec) -> str:
    return json.dumps(output.values[outputs.values[0]], ensure_ascii=False, indent=2) + "\n"


def _result_target(path: Path, spec: ResultSpec) -> OutputTarget:
    return OutputTarget(
        path, lambda output: write_text(path, fit_results([spec], output)[spec.name])
    )


def _dotenv_of(output: Output, outputs: OutputSpec) -> str:
    # GitLab expands variables in these values when a later job reads them: `$$` is a plain `$`.
    return "".join(
        f"{DOTENV_PREFIX}{name.upper()}={text.replace('$', '$$')}\n"
        for name, text in fit_results(outputs.results, output).items()
    )


def _annotations_of(output: Output) -> str:
    links = [output.link] if output.link else []
    return compact_json(
        {"4me": [{"external_link": {"label": link.label, "url": link.url}} for link in links]}
    )


def _write_standard_output(text: str) -> None:
    write(sys.stdout, escape_workflow_commands_in_json(text))


def _encoded(text: str) -> bytes:
    """Return text as UTF-8; half a character, which JSON can say and UTF-8 cannot, as JSON does."""
    return text.encode("utf-8", "backslashreplace")
