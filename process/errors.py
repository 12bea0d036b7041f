"""What can go wrong, and what a user reads then.

StepError
├── SpecError                65  the spec is invalid
├── RejectedError             65  4me refused the values
├── RequestNotFoundError     66  no such request
├── InternalError                 70  a bug in the step
├── OutputError              74  updated, but the output could not be published
├── TemporaryError            75  not reachable, failing, or no answer in time
│   ├── RateLimitedError       75  rate limited beyond the budget
│   └── TerminatedError      75  asked to end while waiting
├── OutcomeUnknownError      76  nobody can tell whether the update was applied
│   └── UnexpectedResponseError 76 the answer is not what was asked for
├── AccessError              77  the token is refused, or may not do this
└── ConfigError              78  the step's surroundings are wrong
    ├── RedirectError        78  the service is elsewhere
    ├── CertificateError     78  the server's certificate is not trusted
    └── UnresolvedError      78  references in the spec lead nowhere

Exit codes follow sysexits.h (contract section 8).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Literal

Applied = Literal["no", "yes", "maybe"]


class ExitCode(IntEnum):
    """What the process ends with; `EXIT_CODES` says what each one means."""

    OK = 0
    DATA = 65
    NO_INPUT = 66
    SOFTWARE = 70
    IO = 74
    TRY_LATER = 75
    PROTOCOL = 76
    PERMISSION = 77
    CONFIG = 78


@dataclass(frozen=True)
class ExitCodeMeaning:
    """One row of the table of exit codes: when, is the update applied, run again?"""

    code: ExitCode
    name: str
    when: str
    applied: str
    again: str


EXIT_CODES = (
    ExitCodeMeaning(ExitCode.OK, "ok", "updated, output published", "yes", "-"),
    ExitCodeMeaning(
        ExitCode.DATA,
        "data",
        "the spec is invalid, or 4me refused the values (400, 422, other 4xx)",
        "no",
        "after a fix",
    ),
    ExitCodeMeaning(
        ExitCode.NO_INPUT,
        "no input",
        "no such request, or not to be seen (404)",
        "no",
        "after a fix",
    ),
    ExitCodeMeaning(ExitCode.SOFTWARE, "software", "a bug in the step", "unknown", "report it"),
    ExitCodeMeaning(
        ExitCode.IO,
        "I/O",
        "updated, but the output could not be published",
        "yes",
        "no: it would repeat notes",
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
        "the outcome could not be established, or the answer is not a request; terminated in doubt",
        "maybe",
        "look first",
    ),
    ExitCodeMeaning(
        ExitCode.PERMISSION,
        "permission",
        "401, 403: the token is not accepted, or its user lacks a role",
        "no",
        "after a fix",
    ),
    ExitCodeMeaning(
        ExitCode.CONFIG,
        "config",
        "METADATA_API_URL missing or wrong, no spec or more than one, a file that cannot be read, "
        "an output that cannot be written, metadata service refuses, unresolvable references, a "
        "host that is wrong or does not exist, a redirect, an untrusted certificate, a bad "
        "environment variable",
        "no",
        "after a fix",
    ),
)


def exit_code_meaning(code: ExitCode) -> ExitCodeMeaning:
    """Return the row of `EXIT_CODES` for `code`."""
    return next(meaning for meaning in EXIT_CODES if meaning.code is code)


class StepError(Exception):
    """The run ends here: what failed, what that usually means, what to do.

    Attributes:
        what: what failed, one line.
        details: facts to go through one by one, a line each.
        cause: what this usually means; empty when `what` says it all.
        fix: what to do about it.
        status: HTTP status of the answer that led here; None without an answer.
        trace_id: the service's own id of that answer (4me: X-Request-Id), for its support.
        applied: whether the request was updated.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.SOFTWARE
    default_applied: ClassVar[Applied] = "no"

    def __init__(  # noqa: PLR0913  the facts of an error are many, all but one are named
        self,
        what: str,
        *,
        details: tuple[str, ...] = (),
        cause: str = "",
        fix: str = "",
        status: int | None = None,
        trace_id: str | None = None,
        applied: Applied | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.details = details
        self.cause = cause
        self.fix = fix
        self.status = status
        self.trace_id = trace_id
        self.applied: Applied = applied or self.default_applied

    @property
    def retryable(self) -> bool:
        """Whether running the step again, unchanged, may succeed and does no harm."""
        return self.exit_code is ExitCode.TRY_LATER

    def __str__(self) -> str:
        """Return the whole text that a user reads, several lines.

        Each fact stays one line, though it may quote a file's or an input's name with line breaks.
        """
        lines = [self.what, *(f"  - {detail}" for detail in self.details)]
        if self.cause:
            lines.append(f"  This usually means: {self.cause}")
        if self.fix:
            lines.append(f"  What to do: {self.fix}")
        if self.trace_id:
            lines.append(f"  X-Request-Id (for support): {self.trace_id}")
        again = exit_code_meaning(self.exit_code).again
        lines.append(
            f"  Request updated: {self.applied}. "
            f"Run again: {again}. Exit code {int(self.exit_code)}."
        )
        return "\n".join(line.replace("\n", "\\n") for line in lines)


class SpecError(StepError):
    """The spec is invalid; `details` has every problem. Nothing was sent."""

    exit_code = ExitCode.DATA


class RejectedError(StepError):
    """4me refused the values (400, 422, another 4xx)."""

    exit_code = ExitCode.DATA


class RequestNotFoundError(StepError):
    """4me knows no such request in this account (404)."""

    exit_code = ExitCode.NO_INPUT


class InternalError(StepError):
    """Something that cannot happen has happened."""

    exit_code = ExitCode.SOFTWARE
    default_applied = "maybe"


class OutputError(StepError):
    """The request was updated, but its output could not be published."""

    exit_code = ExitCode.IO
    default_applied = "yes"


class TemporaryError(StepError):
    """A service could not be reached, failed, or did not answer within the budget."""

    exit_code = ExitCode.TRY_LATER


class RateLimitedError(TemporaryError):
    """A service asks to wait longer than the budget allows."""


class TerminatedError(TemporaryError):
    """The engine asked the step to end while it was waiting, or before it sent anything."""


class OutcomeUnknownError(StepError):
    """Nobody can tell whether the update was applied."""

    exit_code = ExitCode.PROTOCOL
    default_applied = "maybe"


class UnexpectedResponseError(OutcomeUnknownError):
    """A service answered something else than what was asked for."""


class AccessError(StepError):
    """The token is not accepted (401), or its user may not do this (403)."""

    exit_code = ExitCode.PERMISSION


class ConfigError(StepError):
    """The step's surroundings are wrong: a host, a URL, an environment variable."""

    exit_code = ExitCode.CONFIG


class RedirectError(ConfigError):
    """The service answered with a redirect, which is never followed."""


class CertificateError(ConfigError):
    """The server's certificate could not be verified."""


class UnresolvedError(ConfigError):
    """The engine could not resolve references in the spec; `details` names each."""
