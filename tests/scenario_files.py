"""Scenario files: specs that are accepted or refused, and the expected call or error.

One case per file, in `tests/scenarios/accepted` and `tests/scenarios/refused`. Each is read the way
Relay reads YAML. A new case is a new file; the tests collect it automatically.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from sandbox import FOURME_HOST
from sandbox.relay.yaml_io import parse

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent / "scenarios"
ACCESS_TOKEN = "scenario-secret-token"

#: The connection of scenarios that give none of their own.
CONNECTION: Mapping[str, object] = {
    "host": FOURME_HOST,
    "accessToken": ACCESS_TOKEN,
    "account": "wdc",
}


@dataclass(frozen=True)
class Accepted:
    """A spec that is accepted, and the call that it results in.

    Attributes:
        name: the file's name without its ending.
        description: what it shows, one sentence.
        request: the spec's `request`, in any form that engines pass.
        path: the path of the first call, such as `/v1/requests/80339`.
        body: the JSON object that is sent, where the first call is the update.
        connection: the spec's `connection`, of any shape.
        inputs: the other inputs of the spec.
        values: what those inputs are coerced to; by default, they stay as they are.
        first_call: `patch`, or the call that comes before it.
    """

    name: str
    description: str
    request: object
    path: str
    body: Mapping[str, object]
    connection: object = field(default_factory=lambda: dict(CONNECTION))
    inputs: Mapping[str, object] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)
    first_call: str = "patch"

    @property
    def spec(self) -> dict[str, object]:
        """The whole spec."""
        return {"connection": self.connection, "request": self.request, **self.inputs}


@dataclass(frozen=True)
class Refused:
    """A spec that is refused, and the error that it results in.

    Attributes:
        name: the file's name without its ending.
        description: what it shows, one sentence.
        spec: the whole spec.
        exit_code: 65 (data) or 78 (config).
        error_contains: parts of the error's text: path, reason, allowed values, suggestion.
        error_lacks: what its text must not contain.
    """

    name: str
    description: str
    spec: object
    exit_code: int
    error_contains: tuple[str, ...]
    error_lacks: tuple[str, ...] = ()


@overload
def load_scenarios(folder: Literal["accepted"]) -> tuple[Accepted, ...]: ...


@overload
def load_scenarios(folder: Literal["refused"]) -> tuple[Refused, ...]: ...


def load_scenarios(
    folder: Literal["accepted", "refused"],
) -> tuple[Accepted, ...] | tuple[Refused, ...]:
    """Read the scenario files of a folder, in the order of their names.

    Raises:
        TypeError: a file has an unknown key, or lacks one.
        ValueError: a folder is empty, or a file is not a mapping.
    """
    paths = sorted((FOLDER / folder).glob("*.yaml"))
    if not paths:
        raise ValueError(f"there are no scenario files in {folder}")
    if folder == "accepted":
        return tuple(_accepted(path.stem, _read(path)) for path in paths)
    return tuple(_refused(path.stem, _read(path)) for path in paths)


def _read(path: Path) -> dict[str, Any]:
    tree = parse(path.read_text(encoding="utf-8"))
    if not isinstance(tree, dict):
        raise ValueError(f"{path.name} is not a mapping")  # noqa: TRY004  the file is wrong, not a caller's type
    return tree


def _accepted(name: str, tree: Mapping[str, Any]) -> Accepted:
    return Accepted(name=name, **tree)


def _refused(name: str, tree: Mapping[str, Any]) -> Refused:
    """Return a refused scenario; `request` is short for a spec with the usual connection."""
    values = dict(tree)
    if "spec" not in values:
        values["spec"] = {"connection": dict(CONNECTION), "request": values.pop("request")}
    return Refused(
        name=name,
        exit_code=values.pop("exit"),
        error_contains=tuple(values.pop("error_contains")),
        error_lacks=tuple(values.pop("error_lacks", ())),
        **values,
    )
