"""The text of `step.py --help`; its tables are those of the code."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from engines.variables import OUTPUT_VARIABLES, SPEC_VARIABLES
from process import VERSION
from process.exit_codes import EXIT_CODES
from process.settings import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from process.output import OperationHelp

VERSION_LINE = f"4me-step-requests-update {VERSION}"
DESCRIPTION = """\
Run one operation on requests of 4me (Xurrent), and publish the result.

The spec has a `connection` {host, accessToken, account} and the inputs of the operation: for an
update, a `request` {request_id, ...}. It comes from the first of these that is present; two of the
last three are an error:

  1. --spec FILE       a file, or standard input; YAML or JSON
  2. GitHub Actions    the action's inputs, INPUT_... (where GITHUB_ACTIONS is true)
  3. METADATA_API_URL  Relay's metadata service, or the sandbox
  4. FOURME_REQUEST    environment variables, see below (or FOURME_REQUEST_ID alone)

What a file or the action's inputs leave out is completed from the environment variables, except
that FOURME_REQUEST cannot complete a file. Two different values for one input are an error."""
_EXAMPLES = """\
examples:
  step.py --spec request.yaml --output request.json
  generate-spec | step.py --spec - --output -
  FOURME_REQUEST='{request_id: 80339, status: completed}' step.py"""
_WIDTH = 98
_NAME_WIDTH = 26


def epilog(operations: Sequence[OperationHelp]) -> str:
    """Return the part of the help text below the options."""
    results = dict.fromkeys(result for operation in operations for result in operation.results)
    tables = {
        "operations:": [(row.name, row.description) for row in operations],
        "variables that hold a spec:": SPEC_VARIABLES,
        "variables for the outputs; without any, and --output: stdout:": OUTPUT_VARIABLES,
        "the results among the outputs:": [(row.name, row.description) for row in results],
        "variables that limit waiting, in seconds:": [
            (row.name, f"{row.meaning} (default: {row.default:g})") for row in VARIABLES
        ],
        "exit codes:": [
            (
                f"{int(row.code)} {row.name}",
                f"{row.when}; updated: {row.applied}; again: {row.again}",
            )
            for row in EXIT_CODES
        ],
    }
    return "\n\n".join([*(_table(title, rows) for title, rows in tables.items()), _EXAMPLES])


def _table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join([title, *(_row(name, meaning) for name, meaning in rows)])


def _row(name: str, meaning: str) -> str:
    start = f"  {name:{_NAME_WIDTH}}"
    return textwrap.fill(
        meaning, _WIDTH, initial_indent=start, subsequent_indent=" " * len(start)
    ).rstrip()
