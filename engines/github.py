"""GitHub Actions: inputs as INPUT_ variables, outputs as files and workflow commands."""

from __future__ import annotations

import logging
import re
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from engines.outputs import LocalEngine, OutputTarget, compact_json, json_target, write_text
from engines.results import fit_results
from engines.spec_values import merge, spec_values_in
from engines.variables import GITHUB_PREFIX, PREFIX
from process.errors import ConfigError
from process.logs import CUT, SanitizingHandler, try_write
from process.settings import MAX_LINE_BYTES
from spec.secrets import secrets_in_spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from process.output import Output, OutputSpec
    from process.redaction import Redactor

logger = logging.getLogger("step.github")

TITLE = "4me-step-requests-update"
_MIN_MASKED_PART = 4  # characters; to mask a shorter part of a secret would tear the log apart
_MAX_OUTPUT_UNITS = (
    500_000  # of UTF-16: GitHub takes 1 MB a job, and the job may have other outputs
)


def github_engine(environ: Mapping[str, str], outputs: OutputSpec) -> LocalEngine:
    """Return the engine of an action's run.

    Raises:
        ConfigError: GitHub says of no file for the outputs.
    """
    return LocalEngine(lambda: _read_spec(environ), tuple(_output_targets(environ, outputs)))


def annotate_errors(redactor: Redactor) -> None:
    """Show errors in the run's summary and beside the workflow file, too."""
    logging.getLogger().addHandler(_Annotations(redactor))


class _Annotations(SanitizingHandler):
    """Writes errors as workflow commands."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__(sys.stdout, redactor)
        self.setLevel(logging.ERROR)

    def format(self, record: logging.LogRecord) -> str:
        """Return a command with a record's text, without its traceback."""
        text = super().format(logging.makeLogRecord({"msg": record.getMessage()}))
        return _within_limits(f"::error title={TITLE}::{_escaped(text)}")


def _within_limits(command: str) -> str:
    """Return a command cut to what log readers can take, at the end of a character."""
    raw = command.encode("utf-8", "backslashreplace")
    if len(raw) <= MAX_LINE_BYTES:
        return command
    cut = raw[: MAX_LINE_BYTES - len(CUT)].decode("utf-8", "ignore")
    return re.sub(r"%[0-9A-F]?\Z", "", cut) + CUT


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _read_spec(environ: Mapping[str, str]) -> object:
    """Return the spec in the inputs, completed from the environment, and let GitHub mask it."""
    spec = merge([*spec_values_in(environ, GITHUB_PREFIX), *spec_values_in(environ, PREFIX)])
    for text in map(_escaped, _masked_in(spec)):
        try_write(sys.stdout, f"::add-mask::{text}\n")
    if environ.get("RUNNER_DEBUG") == "1":
        spec["debug"] = True  # a person ran the workflow again with debug logging
    return spec


def _masked_in(spec: object) -> Iterator[str]:
    """Yield what the runner shall mask: its secrets, line by line.

    One that holds `##[`, by which a command begins, is masked in two parts.
    """
    for secret in secrets_in_spec(spec):
        for line in secret.splitlines():
            parts = re.split(r"(?<=##)(?=\[)", line)
            shortest = _MIN_MASKED_PART if len(parts) > 1 else 1
            yield from (part for part in parts if len(part.strip()) >= shortest)


def _output_targets(environ: Mapping[str, str], specs: OutputSpec) -> Iterator[OutputTarget]:
    outputs = environ.get("GITHUB_OUTPUT", "")
    if not outputs:
        raise ConfigError(
            "GITHUB_OUTPUT is not set, so the outputs could not be handed over.",
            cause="a container was started by hand, with some of the variables of an action",
            fix="Use the action by `uses:`, or hand in the spec another way: see --help.",
        )
    yield OutputTarget(Path(outputs), lambda output: _write_outputs(Path(outputs), output, specs))
    json_file = environ.get(f"{GITHUB_PREFIX}OUTPUT", "").strip()
    if json_file:
        yield json_target(json_file, specs)
    summary = environ.get("GITHUB_STEP_SUMMARY", "")
    if summary:
        yield OutputTarget(
            Path(summary),
            lambda output: _write_summary(Path(summary), output, specs),
            required=False,
        )


def _write_outputs(path: Path, output: Output, specs: OutputSpec) -> None:
    values = fit_results(specs.results, output)
    whole = compact_json(output.values["request"])
    if len(whole.encode("utf-16-le", "surrogatepass")) // 2 <= _MAX_OUTPUT_UNITS:
        values["request"] = whole
    else:
        logger.warning(
            "The request is too large for the output `request`; name a file in the input `output`."
        )
    # Nothing in a value can end it: nobody knows the delimiter before the value is there.
    delimiter = f"4me_{secrets.token_hex(16)}"
    lines = (f"{name}<<{delimiter}\n{text}\n{delimiter}\n" for name, text in values.items())
    write_text(path, "".join(lines), append=True)


def _write_summary(path: Path, output: Output, specs: OutputSpec) -> None:
    values = fit_results(specs.results, output)
    link = output.link
    title = f"### [{_as_markdown(link.label)}]({link.url})" if link else "### 4me"
    rows = [f"| {_as_markdown(name)} | {_as_markdown(text)} |" for name, text in values.items()]
    table = "\n".join(["| field | value |", "| --- | --- |", *rows])
    write_text(path, f"{title}\n\n{table}\n", append=True)


def _as_markdown(text: str) -> str:
    """Return Markdown that shows a text as it is, whatever it holds."""
    return "".join(
        f"&#{ord(char)};" if char.isascii() and not char.isalnum() and char != " " else char
        for char in text
    )
