"""An engine whose outputs are files, or standard output."""

from __future__ import annotations

import errno
import logging
import os
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple

from engines.writable import open_to_write, write_problem
from process.errors import ConfigError
from process.logs import encode_utf8, escape_controls, escape_workflow_commands_in_json, write

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from process.output import Output

logger = logging.getLogger("step.files")


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
        return "standard output" if self.file is None else str(self.file)

    def problem(self, undo: ExitStack) -> str | None:
        """Return why it cannot be written; None if it can (see `write_problem`)."""
        if self.file is None:
            return os.strerror(errno.EBADF) if sys.stdout is None else None
        return write_problem(self.file, undo)

    def write(self, output: Output) -> None:
        """Write an output, and the folders that lead to the file.

        Raises:
            OSError: it cannot be written.
        """
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
        """Return the spec.

        Raises:
            ConfigError: a file cannot be read, or values contradict each other.
            SpecError: a text is neither JSON nor YAML.
        """
        return self.source()

    def check_outputs(self) -> None:
        """Check that every required target can be written, and leave all as it was.

        Raises:
            ConfigError: at least one cannot be written.
        """
        with ExitStack() as undo:
            problems = [
                (target.name, target.problem(undo)) for target in self.targets if target.required
            ]
        details = tuple(f"{name}: {problem}" for name, problem in problems if problem)
        if details:
            raise ConfigError(
                "The output could not be written, so nothing was sent.",
                details=details,
                cause=f"the folder may not be written by this user ({os.geteuid()}), is "
                "read-only, or the disk is full",
                fix="Name another place, or let this user write there; a volume of Kubernetes "
                "takes `fsGroup` in the pod's securityContext.",
            )

    def publish(self, output: Output) -> None:
        """Write the output to every target, also when others fail.

        Raises:
            OutputError: a required one failed.
        """
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
