"""What a run publishes, independent of the operation and of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from process.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from process.errors import Applied
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
    """What a run publishes."""

    values: Mapping[str, Any]  # JSON; None for one that this run has no value for
    results: Mapping[str, str]  # not yet cut to their size
    applied: Applied  # whether the run has changed anything, should publishing fail
    link: Link | None = None
    summary: Summary | None = None

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
            "as notes."
        )
        return OutputError(
            what,
            details=details,
            cause=cause,
            fix="Run the step again." if self.applied == "no" else fix,
            status=status,
            applied=self.applied,
        )
