"""The few values of an output that engines carry as plain text: one table.

Tekton keeps all results of a task in the container's termination message, as JSON, beside notes
of its own. Kubernetes cuts that at 4,096 bytes, and at 3,072 in a pod of four containers, so
the limits below leave room: `tests/engines/test_scalars.py` adds them up.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from process.output import Output, ResultSpec

_CUT = "…"


def fit_results(specs: Iterable[ResultSpec], output: Output) -> dict[str, str]:
    """Return the results by name, each within its size; empty where there is no value."""
    return {spec.name: _fit(spec, output.results.get(spec.name, "")) for spec in specs}


def _fit(spec: ResultSpec, text: str) -> str:
    if json_size(text) <= spec.max_size:
        return text
    if not spec.truncatable:
        return ""
    room = spec.max_size - json_size(_CUT)
    sizes = accumulate(map(json_size, text))
    return text[: sum(size <= room for size in sizes)] + _CUT


def json_size(text: str) -> int:
    """Return the bytes of a printable text inside the JSON that Go writes.

    Go escapes what HTML would misread, too.
    """
    return sum(_ESCAPED.get(char) or len(char.encode("utf-8")) for char in text)


_ESCAPED = {'"': 2, "\\": 2, "<": 6, ">": 6, "&": 6}
