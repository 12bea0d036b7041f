"""Parse texts that people write, in JSON or YAML."""

from __future__ import annotations

import json

from process.errors import SpecError
from process.json_depth import MAX_DEPTH, path_beyond_depth


def read_document(text: str, source: str) -> object:
    """Return the value of a JSON or YAML text; None for an empty one.

    Args:
        text: the text.
        source: its name in messages, such as "FOURME_REQUEST".

    Raises:
        SpecError: it is neither, or nested too deeply. The message quotes nothing of the text,
            which may contain secrets.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unique_names)
    except ValueError:
        return _read_yaml(text, source)
    except RecursionError:
        raise _too_deep(source) from None
    path = path_beyond_depth(value)
    if path is not None:
        raise _too_deep(source, f", at {path}")
    return value


def _too_deep(source: str, location: str = "") -> SpecError:
    return SpecError(
        f"{source} is nested deeper than {MAX_DEPTH} levels{location}.",
        fix="Check what produces the text; no input of the step is nested like that.",
    )


def _unique_names(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return a JSON object; leave one with a repeated name to YAML, which reports where."""
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("a name is repeated")
    return values


def _read_yaml(text: str, source: str) -> object:
    # Slow to import, and a run in Relay never needs it.
    from engines.yaml_documents import (  # noqa: PLC0415
        UnsupportedYamlError,
        YamlDepthError,
        YamlError,
        parse_yaml,
    )

    try:
        return parse_yaml(text)
    except YamlDepthError as error:
        raise _too_deep(source, str(error)) from None
    except UnsupportedYamlError as error:
        raise SpecError(
            f"{source} is YAML that the step does not accept: {error}.",
            fix="Write it as plain YAML or JSON.",
        ) from None
    except YamlError as error:
        raise SpecError(
            f"{source} is neither JSON nor YAML: {error}.",
            fix="Fix the text; a value that contains `: `, `#` or quotes is best written as a "
            "block (`|`).",
        ) from None
