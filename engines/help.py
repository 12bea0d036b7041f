"""What `step.py --help` says; its tables are those of the code."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from engines.variables import OUTPUT_VARIABLES, SPEC_VARIABLES
from process import VERSION
from process.exit_codes import EXIT_CODES
from process.settings import VARIABLES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from process.output import ResultSpec

VERSION_LINE = f"4me-step-requests-update {VERSION}"
DESCRIPTION = """\
Update one 4me (Xurrent) request, and publish it as it is after the update.

The spec has a `connection` {host, accessToken, account} and a `request` {request_id, ...}.
The first of these that is there says where it comes from; two of the last three are an error:

  1. --spec FILE       a file, or standard input; YAML or JSON
  2. GitHub Actions    the action's inputs, INPUT_... (where GITHUB_ACTIONS is true)
  3. METADATA_API_URL  Relay's metadata service, or the sandbox
  4. FOURME_REQUEST    environment variables, see below (or FOURME_REQUEST_ID alone)

What a file or the inputs leave out of the connection is taken from the environment; FILE may also
be completed by FOURME_REQUEST_ID, FOURME_NOTE and FOURME_INTERNAL_NOTE. Two different values for
one input are an error."""
_EXAMPLES = """\
examples:
  step.py --spec request.yaml --output request.json
  generate-spec | step.py --spec - --output -
  FOURME_REQUEST='{request_id: 80339, status: completed}' step.py"""
_WIDTH = 98
_NAME_WIDTH = 26


def epilog(results: Iterable[ResultSpec]) -> str:
    """Return the part of the help below the options."""
    spec = [(row.name, row.meaning) for row in SPEC_VARIABLES]
    outputs = [(row.name, row.meaning) for row in OUTPUT_VARIABLES]
    limits = [(row.name, f"{row.meaning} (default: {row.default:g})") for row in VARIABLES]
    scalars = [(row.name, row.description) for row in results]
    codes = [
        (f"{int(row.code)} {row.name}", f"{row.when}; updated: {row.applied}; again: {row.again}")
        for row in EXIT_CODES
    ]
    return "\n\n".join(
        (
            _table("variables that hand over a spec:", spec),
            _table("variables for the outputs; without any, and --output: stdout:", outputs),
            _table("the scalars among the outputs:", scalars),
            _table("variables that limit waiting, in seconds:", limits),
            _table("exit codes:", codes),
            _EXAMPLES,
        )
    )


def _table(title: str, rows: Iterable[tuple[str, str]]) -> str:
    return "\n".join([title, *(_row(name, meaning) for name, meaning in rows)])


def _row(name: str, meaning: str) -> str:
    start = f"  {name:{_NAME_WIDTH}}"
    return textwrap.fill(
        meaning, _WIDTH, initial_indent=start, subsequent_indent=" " * len(start)
    ).rstrip()
