"""The errors of Relay's metadata service, and the references that it could not resolve."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from relay_sdk import UnresolvableException

from process.errors import (
    ConfigError,
    SpecError,
    StepError,
    UnexpectedResponseError,
    UnresolvedError,
)
from process.json_depth import MAX_DEPTH
from process.logs import quote
from transport.json_body import ExcessiveDepthError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests

_MAX_TITLE = 120  # characters of an error's code and title
_SINGULAR = {
    "secrets": "secret",
    "parameters": "parameter",
    "answers": "answer",
    "statuses": "status",
}


def spec_error(error: Exception, document: object) -> StepError:
    """Return the error for a spec that could not be read.

    Args:
        error: what the SDK raised.
        document: the whole response to the call for the spec; None without one.
    """
    if isinstance(error, UnresolvableException):
        references = document.get("unresolvable") if isinstance(document, dict) else None
        names = _reference_names(references if isinstance(references, dict) else {})
        return UnresolvedError(
            "The spec has references that Relay cannot resolve.",
            details=tuple(names) or ("the metadata service does not name them",),
            cause="a connection or secret was renamed or not created, a parameter has no value, or "
            "the step that publishes an output has not run before this one",
            fix="Create what is missing, or fix the reference in the workflow; a step that uses "
            "another's output must depend on it.",
        )
    if isinstance(error, ExcessiveDepthError):
        return SpecError(
            f"The spec is nested deeper than {MAX_DEPTH} levels; nothing was sent to 4me.",
            fix="Correct the value in the workflow that has so many levels.",
        )
    reason = error.what if isinstance(error, UnexpectedResponseError) else type(error).__name__
    return ConfigError(
        "The metadata service's answer is not a spec.",
        details=(reason,),
        cause="METADATA_API_URL leads to another service, or a value's base64 is broken",
        fix="Check METADATA_API_URL and the step's spec.",
    )


def call_error(response: requests.Response, purpose: str) -> ConfigError:
    """Return the error for a status from 400 to 499."""
    status = response.status_code
    if status == HTTPStatus.UNAUTHORIZED:
        return ConfigError(
            f"The metadata service does not know this step (401); it could not {purpose}.",
            cause="METADATA_API_URL lacks its token, or the run is over",
            fix="Start the step from a workflow, or copy METADATA_API_URL from the sandbox again.",
            status=status,
        )
    return ConfigError(
        f"The metadata service does not allow the step to {purpose} ({status}).",
        details=_error_title(response),
        cause="METADATA_API_URL leads to another service, or to another version of it",
        fix="Check METADATA_API_URL.",
        status=status,
    )


def _error_title(response: requests.Response) -> tuple[str, ...]:
    """Return the code and the title of an error of the metadata service.

    Nothing else of it is quoted: it may contain the spec, whose secrets may not be known yet.
    """
    try:
        error = json.loads(response.content)["error"]
        title = f"{error['code']}: {error['title']}"
    except (ValueError, TypeError, KeyError, RecursionError):
        return ()
    return (quote(title),) if len(title) <= _MAX_TITLE else ()


def _reference_names(references: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each reference: `connection 4me/name`, `output key of step name`, ..."""
    for kind, items in references.items():
        for item in items if isinstance(items, list) else [items]:
            yield quote(_reference_name(kind, item))


def _reference_name(kind: str, reference: object) -> str:
    if not isinstance(reference, dict) or "name" not in reference:
        return f"{kind}: {json.dumps(reference)}"
    name = reference["name"]
    if "type" in reference:
        return f"connection {reference['type']}/{name}"
    if "from" in reference:
        return f"output {name} of step {reference['from']}"
    return f"{_SINGULAR.get(kind, kind)} {name}"
