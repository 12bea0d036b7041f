"""Texts that people write, in JSON or YAML, to JSON values."""

from __future__ import annotations

import json

from process.errors import SpecError
from process.json_depth import MAX_DEPTH, path_beyond_depth

_FIX = "Fix the text; a value that holds `: `, `#` or quotes is best written as a block (`|`)."


def read_document(text: str, source: str) -> object:
    """Return the value that a text says; None for an empty one.

    Args:
        text: JSON or YAML.
        source: what messages call the text, such as "FOURME_REQUEST".

    Raises:
        SpecError: it is neither, or nested too deeply. The message says where, and shows no value
            of the text, which may hold secrets.
    """
    try:
        value = json.loads(text, object_pairs_hook=_without_twins)
    except ValueError:
        return _read_yaml(text, source)
    except RecursionError:
        raise _too_deep(source) from None
    place = path_beyond_depth(value)
    if place is not None:
        raise _too_deep(source, f", at {place}")
    return value


def _too_deep(source: str, where: str = "") -> SpecError:
    return SpecError(
        f"{source} is nested deeper than {MAX_DEPTH} levels{where}.",
        fix="Look at what produces the text; no input of the step is nested like that.",
    )


def _without_twins(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return a JSON object; leave one with a repeated name to YAML, which says where."""
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name is there twice")
    return values


def _read_yaml(text: str, source: str) -> object:
    # Slow to import, and a run in Relay never needs it.
    from engines.yaml_documents import YamlDepth, YamlProblem, read_yaml  # noqa: PLC0415

    try:
        return read_yaml(text)
    except YamlDepth as problem:
        raise _too_deep(source, str(problem)) from None
    except YamlProblem as problem:
        reason = str(problem)
    # The YAML reader's own words quote the text, so no cause is kept.
    raise SpecError(f"{source} is neither JSON nor YAML: {reason}.", fix=_FIX)
