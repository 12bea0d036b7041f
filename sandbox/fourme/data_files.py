"""The data files of the sandbox's 4me, and the sample that is packaged."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

import yaml

from sandbox.fourme import links
from sandbox.relay import yaml_io
from sandbox.relay.document import DocumentError

if TYPE_CHECKING:
    from pathlib import Path

_SECTIONS = ("storage", "tokens", "requests", "notes", "time_spent", "links", "references")

_Check = Callable[[str, object], bool]

#: The check for each entry of a section, and its error message.
_CHECKS: Mapping[str, tuple[_Check, str]] = {
    "links": (
        lambda key, value: key.isdigit() and links.is_valid(value),
        f"must be the id of a request and lists of ids: {', '.join(links.FIELDS)}",
    ),
    "notes": (
        lambda key, value: key.isdigit() and isinstance(value, list),
        "must be the id of a request and a list",
    ),
    "references": (lambda _key, value: isinstance(value, dict), "must be a mapping"),
    "time_spent": (
        lambda key, value: key.isdigit() and isinstance(value, int),
        "must be the id of a request and a number of minutes",
    ),
    "tokens": (
        lambda _key, value: (
            isinstance(value, dict)
            and {"account", "person"} <= set(value)
            and isinstance(value.get("team", 0), int)
        ),
        "needs account and person, and may have the id of a team",
    ),
}


def sample() -> dict[str, object]:
    """Return the packaged sample data."""
    return copy.deepcopy(_sample())


def sample_text() -> str:
    """Return the packaged sample data as YAML text."""
    return (
        resources.files("sandbox.fourme").joinpath("data/requests.yaml").read_text(encoding="utf-8")
    )


def read(path: Path) -> dict[str, object]:
    """Read a data file, which is created from the packaged sample if it does not exist.

    Raises:
        DocumentError: It can't be read or written, or its structure is not that of the sample.
    """
    try:
        if not path.exists():
            path.write_text(sample_text(), encoding="utf-8")
        data = yaml_io.parse(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or not set(data) <= set(_SECTIONS):
            raise DocumentError(f"{path}: needs the sections {', '.join(_SECTIONS)}")
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DocumentError(f"{path}: not YAML: {error}") from error
    problem = _problem(data)
    if problem is not None:
        raise DocumentError(f"{path}: {problem}")
    return data


def _problem(data: dict[str, object]) -> str | None:
    """Return what is invalid in the data; None if it is valid."""
    requests = data.get("requests")
    if not isinstance(requests, list) or not all(map(_is_request, requests)):
        return "requests: must be a list of mappings, each with a whole number as id"
    for name in _SECTIONS:
        if name != "requests" and not isinstance(data.get(name, {}), dict):
            return f"{name}: must be a mapping"
    entries = [
        (name, key, value) for name in _CHECKS for key, value in _mapping(data, name).items()
    ]
    wrong = [entry for entry in entries if not _CHECKS[entry[0]][0](entry[1], entry[2])]
    return next((f"{name}.{key}: {_CHECKS[name][1]}" for name, key, _ in wrong), None)


def _is_request(request: object) -> bool:
    return isinstance(request, dict) and isinstance(request.get("id"), int)


def _mapping(data: dict[str, object], name: str) -> dict[str, object]:
    value = data.get(name, {})
    return value if isinstance(value, dict) else {}


@cache
def _sample() -> dict[str, object]:
    data = yaml_io.parse(sample_text())
    if not isinstance(data, dict):
        raise TypeError("the packaged sample is a mapping")
    return data
