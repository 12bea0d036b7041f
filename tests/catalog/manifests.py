"""Manifests, and how Kubernetes, Tekton and Argo expand the variables in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from operations import SUMMARIES, load_operation
from tests.step_process import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SECRETS = {"4me": {"access-token": "demo-token"}}
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_][A-Za-z0-9_]*)\)")
_TEKTON = re.compile(r"\$\(((?:params|workspaces|context|tasks)\.[A-Za-z0-9_.-]+)\)")
_ARGO = re.compile(r"\{\{([a-z]+\.[A-Za-z0-9_.-]+)\}\}")


def manifest(path: str) -> dict[str, Any]:
    """Return the one document of a file of the repository."""
    document: dict[str, Any] = yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))
    return document


def example(path: str) -> dict[str, Any]:
    """Return the one YAML example in a README of the repository."""
    (text,) = re.findall(
        r"^```yaml\n(.*?)^```$", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def all_results() -> list[str]:
    """Return the names of the results of all operations."""
    outputs = [load_operation(name).outputs for name in SUMMARIES]
    return [*dict.fromkeys(row.name for each in outputs for row in each.results)]


def all_values() -> list[str]:
    """Return the names of the JSON values of all operations that are not results, too."""
    outputs = [load_operation(name).outputs for name in SUMMARIES]
    names = dict.fromkeys(name for each in outputs for name in each.values)
    return [name for name in names if name not in all_results()]


def by_name(entries: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Return entries by their names."""
    return {str(entry["name"]): entry for entry in entries}


def kubernetes_environment(entries: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return a container's variables: `$(NAME)` is expanded where NAME is defined above."""
    environment: dict[str, str] = {}
    for entry in entries:
        if "valueFrom" in entry:
            key = entry["valueFrom"]["secretKeyRef"]
            value = SECRETS[key["name"]][key["key"]]
        else:
            value = _REFERENCE.sub(
                lambda match: "$" if match[1] is None else environment.get(match[1], match[0]),
                entry["value"],
            )
        environment[entry["name"]] = value
    return environment


def expand_tekton(value: Any, values: Mapping[str, str]) -> Any:  # noqa: ANN401  YAML has any type
    """Return a part of a Task with Tekton's variables replaced.

    Raises:
        KeyError: it refers to something that is not there.
    """
    return _expand(value, _TEKTON, values)


def expand_argo(value: Any, values: Mapping[str, str]) -> Any:  # noqa: ANN401  likewise
    """Return a part of a template with Argo's variables replaced.

    Raises:
        KeyError: it refers to something that is not there.
    """
    return _expand(value, _ARGO, values)


def _expand(value: Any, pattern: re.Pattern[str], values: Mapping[str, str]) -> Any:  # noqa: ANN401  likewise
    if isinstance(value, str):
        return pattern.sub(lambda match: values[match[1]], value)
    if isinstance(value, list):
        return [_expand(item, pattern, values) for item in value]
    if isinstance(value, dict):
        return {name: _expand(item, pattern, values) for name, item in value.items()}
    return value
