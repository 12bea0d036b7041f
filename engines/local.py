"""A spec from a file or environment variables, and outputs to files or standard output."""

from __future__ import annotations

import errno
import json
import logging
import os
import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from engines.preflight import open_to_write, write_problem
from engines.results import fit_results
from engines.spec_values import PREFIX, STANDARD_STREAM, TOKEN_FILE, read_spec
from process.errors import ConfigError
from process.logs import encode_utf8, escape_controls, escape_workflow_commands_in_json, write
from process.settings import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from engines import Arguments
    from process.output import Output, OutputSpec, ResultSpec
    from spec.schema import InputVariable

logger = logging.getLogger("step.files")

OUTPUT_VARIABLES = ("OUTPUT", "RESULTS_DIR", "DOTENV", "ANNOTATIONS")  # without the prefix
_STANDARD_OUTPUT = "standard output"
_RESULT_PREFIX = f"{PREFIX}RESULT_"


class OutputTarget(NamedTuple):
    """One place that an output is written to.

    Attributes:
        file: its path; None for standard output.
        render: returns the text to write; JSON for standard output.
        append: whether the text is added to what the file contains.
        required: whether the run fails if it cannot be written.
    """

    file: Path | None
    render: Callable[[Output], str]
    append: bool = False
    required: bool = True

    @property
    def name(self) -> str:
        """What messages call it."""
        return _STANDARD_OUTPUT if self.file is None else str(self.file)

    def problem(self, undo: ExitStack) -> str | None:
        """Return why it cannot be written; None if it can (see `write_problem`)."""
        if self.file is None:
            return os.strerror(errno.EBADF) if sys.stdout is None else None
        return write_problem(self.file, undo)

    def write(self, output: Output) -> None:
        """Write an output, and create the parent folders of the file."""
        text = self.render(output)
        if self.file is None:
            write(sys.stdout, escape_workflow_commands_in_json(text))
            return
        with open_to_write(self.file, append=self.append) as stream:
            stream.write(encode_utf8(text))


class LocalEngine(NamedTuple):
    """An engine without a service: a function that reads the spec, and files for the outputs."""

    source: Callable[[], object]
    targets: tuple[OutputTarget, ...]

    def read_spec(self) -> object:
        """Return the spec."""
        return self.source()

    def check_outputs(self) -> None:
        """Check that every required target can be written, and leave all as it was."""
        with ExitStack() as undo:
            problems = [
                (target.name, target.problem(undo)) for target in self.targets if target.required
            ]
        details = tuple(f"{name}: {problem}" for name, problem in problems if problem)
        if [name for name, problem in problems if problem] == [_STANDARD_OUTPUT]:
            raise ConfigError(
                "The output could not be written, so nothing was sent.",
                details=details,
                cause="standard output is closed",
                fix="Leave standard output open, or name a file for the output: --output FILE.",
            )
        if details:
            raise ConfigError(
                "The output could not be written, so nothing was sent.",
                details=details,
                cause=f"the folder may not be written by this user ({os.geteuid()}), is "
                "read-only, or the disk is full",
                fix="Name another place, or let this user write there; a volume of Kubernetes "
                "needs `fsGroup` in the pod's securityContext.",
            )

    def publish(self, output: Output) -> None:
        """Write the output to every target, also when others fail."""
        failures: list[str] = []
        for target in self.targets:
            try:
                target.write(output)
            except OSError as error:
                failure = f"{escape_controls(target.name)}: {error.strerror}"
                if target.required:
                    failures.append(failure)
                else:
                    logger.warning("An output could not be written: %s", failure)
        if failures:
            raise output.error(
                "The output could not be written.",
                details=tuple(failures),
                cause="the folder may not be written by this user, is read-only, or the disk is "
                "full",
            )


def file_engine(
    environ: Mapping[str, str],
    arguments: Arguments,
    outputs: OutputSpec,
    inputs: Mapping[str, InputVariable],
) -> LocalEngine:
    """Return the engine for a shell, and for workflow engines that use files and variables only.

    Outputs go to the files that the command line and the environment name; without any, to
    standard output. FOURME_ variables that have no effect are named in a warning.
    """
    for name in _ignored_variables(environ, inputs):
        logger.warning("%s is not an input of `%s`, and is ignored.", name, arguments.operation)
    targets = tuple(_named_targets(environ, arguments.output, outputs))
    return LocalEngine(
        partial(read_spec, environ, inputs, arguments.spec),
        targets or tuple(json_targets(STANDARD_STREAM, outputs)),
    )


def _ignored_variables(
    environ: Mapping[str, str], inputs: Mapping[str, InputVariable]
) -> Iterator[str]:
    """Yield the FOURME_ variables that are set and have no effect, in the alphabet's order."""
    names = {*inputs, TOKEN_FILE, *OUTPUT_VARIABLES}
    known = {*VARIABLES, *(f"{PREFIX}{name}" for name in names)}
    for name in sorted(environ):
        # A run's results may be the variables of a later job.
        is_other = name.startswith(PREFIX) and not name.startswith(_RESULT_PREFIX)
        if is_other and name not in known and environ[name].strip():
            yield escape_controls(name)


def _named_targets(
    environ: Mapping[str, str], argument: str | None, outputs: OutputSpec
) -> Iterator[OutputTarget]:
    output, results_folder, dotenv, annotations = (
        environ.get(PREFIX + name, "").strip() for name in OUTPUT_VARIABLES
    )
    if argument or output:
        yield from json_targets(argument or output, outputs)
    if results_folder:
        for spec in outputs.results:
            yield OutputTarget(Path(results_folder, spec.name), partial(_result, spec))
    if dotenv:
        yield OutputTarget(Path(dotenv), partial(_dotenv, outputs.results))
    if annotations:
        yield OutputTarget(Path(annotations), _gitlab_annotations, required=False)


def json_targets(path: str, outputs: OutputSpec) -> Iterator[OutputTarget]:
    """Yield the targets of the JSON values.

    Args:
        path: a file for the main value, replaced if it exists; `-` for the main value on standard
            output; or a folder, for every value as `<name>.json`.
        outputs: what the operation publishes.
    """
    main = outputs.values[0]
    if path == STANDARD_STREAM:
        yield OutputTarget(None, partial(_json, main))
    elif path.endswith("/") or os.path.isdir(path):  # noqa: PTH112  Path's may raise PermissionError
        for name in outputs.values:
            yield OutputTarget(Path(path, f"{name}.json"), partial(_json, name))
    else:
        yield OutputTarget(Path(path), partial(_json, main))


def compact_json(value: object) -> str:
    """Return a JSON value in one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _json(name: str, output: Output) -> str:
    return json.dumps(output.values[name], ensure_ascii=False, indent=2) + "\n"


def _result(spec: ResultSpec, output: Output) -> str:
    return fit_results([spec], output)[spec.name]


def _dotenv(specs: Iterable[ResultSpec], output: Output) -> str:
    # GitLab expands variables in these values when a later job reads them: `$$` is a plain `$`.
    return "".join(
        f"{_RESULT_PREFIX}{name.upper()}={text.replace('$', '$$')}\n"
        for name, text in fit_results(specs, output).items()
    )


def _gitlab_annotations(output: Output) -> str:
    link = output.link
    links = [{"external_link": {"label": link.label, "url": link.url}}] if link else []
    return compact_json({"4me": links})
