"""What a run publishes, independent of the operation and of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from process.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from process.errors import Applied, StepError
    from process.redaction import Redactor


class ResultSpec(NamedTuple):
    """One result: a small value that every engine can carry as plain text."""

    name: str
    description: str
    max_size: int  # bytes, as Go writes it into JSON
    truncatable: bool = False  # a longer value is cut; one that is not truncatable is left empty


class OutputSpec(NamedTuple):
    """What an operation publishes."""

    values: Sequence[str]  # the names of its JSON values, the main one first
    results: Sequence[ResultSpec]


class Link(NamedTuple):
    """A link to what a run has worked on."""

    name: str  # of the value that it belongs to
    label: str
    url: str


class Summary(NamedTuple):
    """A table for people; its title links to the output's link."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


class Output(NamedTuple):
    """What a run publishes.

    Attributes:
        values: JSON; None for one that this run has no value for.
        results: not yet cut to their size.
        applied: whether the run has changed anything, should publishing fail.
        repeatable: whether the run can be repeated without adding anything twice.
        failure: the error in which the run ends once this is published; None if it succeeds.
    """

    values: Mapping[str, Any]
    results: Mapping[str, str]
    applied: Applied
    link: Link | None = None
    summary: Summary | None = None
    repeatable: bool = False
    failure: StepError | None = None

    def redacted(self, redactor: Redactor) -> Output:
        """Return the output without the access secrets of the run."""
        rows = [list(row) for row in self.summary.rows] if self.summary else []
        return self._replace(
            values=redactor.redact_value(self.values),
            results=redactor.redact_value(self.results),
            summary=self.summary and self.summary._replace(rows=redactor.redact_value(rows)),
        )

    def error(
        self,
        what: str,
        *,
        details: tuple[str, ...] = (),
        cause: str = "",
        status: int | None = None,
    ) -> OutputError:
        """Return the error of a run that could not publish this output."""
        fix = (
            "Continue the workflow by hand; running the step again would repeat what it adds, such "
            "as notes. With `mode: ensure` it would not."
        )
        is_safe = self.repeatable or self.applied == "no"
        return OutputError(
            what,
            details=details,
            cause=cause,
            fix="Run the step again." if is_safe else fix,
            status=status,
            applied=self.applied,
            repeatable=is_safe,
        )
