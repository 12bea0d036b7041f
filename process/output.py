"""What a run publishes, neutral to the operation that makes it and the engine that takes it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from process.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from process.errors import Applied
    from process.redaction import Redactor


class ResultSpec(NamedTuple):
    """One result: a small value that every engine can carry as plain text.

    Attributes:
        name: what engines call it.
        description: what users read about it.
        max_size: the longest text, in bytes as Go writes it into JSON.
        truncatable: whether a longer text is cut. Any other value would mean something else when
            cut, so it is left empty.
    """

    name: str
    description: str
    max_size: int
    truncatable: bool = False


class OutputSpec(NamedTuple):
    """What an operation publishes.

    Attributes:
        values: the names of its JSON values, the main one first.
        results: its results.
    """

    values: Sequence[str]
    results: Sequence[ResultSpec]


class OperationHelp(NamedTuple):
    """What the help text says about an operation.

    Attributes:
        name: as on the command line.
        description: what it does, in one sentence.
        results: the results that it publishes.
    """

    name: str
    description: str
    results: Sequence[ResultSpec]


class Link(NamedTuple):
    """A link to what a run has worked on.

    Attributes:
        name: the value that it belongs to.
        label: its text.
        url: its address.
    """

    name: str
    label: str
    url: str


class Summary(NamedTuple):
    """A table for people.

    Attributes:
        title: its heading; it links to the output's link.
        columns: the heading of each column.
        rows: plain texts, one for each column.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


class Output(NamedTuple):
    """What a run publishes.

    Attributes:
        values: JSON values by name; None for one that this run has no value for.
        results: plain texts by name, not yet cut to their size.
        applied: whether the run has changed anything, should publishing fail.
        link: a link for people; None without one.
        summary: a table for people; None without one.
    """

    values: Mapping[str, Any]
    results: Mapping[str, str]
    applied: Applied
    link: Link | None = None
    summary: Summary | None = None

    def redacted(self, redactor: Redactor) -> Output:
        """Return the output without the access secrets of the run."""
        rows = [list(row) for row in self.summary.rows] if self.summary else []
        clean: dict[str, Any] = redactor.redact_object(
            {"values": self.values, "results": self.results, "rows": rows}
        )
        return self._replace(
            values=clean["values"],
            results=clean["results"],
            summary=self.summary and self.summary._replace(rows=clean["rows"]),
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
        fix = "Go on with the workflow by hand; running the step again would repeat notes."
        return OutputError(
            what,
            details=details,
            cause=cause,
            fix="Run the step again." if self.applied == "no" else fix,
            status=status,
            applied=self.applied,
        )
