"""Validate the manifests of the catalog against their engines' APIs, offline: `make lint`.

Argo Workflows: hera's models. Tekton: the tables of tekton-pipeline's models, with the additions of
v1. GitLab: the schema in check-jsonschema, whose command reads no files of several documents.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hera.workflows.models
import kubernetes.client
import tekton_pipeline
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema
from jsonschema import Draft7Validator
from pydantic import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

ROOT = Path(__file__).resolve().parent.parent
_LIST = re.compile(r"list\[(.+)\]")
_DICT = re.compile(r"dict\(str, (.+)\)")
_SCALARS = {"str": str, "int": int, "bool": bool}
# The keys, with their types, that v1 of Tekton's API adds to the v1beta1 of the models.
_ADDED = {
    "V1beta1Step": {"computeResources": "V1ResourceRequirements", "onError": "str"},
    "V1beta1WorkspaceDeclaration": {"optional": "bool"},
    "V1beta1TaskResult": {"type": "str"},
    "V1beta1PipelineSpec": {"finally": "list[V1beta1PipelineTask]"},
}
# The keys of v1beta1 that v1 does not have.
_REMOVED = {
    "V1beta1Step": {"resources"},
    "V1beta1TaskSpec": {"resources"},
    "V1beta1PipelineTask": {"resources", "conditions"},
}
_TEKTON_KINDS = {"Task": "V1beta1Task", "PipelineRun": "V1beta1PipelineRun"}
_PARAM_TYPES = ("string", "array", "object")


def argo_problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the errors of hera's models, unknown keys included."""
    model = getattr(hera.workflows.models, document["kind"])
    try:
        model.model_validate(document, extra="forbid")
    except ValidationError as error:
        yield from (f"{problem['loc']}: {problem['msg']}" for problem in error.errors())


def tekton_problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the unknown keys, and the values of a wrong type."""
    if document["apiVersion"] != "tekton.dev/v1":
        yield "$.apiVersion: is not tekton.dev/v1"
    yield from _tekton_object(document, _TEKTON_KINDS[document["kind"]], "$")
    yield from _unknown_types(document, "$")


def _tekton_value(value: object, kind: str, path: str) -> Iterator[str]:
    match = _LIST.fullmatch(kind)
    if match and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _tekton_value(item, match[1], f"{path}[{index}]")
    elif (match := _DICT.fullmatch(kind)) and isinstance(value, dict):
        for name, item in value.items():
            yield from _tekton_value(item, match[1], f"{path}.{name}")
    elif kind in _SCALARS:
        if type(value) is not _SCALARS[kind]:
            yield f"{path}: {value!r} is not of type {kind}"
    elif isinstance(value, dict) and _model(kind) is not None:
        yield from _tekton_object(value, kind, path)
    elif kind not in ("object", "V1beta1ArrayOrString") and not isinstance(value, str):
        yield f"{path}: is not of type {kind}"


def _tekton_object(value: Mapping[str, Any], kind: str, path: str) -> Iterator[str]:
    model = _model(kind)
    known = {
        key: model.openapi_types[name]
        for name, key in model.attribute_map.items()
        if key not in _REMOVED.get(kind, ())
    }
    known |= _ADDED.get(kind, {})
    for name, item in value.items():
        if name in known:
            yield from _tekton_value(item, known[name], f"{path}.{name}")
        else:
            yield f"{path}.{name}: unknown key"


def _model(kind: str) -> Any:  # noqa: ANN401  the models have no common class
    return getattr(tekton_pipeline, kind, None) or getattr(kubernetes.client, kind, None)


def _unknown_types(value: object, path: str) -> Iterator[str]:
    """Yield each parameter and result of an unknown type."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown_types(item, f"{path}[{index}]")
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _unknown_types(item, f"{path}.{name}")
            typed = item if name in ("params", "results") and isinstance(item, list) else []
            for entry in typed:
                if entry.get("type", "string") not in _PARAM_TYPES:
                    yield f"{path}.{name}.{entry['name']}: unknown type {entry['type']}"


def gitlab_problems(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the schema errors of a component's header, or of a pipeline."""
    validator = Draft7Validator(get_builtin_schema("vendor.gitlab-ci"))
    for error in validator.iter_errors(document):
        yield f"{error.json_path}: {error.message}"


CHECKS: tuple[tuple[str, Callable[[Mapping[str, Any]], Iterable[str]]], ...] = (
    ("catalog/argo/*.yaml", argo_problems),
    ("catalog/tekton/task/*/*/*.yaml", tekton_problems),
    ("catalog/tekton/task/*/*/samples/*.yaml", tekton_problems),
    ("catalog/gitlab/**/*.yml", gitlab_problems),
)


def main() -> int:
    """Check every manifest; return 1 if one has problems, or if a pattern finds none."""
    failed = False
    for pattern, check in CHECKS:
        files = sorted(ROOT.glob(pattern))
        failed |= not files
        for file in files:
            documents = yaml.safe_load_all(file.read_text(encoding="utf-8"))
            problems = [problem for document in documents for problem in check(document)]
            failed |= bool(problems)
            name = file.relative_to(ROOT)
            sys.stdout.write("".join(f"{name}: {line}\n" for line in problems or ["valid"]))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
