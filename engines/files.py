"""A spec from a file or environment variables, and outputs to the files that they name."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from engines.local import LocalEngine, OutputTarget
from engines.results import fit_results
from engines.spec_values import STANDARD_STREAM, spec_from_environment, spec_from_file
from engines.variables import ANNOTATIONS, DOTENV, OUTPUT, RESULTS_DIR

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from engines.arguments import Arguments
    from process.output import Output, OutputSpec, ResultSpec
    from spec.schema import InputVariable

_DOTENV_PREFIX = "FOURME_RESULT_"


def file_engine(
    environ: Mapping[str, str],
    arguments: Arguments,
    outputs: OutputSpec,
    inputs: Mapping[str, InputVariable],
) -> LocalEngine:
    """Return the engine for a shell, and for workflow engines that use files and variables only.

    Outputs go to the files that the command line and the environment name; without any, to
    standard output.
    """
    targets = tuple(_named_targets(environ, arguments.output, outputs))
    return LocalEngine(
        partial(spec_from_file, arguments.spec, environ, inputs)
        if arguments.spec
        else partial(spec_from_environment, environ, inputs),
        targets or tuple(json_targets(STANDARD_STREAM, outputs)),
    )


def _named_targets(
    environ: Mapping[str, str], output: str | None, outputs: OutputSpec
) -> Iterator[OutputTarget]:
    named = {
        name: environ.get(name, "").strip() for name in (OUTPUT, RESULTS_DIR, DOTENV, ANNOTATIONS)
    }
    if output or named[OUTPUT]:
        yield from json_targets(output or named[OUTPUT], outputs)
    if named[RESULTS_DIR]:
        for spec in outputs.results:
            yield OutputTarget(Path(named[RESULTS_DIR], spec.name), partial(_result, spec))
    if named[DOTENV]:
        yield OutputTarget(Path(named[DOTENV]), partial(_dotenv, outputs.results))
    if named[ANNOTATIONS]:
        yield OutputTarget(Path(named[ANNOTATIONS]), _gitlab_annotations, required=False)


def json_targets(path: str, outputs: OutputSpec) -> Iterator[OutputTarget]:
    """Yield the targets of the JSON values.

    Args:
        path: a file for the main value, replaced if it exists; `-` for the main value on standard
            output; or a folder, for every value as `<name>.json`.
        outputs: what the operation publishes.
    """
    main = outputs.values[0]
    if path == STANDARD_STREAM:
        yield OutputTarget(None, partial(_json, main))
    elif path.endswith("/") or os.path.isdir(path):  # noqa: PTH112  Path's may raise PermissionError
        for name in outputs.values:
            yield OutputTarget(Path(path, f"{name}.json"), partial(_json, name))
    else:
        yield OutputTarget(Path(path), partial(_json, main))


def compact_json(value: object) -> str:
    """Return a JSON value in one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _json(name: str, output: Output) -> str:
    return json.dumps(output.values[name], ensure_ascii=False, indent=2) + "\n"


def _result(spec: ResultSpec, output: Output) -> str:
    return fit_results([spec], output)[spec.name]


def _dotenv(specs: Iterable[ResultSpec], output: Output) -> str:
    # GitLab expands variables in these values when a later job reads them: `$$` is a plain `$`.
    return "".join(
        f"{_DOTENV_PREFIX}{name.upper()}={text.replace('$', '$$')}\n"
        for name, text in fit_results(specs, output).items()
    )


def _gitlab_annotations(output: Output) -> str:
    links = [{"label": link.label, "url": link.url} for link in (output.link,) if link]
    return compact_json({"4me": [{"external_link": link} for link in links]})
