"""GitHub Actions: inputs as INPUT_ variables, outputs as files and workflow commands."""

from __future__ import annotations

import logging
import re
import secrets
import sys
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from engines import PROGRAM
from engines.local import LocalEngine, OutputTarget, compact_json, json_targets
from engines.results import fit_results
from engines.spec_values import PREFIX, merge, spec_values_in
from process.errors import ConfigError
from process.logs import TRUNCATION_MARKER, SanitizingHandler, encode_utf8, try_write
from process.settings import MAX_LINE_BYTES
from spec.secrets import secrets_in_spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from process.output import Output, OutputSpec
    from process.redaction import Redactor
    from spec.schema import InputVariable

logger = logging.getLogger("step.github")

_MIN_MASK = 4  # characters; masking a shorter part of a secret would make the log unreadable
# UTF-16 code units; GitHub's limit is 1 MB for a job, and the job may have other outputs.
_MAX_OUTPUT_UNITS = 500_000
# Bytes of a summary's rows; GitHub shows none of a summary that is larger than 1 MiB.
_MAX_SUMMARY_ROWS = 1_000_000


def github_engine(
    environ: Mapping[str, str], outputs: OutputSpec, inputs: Mapping[str, InputVariable]
) -> LocalEngine:
    """Return the engine of an action's run; ConfigError if GitHub names no file for outputs."""
    targets = tuple(_output_targets(environ, outputs))
    return LocalEngine(partial(_read_spec, environ, inputs), targets)


def annotate_errors(redactor: Redactor) -> None:
    """Show errors in the run's summary and beside the workflow file, too."""
    logging.getLogger().addHandler(_AnnotationHandler(redactor))


class _AnnotationHandler(SanitizingHandler):
    """Writes errors as workflow commands."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__(sys.stdout, redactor)
        self.setLevel(logging.ERROR)

    def format(self, record: logging.LogRecord) -> str:
        """Return a command with a record's text, without its traceback."""
        text = super().format(logging.makeLogRecord({"msg": record.getMessage()}))
        return _truncate_command(f"::error title={PROGRAM}::{_escape_data(text)}")


def _truncate_command(command: str) -> str:
    """Return a command cut to the limit of log readers, at the end of a character."""
    raw = command.encode("utf-8", "backslashreplace")
    if len(raw) <= MAX_LINE_BYTES:
        return command
    cut = raw[: MAX_LINE_BYTES - len(TRUNCATION_MARKER)].decode("utf-8", "ignore")
    return re.sub(r"%[0-9A-F]?\Z", "", cut) + TRUNCATION_MARKER


def _escape_data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _read_spec(environ: Mapping[str, str], inputs: Mapping[str, InputVariable]) -> object:
    """Return the spec in the inputs, completed from the environment, and let GitHub mask it."""
    prefixes = ("INPUT_", PREFIX)
    spec = merge(item for prefix in prefixes for item in spec_values_in(environ, prefix, inputs))
    for text in map(_escape_data, _masks(spec)):
        try_write(sys.stdout, f"::add-mask::{text}\n")
    if environ.get("RUNNER_DEBUG") == "1":
        spec["debug"] = True  # the workflow was run again with debug logging
    return spec


def _masks(spec: object) -> Iterator[str]:
    """Yield what the runner is to mask: the secrets of the spec, line by line.

    A line that contains `##[`, the start of a command, is masked in two parts.
    """
    for secret in secrets_in_spec(spec):
        for line in secret.splitlines():
            parts = re.split(r"(?<=##)(?=\[)", line)
            min_size = _MIN_MASK if len(parts) > 1 else 1
            yield from (part for part in parts if len(part.strip()) >= min_size)


def _output_targets(environ: Mapping[str, str], outputs: OutputSpec) -> Iterator[OutputTarget]:
    file = environ.get("GITHUB_OUTPUT", "")
    if not file:
        raise ConfigError(
            "GITHUB_OUTPUT is not set, so the outputs could not be published.",
            cause="a container was started by hand, with some of the variables of an action",
            fix="Use the action by `uses:`, or pass the spec in another way: see --help.",
        )
    yield OutputTarget(Path(file), partial(_step_outputs, outputs), append=True)
    json_file = environ.get("INPUT_OUTPUT", "").strip()
    if json_file:
        yield from json_targets(json_file, outputs)
    summary = environ.get("GITHUB_STEP_SUMMARY", "")
    if summary:
        yield OutputTarget(Path(summary), _job_summary, append=True, required=False)


def _step_outputs(specs: OutputSpec, output: Output) -> str:
    values = {**fit_results(specs.results, output), **dict(_json_values(output))}
    # No value can contain the delimiter: it is drawn after the values are known.
    delimiter = f"4me_{secrets.token_hex(16)}"
    lines = (f"{name}<<{delimiter}\n{text}\n{delimiter}\n" for name, text in values.items())
    return "".join(lines)


def _json_values(output: Output) -> Iterator[tuple[str, str]]:
    """Yield the JSON values that fit into the outputs of a job; empty where there is no value."""
    remaining = _MAX_OUTPUT_UNITS
    for name, value in output.values.items():
        text = "" if value is None else compact_json(value)
        size = len(text.encode("utf-16-le", "surrogatepass")) // 2
        if size <= remaining:
            remaining -= size
            yield name, text
        else:
            logger.warning(
                "The value of the output `%s` is too large; name a file in the input `output`.",
                name,
            )


def _job_summary(output: Output) -> str:
    summary = output.summary
    if summary is None:
        return ""
    title = _escape_markdown(summary.title)
    heading = f"[{title}]({output.link.url})" if output.link else title
    head = [summary.columns, ["---"] * len(summary.columns)]
    rows = [_table_row(map(_escape_markdown, row)) for row in summary.rows]
    sizes = accumulate(len(encode_utf8(row)) for row in rows)
    shown = sum(size <= _MAX_SUMMARY_ROWS for size in sizes)
    omitted = f"\nRows that are not shown: {len(rows) - shown}\n" if shown < len(rows) else ""
    return f"### {heading}\n\n" + "".join([*map(_table_row, head), *rows[:shown], omitted])


def _table_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def _escape_markdown(text: str) -> str:
    """Return Markdown that shows a text as it is."""
    return "".join(
        f"&#{ord(char)};" if char.isascii() and not char.isalnum() and char != " " else char
        for char in text
    )
