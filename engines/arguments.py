"""The command line: --spec, --output, --help, --version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from process.errors import ConfigError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable, Sequence

    from process.output import ResultSpec


DEFAULT_OPERATION = "update"


@dataclass(frozen=True)
class Arguments:
    """What the command line says.

    Attributes:
        operation: what to do.
        spec: the file with the spec, `-` for standard input; None: not from a file.
        output: the file for the full request, `-` for standard output; None: nothing is said.
    """

    operation: str = DEFAULT_OPERATION
    spec: str | None = None
    output: str | None = None


def read_arguments(words: Sequence[str], results: Callable[[], Iterable[ResultSpec]]) -> Arguments:
    """Return what the words after the program's name say.

    Raises:
        ConfigError: they make no sense.
        SystemExit: help or the version was asked for; it has been printed.
    """
    if not words:
        return Arguments()  # a run in Relay: argparse is slow to import
    given = _parser(results).parse_args(words)
    return Arguments(given.operation or DEFAULT_OPERATION, given.spec or None, given.output or None)


def _parser(results: Callable[[], Iterable[ResultSpec]]) -> argparse.ArgumentParser:
    import argparse  # noqa: PLC0415  see read_arguments

    from engines.help import DESCRIPTION, VERSION_LINE, epilog  # noqa: PLC0415  likewise

    class Parser(argparse.ArgumentParser):
        """Leaves the exit code to the step: argparse's own would be 2."""

        def error(self, message: str) -> NoReturn:
            raise ConfigError(
                f"The command line makes no sense: {message}.",
                fix="See --help.",
            )

    parser = Parser(
        prog="step.py",
        description=DESCRIPTION,
        epilog=epilog(results()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "operation", metavar="OPERATION", nargs="?", help="what to do (default: update)"
    )
    parser.add_argument(
        "--spec", metavar="FILE", help="read the spec from FILE, YAML or JSON; - for standard input"
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="write the full request to FILE as JSON; a folder: request.json in it; - for "
        "standard output",
    )
    parser.add_argument("--version", action="version", version=VERSION_LINE)
    return parser
