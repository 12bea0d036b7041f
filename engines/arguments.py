"""The command line: OPERATION, --spec, --output, --help, --version."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, NoReturn

from process.errors import ConfigError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from process.output import OperationHelp

DEFAULT_OPERATION = "update"


class Arguments(NamedTuple):
    """The command line's arguments; an empty one counts as left out.

    Attributes:
        operation: the name of the operation.
        spec: the file with the spec, `-` for standard input; None when left out.
        output: the file for the main value, `-` for standard output; None when left out.
    """

    operation: str = DEFAULT_OPERATION
    spec: str | None = None
    output: str | None = None


def read_arguments(
    words: Sequence[str], describe_operations: Callable[[], Sequence[OperationHelp]]
) -> Arguments:
    """Parse the command line.

    Args:
        words: the command line without the program's name.
        describe_operations: returns what the help text says about the operations; called only
            for --help.

    Raises:
        ConfigError: there is no such argument.
        SystemExit: the help text or the version has been printed, as asked for.
    """
    if len(words) <= 1 and not "".join(words).startswith("-"):  # in Relay; argparse is slow
        return Arguments("".join(words) or DEFAULT_OPERATION)
    parsed = _parser(describe_operations).parse_args(words)
    return Arguments(
        parsed.operation or DEFAULT_OPERATION, parsed.spec or None, parsed.output or None
    )


def _parser(
    describe_operations: Callable[[], Sequence[OperationHelp]],
) -> argparse.ArgumentParser:
    import argparse  # noqa: PLC0415  see read_arguments

    from engines.help import DESCRIPTION, VERSION_LINE, epilog  # noqa: PLC0415  likewise

    class Parser(argparse.ArgumentParser):
        """Raises ConfigError instead of exiting with argparse's own exit code."""

        def error(self, message: str) -> NoReturn:
            raise ConfigError(f"The command line is wrong: {message}.", fix="See --help.")

        def format_help(self) -> str:
            self.epilog = epilog(describe_operations())
            return super().format_help()

    parser = Parser(
        prog="step.py",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "operation",
        metavar="OPERATION",
        nargs="?",
        help=f"what to do, see below (default: {DEFAULT_OPERATION})",
    )
    parser.add_argument(
        "--spec", metavar="FILE", help="read the spec from FILE, YAML or JSON; - for standard input"
    )
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="write the main value, such as the request, to FILE as JSON; a folder: every value "
        "to NAME.json in it; - for standard output",
    )
    parser.add_argument("--version", action="version", version=VERSION_LINE)
    return parser
