"""The errors that end a run, and the text that a user reads then.

StepError
├── SpecError                      65  the spec is invalid
├── RejectedError                  65  4me rejected the values
├── RequestNotFoundError           66  no such request
├── InternalError                  70  a bug in the step
├── OutputError                    74  the output could not be published
├── TemporaryError                 75  not reachable, failing, or no answer in time
│   ├── RateLimitedError           75  rate limited beyond the budget
│   └── TerminatedError            75  terminated by a signal
├── OutcomeUnknownError            76  the update may or may not have been applied
│   ├── UnexpectedResponseError    76  the response is not what was asked for
│   └── NotAppliedError            76  4me has not applied everything that was sent
├── AccessError                    77  the token is not accepted, or lacks permission
└── ConfigError                    78  the environment of the step is wrong
    ├── RedirectError              78  the service answered with a redirect
    ├── CertificateError           78  the server's certificate is not trusted
    └── UnresolvedError            78  references in the spec cannot be resolved

docs/guarantees.md, section "Exit codes", has what users may rely on.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from process.exit_code_table import EXIT_CODES
from process.exit_codes import ExitCode

Applied = Literal["no", "yes", "maybe"]


class StepError(Exception):
    """An error that ends the run.

    Attributes:
        what: what failed, in one line.
        details: the single problems, one line each.
        cause: the usual cause; empty when `what` names it.
        fix: what to do about it; empty when there is no advice.
        status: HTTP status of the response that caused the error.
        trace_id: the service's own id of that response (4me: X-Request-Id), for its support.
        applied: whether the request was updated; the class's `default_applied` by default.
        repeatable: whether the run can be repeated without adding anything twice.
        again: whether to run the step again, where that is not as usual; empty where it is.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.SOFTWARE
    default_applied: ClassVar[Applied] = "no"

    def __init__(  # noqa: PLR0913  all but one are keywords
        self,
        what: str,
        *,
        details: tuple[str, ...] = (),
        cause: str = "",
        fix: str = "",
        status: int | None = None,
        trace_id: str | None = None,
        applied: Applied | None = None,
        repeatable: bool = False,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.details = details
        self.cause = cause
        self.fix = fix
        self.status = status
        self.trace_id = trace_id
        self.applied: Applied = applied or self.default_applied
        self.repeatable = repeatable
        self.again = ""

    @property
    def run_again(self) -> str:
        """Whether to run the step again: always where doubt is usual, but there is none."""
        if self.again:
            return self.again
        if self.default_applied != "no" and (self.applied == "no" or self.repeatable):
            return "yes"
        return next(row.again for row in EXIT_CODES if row.code is self.exit_code)

    def __str__(self) -> str:
        """Return the text for users, one line for each part that is known.

        Line breaks within a part, such as in a quoted file name, are escaped.
        """
        labelled = {
            "This usually means": self.cause,
            "What to do": self.fix,
            "X-Request-Id (for support)": self.trace_id,
        }
        code = int(self.exit_code)
        lines = [
            self.what,
            *(f"  - {detail}" for detail in self.details),
            *(f"  {label}: {text}" for label, text in labelled.items() if text),
            f"  Request updated: {self.applied}. Run again: {self.run_again}. Exit code {code}.",
        ]
        return "\n".join(line.replace("\n", "\\n") for line in lines)


class SpecError(StepError):
    """The spec is invalid; `details` has every problem. Nothing was sent."""

    exit_code = ExitCode.DATA


class RejectedError(StepError):
    """4me rejected the values (400, 422, another 4xx)."""

    exit_code = ExitCode.DATA


class RequestNotFoundError(StepError):
    """4me has no such request in this account (404)."""

    exit_code = ExitCode.NO_INPUT


class InternalError(StepError):
    """The step has a bug."""

    default_applied = "maybe"


class OutputError(StepError):
    """The output could not be published; by default, of a request that was updated."""

    exit_code = ExitCode.IO
    default_applied = "yes"


class TemporaryError(StepError):
    """A service could not be reached, failed, or did not answer within the budget."""

    exit_code = ExitCode.TRY_LATER


class RateLimitedError(TemporaryError):
    """A service asks for a longer wait than the budget allows."""


class TerminatedError(TemporaryError):
    """The engine ended the step while it was waiting, or before it had changed anything."""


class OutcomeUnknownError(StepError):
    """The update may or may not have been applied."""

    exit_code = ExitCode.PROTOCOL
    default_applied = "maybe"


class UnexpectedResponseError(OutcomeUnknownError):
    """The response of a service is not what was asked for."""


class NotAppliedError(OutcomeUnknownError):
    """4me has not applied everything that was sent, and `strict` is set."""


class AccessError(StepError):
    """The token is not accepted (401), or its user lacks a permission (403)."""

    exit_code = ExitCode.PERMISSION


class ConfigError(StepError):
    """The environment of the step is wrong: a host, a URL, an environment variable."""

    exit_code = ExitCode.CONFIG


class RedirectError(ConfigError):
    """The service answered with a redirect; redirects are never followed."""


class CertificateError(ConfigError):
    """The server's certificate could not be verified."""


class UnresolvedError(ConfigError):
    """The engine could not resolve references in the spec; `details` names each of them."""
