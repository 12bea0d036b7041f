"""What each exit code means: the table that errors and the documentation use."""

from __future__ import annotations

from typing import NamedTuple

from process.exit_codes import ExitCode


class ExitCodeMeaning(NamedTuple):
    """One row of the table of exit codes, as text for users."""

    code: ExitCode
    name: str  # after sysexits.h
    when: str
    applied: str = "no"  # whether the request was updated
    again: str = "after a fix"  # whether to run the step again


EXIT_CODES = (
    ExitCodeMeaning(
        ExitCode.OK,
        "ok",
        "done, output published",
        "yes; no where nothing was to be sent",
        "-",
    ),
    ExitCodeMeaning(
        ExitCode.DATA,
        "data",
        "the spec is invalid or ambiguous, or 4me refused the values (400, 422, other 4xx)",
    ),
    ExitCodeMeaning(
        ExitCode.NO_INPUT,
        "no input",
        "no such request (404, or none found), or not visible to the token's user",
    ),
    ExitCodeMeaning(ExitCode.SOFTWARE, "software", "a bug in the step", "maybe", "report it"),
    ExitCodeMeaning(
        ExitCode.IO,
        "I/O",
        "the output could not be published",
        "yes",
        "with `mode: ensure`; else it would repeat what was added, such as notes",
    ),
    ExitCodeMeaning(
        ExitCode.TRY_LATER,
        "try later",
        "not reachable, 5xx, rate limited beyond the budget, terminated while waiting",
        "no, or safe to repeat",
        "yes",
    ),
    ExitCodeMeaning(
        ExitCode.PROTOCOL,
        "protocol",
        "the outcome is unknown, or the answer is not a request; terminated while the outcome was "
        "unknown; 4me has not applied everything (with `strict`)",
        "maybe",
        "with `mode: ensure`; else after a look at the request",
    ),
    ExitCodeMeaning(
        ExitCode.PERMISSION,
        "permission",
        "401, 403: the token is not accepted, or its user lacks a role",
    ),
    ExitCodeMeaning(
        ExitCode.CONFIG,
        "config",
        "METADATA_API_URL missing or wrong, no spec or more than one, a file that cannot be read, "
        "an output that cannot be written, metadata service refuses, unresolvable references, a "
        "host that is wrong or does not exist, a redirect, an untrusted certificate, a bad "
        "environment variable",
    ),
)
