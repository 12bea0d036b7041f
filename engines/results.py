"""Results, cut to the size that every engine can carry.

Tekton keeps all results of a task in the container's termination message, as JSON, beside entries
of its own. Kubernetes cuts that at 4,096 bytes, and at 3,072 in a pod of four containers: the
`max_size` of all results of an operation must leave room for that (`tests/engines/tekton_rules.py`
adds them up).
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from process.output import Output, ResultSpec

_ELLIPSIS = "…"
_ESCAPED_SIZES = {'"': 2, "\\": 2, "<": 6, ">": 6, "&": 6}


def fit_results(specs: Iterable[ResultSpec], output: Output) -> dict[str, str]:
    """Return the results by name, each within its size; empty where there is no value."""
    return {spec.name: _fit(spec, output.results.get(spec.name, "")) for spec in specs}


def _fit(spec: ResultSpec, text: str) -> str:
    if json_size(text) <= spec.max_size:
        return text
    if not spec.truncatable:
        return ""
    limit = spec.max_size - json_size(_ELLIPSIS)
    sizes = accumulate(map(json_size, text))
    return text[: sum(size <= limit for size in sizes)] + _ELLIPSIS


def json_size(text: str) -> int:
    """Return the size of a printable text in the JSON that Go writes, in bytes.

    Go escapes what HTML would misread, too.
    """
    return sum(_ESCAPED_SIZES.get(char) or len(char.encode("utf-8")) for char in text)
