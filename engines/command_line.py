"""Parses the command line where it has options; the help text's tables are those of the code."""

from __future__ import annotations

import argparse
import textwrap
from typing import TYPE_CHECKING, NoReturn

from engines import DEFAULT_OPERATION, PROGRAM, Arguments
from process import VERSION
from process.errors import ConfigError
from process.exit_code_table import EXIT_CODES
from process.operation_help import variable_meanings
from process.settings import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from process.operation_help import OperationHelp

TOKEN_FILE_VARIABLE = {"FOURME_ACCESS_TOKEN_FILE": "a file that holds the access token"}
OUTPUT_VARIABLES = {
    "FOURME_OUTPUT": "file for the main value, such as the request, as JSON; a folder: every value "
    "as `<name>.json`; `-`: stdout",
    "FOURME_RESULTS_DIR": "folder for one file per result, without a final line break",
    "FOURME_DOTENV": "file for the results as lines `FOURME_RESULT_<NAME>=value`",
    "FOURME_ANNOTATIONS": "file for a GitLab job annotation that links to 4me",
}
_DESCRIPTION = """\
Run one operation on requests of 4me (Xurrent), and publish the result.

The spec has a `connection` {host, accessToken, account} and the inputs of the operation: for an
update, a `request` {request_id, ...}, where `find` may stand in for `request_id`. It comes from
the first of these that is present; setting more than one of 2-4 is an error:

  1. --spec FILE       a file, or standard input; YAML or JSON
  2. GitHub Actions    the action's inputs, INPUT_... (where GITHUB_ACTIONS is true)
  3. METADATA_API_URL  Relay's metadata service, or the sandbox
  4. FOURME_REQUEST    environment variables, see below (or FOURME_REQUEST_ID, FOURME_FIND)

What a file or the action's inputs leave out is completed from the environment variables, except
that FOURME_REQUEST cannot complete a file. Two different values for one input are an error."""
_EXAMPLES = """\
examples:
  step.py --spec request.yaml --output request.json
  generate-spec | step.py --spec - --output -
  FOURME_REQUEST='{request_id: 80339, status: completed}' step.py"""
_WIDTH = 98
_NAME_WIDTH = 26


def parse_arguments(
    words: Sequence[str], describe_operations: Callable[[], Sequence[OperationHelp]]
) -> Arguments:
    """Parse the command line; see `engines.read_arguments`."""
    is_help = any(word.startswith(("-h", "--h")) for word in words)
    parser = _Parser(
        prog="step.py",
        description=_DESCRIPTION,
        epilog=_epilog(describe_operations()) if is_help else None,
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
    version = f"{PROGRAM} {VERSION}"
    parser.add_argument("--version", action="version", version=version)
    parsed = parser.parse_args(words)
    return Arguments(
        parsed.operation or DEFAULT_OPERATION, parsed.spec or None, parsed.output or None
    )


class _Parser(argparse.ArgumentParser):
    """Raises ConfigError instead of exiting with argparse's own exit code."""

    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"The command line is wrong: {message}.", fix="See --help.")


def _epilog(operations: Sequence[OperationHelp]) -> str:
    """Return the part of the help text below the options."""
    results = dict.fromkeys(result for operation in operations for result in operation.results)
    tables = {
        "operations:": [(row.name, row.summary) for row in operations],
        "variables that hold a spec:": {
            **variable_meanings(operations),
            **TOKEN_FILE_VARIABLE,
        }.items(),
        "variables for the outputs; without any, and --output: stdout:": OUTPUT_VARIABLES.items(),
        "the results among the outputs:": [(row.name, row.description) for row in results],
        "variables that limit waiting, in seconds:": [
            (name, f"{meaning} (default: {default:g})")
            for name, (default, _, meaning) in VARIABLES.items()
        ],
        "exit codes:": [
            (
                f"{int(row.code)} {row.name}",
                f"{row.when}; updated: {row.applied}; again: {row.again}",
            )
            for row in EXIT_CODES
        ],
    }
    parts = ("\n".join([title, *(_row(*row) for row in rows)]) for title, rows in tables.items())
    return "\n\n".join([*parts, _EXAMPLES])


def _row(name: str, meaning: str) -> str:
    start = f"  {name:{_NAME_WIDTH}}"
    return textwrap.fill(
        meaning, _WIDTH, initial_indent=start, subsequent_indent=" " * len(start)
    ).rstrip()
