"""Outputs for tests of engines: of an operation that the step does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from process.output import Link, Output, OutputSpec, ResultSpec, Summary
from spec.schema import load_spec_schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    from process.errors import Applied

PAGE = "https://wdc.4me.com/records/80339"
OUTPUTS = OutputSpec(
    ("record", "history"),
    (
        ResultSpec("id", "the ID of the record", 20),
        ResultSpec("title", "its title", 1530, truncatable=True),
        ResultSpec("owner", "the ID of its owner", 20),
        ResultSpec("url", "the address of its page", 512),
    ),
)
SCHEMA = load_spec_schema()
INPUTS = SCHEMA.variables
RECORD: Mapping[str, object] = {"id": 80339, "title": 'Half \ud83d, é & "$HOME"', "owner": None}


def sample_output(
    record: Mapping[str, Any] = RECORD,
    *,
    history: object = None,
    applied: Applied = "yes",
    url: str = PAGE,
) -> Output:
    """Return an output of `OUTPUTS` with a link and a summary."""
    title = str(record.get("title", "")).encode("utf-8", "backslashreplace").decode()
    return Output(
        values={"record": record, "history": history},
        results={"id": str(record.get("id", "")), "title": title, "url": url},
        applied=applied,
        link=Link("record", "Record 80339 in 4me", url),
        summary=Summary("4me record 80339", ("field", "value"), [("title", title), ("owner", "")]),
    )
