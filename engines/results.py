"""The few values of an output that engines carry as plain text: one table.

Tekton keeps all results of a task in the container's termination message, as JSON, beside notes
of its own. Kubernetes cuts that at 4,096 bytes, and at 3,072 in a pod of four containers, so
the limits below leave room: `tests/engines/test_scalars.py` adds them up.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from process.logs import quote

if TYPE_CHECKING:
    from engines import Output

_CUT = "…"


@dataclass(frozen=True)
class Result:
    """One value that is published as plain text.

    Attributes:
        name: the name of the field; `url` is the request's page.
        meaning: what users read about it.
        limit: the longest text, in bytes as Go writes it into JSON.
        prose: whether it is cut to the limit. A longer value of any other kind would lead
            elsewhere when cut, so it is left empty.
    """

    name: str
    meaning: str
    limit: int
    prose: bool = False


RESULTS = (
    Result("id", "the ID of the request", 20),
    Result("status", "its status after the update, such as `completed`", 64),
    # 255 characters, if each takes the six bytes of an escape.
    Result("subject", "its subject, in one line", 1530, prose=True),
    Result("team", "the ID of its team", 20),
    Result("member", "the ID of the person it is assigned to", 20),
    Result("next_target_at", "its next target: a time, `best_effort`, `clock_stopped` ...", 64),
    Result("updated_at", "the time of the update", 64),
    Result("url", "the address of its page in the 4me user interface", 512),
)


def results_of(output: Output) -> dict[str, str]:
    """Return the scalars by name: one line of printable text each, empty where 4me has none."""
    values = {**output.request, "url": output.page}
    return {result.name: _fitting(result, _text_of(values.get(result.name))) for result in RESULTS}


def _text_of(value: object) -> str:
    if isinstance(value, dict):
        value = value.get("id")  # a reference
    if value is None:
        return ""
    return quote(value if isinstance(value, str) else json.dumps(value))


def _fitting(result: Result, text: str) -> str:
    if json_size(text) <= result.limit:
        return text
    if not result.prose:
        return ""
    room = result.limit - json_size(_CUT)
    sizes = accumulate(map(json_size, text))
    return text[: sum(size <= room for size in sizes)] + _CUT


def json_size(text: str) -> int:
    """Return the bytes of a printable text inside the JSON that Go writes.

    Go escapes what HTML would misread, too.
    """
    return sum(_ESCAPED.get(char) or len(char.encode("utf-8")) for char in text)


_ESCAPED = {'"': 2, "\\": 2, "<": 6, ">": 6, "&": 6}
