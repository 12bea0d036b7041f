"""The input document: connections, secrets and the steps of runs.

The format is the one of `relay dev metadata`. A document is read from YAML the way Relay reads it:
keys are text, timestamps and `yes`/`no` are text too, and the tags `!Connection`, `!Secret`,
`!Parameter` and `!Output` become mappings with a `$type`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import yaml

from sandbox.relay import yaml_io

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: The placeholder for the address of the sandbox's 4me API in a spec for `document_for`.
FOURME_HOST = "https://sandbox.invalid"

_TOP = ("connections", "secrets", "runs", "triggers")
_RUN = ("parameters", "steps")
_STEP = ("spec", "outputs", "state", "conditions", "env", "image")


class DocumentError(ValueError):
    """The input document is invalid; the message says what to change."""


@dataclass(frozen=True)
class Step:
    """One step of a run.

    Attributes:
        spec: The spec of the step; may have expressions.
        outputs: What the step has published already, by name.
        literal: True where `spec` is served as it is, expressions included.
    """

    spec: object
    outputs: Mapping[str, object] = field(default_factory=dict)
    literal: bool = False


@dataclass(frozen=True)
class Run:
    """One run of a workflow: its parameters and its steps, by name."""

    parameters: Mapping[str, object]
    steps: Mapping[str, Step]


@dataclass(frozen=True)
class Document:
    """A whole input document.

    Attributes:
        connections: The fields of each connection, by type and name.
        secrets: The secrets, by name.
        runs: The runs, by id.
        tree: The document as it was read, for `with_outputs`.
    """

    connections: Mapping[tuple[str, str], Mapping[str, object]]
    secrets: Mapping[str, object]
    runs: Mapping[str, Run]
    tree: Mapping[str, object] = field(default_factory=dict)

    def step(self, run: str, name: str) -> Step:
        """Return one step.

        Raises:
            DocumentError: There is no such run or step; the message lists those there are.
        """
        if run not in self.runs:
            raise DocumentError(f"there is no run {run!r}; choose one of: {_names(self.runs)}")
        steps = self.runs[run].steps
        if name not in steps:
            raise DocumentError(f"run {run!r} has no step {name!r}; choose one of: {_names(steps)}")
        return steps[name]

    def with_outputs(self, run: str, step: str, outputs: Mapping[str, object]) -> str:
        """Return the document as YAML text, with `outputs` added to those of a step."""
        merged = {**self.step(run, step).outputs, **outputs}
        return yaml_io.dump(_replaced(self.tree, ("runs", run, "steps", step, "outputs"), merged))


def load(path: Path) -> Document:
    """Read a document from a YAML file.

    Raises:
        DocumentError: The file can't be read, is not YAML, or has an unknown structure.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path}: not UTF-8 text, at byte {error.start}") from error
    try:
        return parse(text)
    except DocumentError as error:
        raise DocumentError(f"{path}: {error}") from error


def parse(text: str) -> Document:
    """Read a document from YAML text.

    Raises:
        DocumentError: The text is not YAML, or has an unknown structure.
    """
    try:
        tree = yaml_io.parse(text)
    except yaml.YAMLError as error:
        raise DocumentError(_one_line(error)) from error
    except RecursionError as error:
        raise DocumentError("nested too deeply") from error
    top = _mapping(tree, "the document", _TOP)
    return Document(
        connections=_connections(_mapping(top.get("connections"), "connections")),
        secrets=_mapping(top.get("secrets"), "secrets"),
        runs={name: _run(name, run) for name, run in _mapping(top.get("runs"), "runs").items()},
        tree=top,
    )


def document_for(
    spec: object,
    *,
    run: str = "1",
    step: str = "default",
    outputs: Mapping[str, object] | None = None,
) -> Document:
    """Build a one-step document around a spec, which is served as it is.

    `FOURME_HOST` within its strings stands for the address of the sandbox's 4me API. Bytes are
    served as text where they are UTF-8, else as Relay's base64 mapping.
    """
    only = Step(spec=spec, outputs=dict(outputs or {}), literal=True)
    tree = {"runs": {run: {"steps": {step: {"spec": spec}}}}}
    return Document({}, {}, {run: Run({}, {step: only})}, tree)


def _replaced(tree: object, path: Sequence[str], value: object) -> object:
    """Return a copy of a tree with another value at a path."""
    if not path:
        return value
    entries = tree if isinstance(tree, dict) else {}
    return {**entries, path[0]: _replaced(entries.get(path[0]), path[1:], value)}


def _run(name: str, value: object) -> Run:
    where = f"runs.{name}"
    run = _mapping(value, where, _RUN)
    steps = _mapping(run.get("steps"), f"{where}.steps")
    return Run(
        parameters=_mapping(run.get("parameters"), f"{where}.parameters"),
        steps={key: _step(f"{where}.steps.{key}", step) for key, step in steps.items()},
    )


def _step(where: str, value: object) -> Step:
    step = _mapping(value, where, _STEP)
    return Step(
        spec=_mapping(step.get("spec"), f"{where}.spec"),
        outputs=_mapping(step.get("outputs"), f"{where}.outputs"),
    )


def _connections(value: Mapping[str, object]) -> dict[tuple[str, str], Mapping[str, object]]:
    connections: dict[tuple[str, str], Mapping[str, object]] = {}
    for key, fields in value.items():
        kind, slash, name = key.partition("/")
        if not slash:
            raise DocumentError(
                f"connections.{key}: the key must be <type>/<name>, such as 4me/{key}"
            )
        connections[kind, name] = _mapping(fields, f"connections.{key}")
    return connections


def _mapping(value: object, where: str, known: tuple[str, ...] = ()) -> dict[str, object]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise DocumentError(f"{where}: must be a mapping, not {_kind(value)}")
    unknown = [key for key in value if known and key not in known]
    if unknown:
        raise DocumentError(f"{where}: unknown key {unknown[0]!r}; known: {', '.join(known)}")
    return value


def _kind(value: object) -> str:
    return "a list" if isinstance(value, list) else f"{value!r}"


def _names(names: Mapping[str, object]) -> str:
    return ", ".join(names) or "(none)"


def _one_line(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return " ".join(str(error).split())
    mark = error.problem_mark
    return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"
