"""Writes the generated parts of the README: `make docs`. A test checks that they are up to date.

Each part is between `<!-- generated: NAME -->` and `<!-- end -->`.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.command_line import OUTPUT_VARIABLES, TOKEN_FILE_VARIABLE
from operations import describe_operations
from process.exit_code_table import EXIT_CODES
from process.operation_help import variable_meanings
from process.settings import VARIABLES
from sandbox.calls import CALL_ORDER
from sandbox.faults import FAULTS
from spec.schema import load_spec_schema
from tests.fault_cases import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
_COMMON_INPUTS = ("connection", "debug")
_PART = re.compile(r"(<!-- generated: (?P<name>[a-z-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def render(text: str) -> str:
    """Return the README's text with its generated parts as they should be."""
    outputs, get_outputs = (
        _outputs("outputs.schema.json"),
        _outputs("steps/get/outputs.schema.json"),
    )
    request = outputs.pop("request")["properties"]
    parts = {
        "inputs": inputs_table(load_spec_schema().document),
        "outputs": outputs_table(
            {**outputs, **{f"request.{name}": request[name] for name in request}}
        ),
        "get-inputs": inputs_table(load_spec_schema("steps/get").document, without=_COMMON_INPUTS),
        "get-outputs": outputs_table(get_outputs),
        "exit-codes": exit_codes_table(),
        "environment": environment_table(),
        "engine-variables": engine_variables_table(),
        "results": results_table(),
        "faults": faults_table(),
    }
    return _PART.sub(lambda match: f"{match[1]}\n{parts[match['name']]}\n\n{match[3]}", text)


def inputs_table(schema: Mapping[str, Any], without: tuple[str, ...] = ()) -> str:
    """Return the table of an operation's inputs, but for those at the top named in `without`."""
    rows = [row for row in _input_rows(schema) if row[0].split(".")[0].strip("`") not in without]
    return table(("input", "type", "required", "meaning"), rows)


def _input_rows(schema: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, ...]]:
    for name, entry in schema["properties"].items():
        if "properties" in entry:
            yield from _input_rows(entry, f"{prefix}{name}.")
        else:
            required = "yes" if name in schema.get("required", ()) else _required_unless(entry)
            yield f"`{prefix}{name}`", _type_of(entry), required, _meaning(entry)


def _required_unless(entry: Mapping[str, Any]) -> str:
    alternative = entry.get("x-4me-unless")
    return f"unless `{alternative}` is given" if alternative else ""


def outputs_table(entries: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the table of outputs, given by their names."""
    rows = [(f"`{name}`", _type_of(entry), _meaning(entry)) for name, entry in entries.items()]
    return table(("output", "type", "meaning"), rows)


def exit_codes_table() -> str:
    """Return the table of exit codes."""
    rows = [(f"{int(row.code)} {row.name}", row.when, row.applied, row.again) for row in EXIT_CODES]
    return table(("code", "when", "request updated?", "run again?"), rows)


def environment_table() -> str:
    """Return the table of the environment variables that hold numbers of seconds."""
    rows = [(f"`{name}`", f"{row[0]:g} s", row[2]) for name, row in VARIABLES.items()]
    return table(("variable", "default", "meaning"), rows)


def engine_variables_table() -> str:
    """Return the table of the environment variables for specs and outputs."""
    spec_variables = variable_meanings(describe_operations())
    variables = {**spec_variables, **TOKEN_FILE_VARIABLE, **OUTPUT_VARIABLES}
    rows = [(f"`{name}`", meaning) for name, meaning in variables.items()]
    return table(("variable", "what it holds"), rows)


def results_table() -> str:
    """Return the table of the results of all operations."""
    operations = describe_operations()
    results = dict.fromkeys(row for operation in operations for row in operation.results)
    rows = []
    for row in results:
        names = [f"`{operation.name}`" for operation in operations if row in operation.results]
        only = "" if len(names) == len(operations) else f" ({', '.join(names)} only)"
        rows.append((f"`{row.name}`", row.description + only))
    return table(("value", "meaning"), rows)


def faults_table() -> str:
    """Return a summary of the fault matrix: the exit codes for one fault, and for a lasting one."""
    codes: dict[tuple[str, str, bool], int] = {}
    for case in load():
        call, _, fault = case.faults[-1].rstrip("*").partition("=")
        always = case.faults[-1].endswith("*")
        if case.kind in ("note", "files", "find", "linked") and case.faults[:-1] in (
            (),
            ("patch=500-after",),
        ):
            codes.setdefault((call, fault, always), case.expected.code)
    calls = [name for name in CALL_ORDER if any(name == call for call, _, _ in codes)]
    faults = dict.fromkeys(fault for _, fault, _ in codes)
    rows = [
        (
            f"`{fault}`",
            FAULTS[fault.partition(":")[0]].help,
            *(_cell(codes, call, fault) for call in calls),
        )
        for fault in faults
    ]
    return table(("fault", "what happens", *(f"`{call}`" for call in calls)), rows)


def _cell(codes: Mapping[tuple[str, str, bool], int], call: str, fault: str) -> str:
    once, always = codes.get((call, fault, False)), codes.get((call, fault, True))
    known = [str(code) for code in (once, always) if code is not None]
    return " / ".join(dict.fromkeys(known))


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines
    )


def _type_of(entry: Mapping[str, Any]) -> str:
    kind = entry.get("x-4me-type") or entry.get("type", "any")
    return str(kind if isinstance(kind, str) else kind[0]).replace("_", " ")


def _meaning(entry: Mapping[str, Any]) -> str:
    parts = [str(entry.get("description", ""))]
    if "enum" in entry:
        labels = entry.get("x-4me-labels", {})
        values = [f"`{v}` ({labels[v]})" if v in labels else f"`{v}`" for v in entry["enum"]]
        parts.append(f"One of {', '.join(values)}.")
    return " ".join(parts)


def _outputs(path: str) -> dict[str, Any]:
    entries: dict[str, Any] = json.loads((ROOT / path).read_text(encoding="utf-8"))["properties"]
    return entries


def main() -> int:
    """Rewrite the README in place."""
    README.write_text(render(README.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
