"""Where a spec comes from and outputs go: one module for each workflow engine."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from engines.arguments import Arguments, read_arguments
from engines.variables import ACTION_INPUTS, GITHUB_PREFIX, MAIN_INPUTS, PREFIX
from process.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from process.output import Output, OutputSpec
    from process.redaction import Redactor
    from spec.schema import InputVariable
    from transport.context import RunContext

__all__ = ["Arguments", "Engine", "choose_engine", "read_arguments", "show_errors"]


class Engine(Protocol):
    """A workflow engine, as the step sees it."""

    def read_spec(self) -> object:
        """Return the spec: JSON values, and bytes where it holds base64.

        Raises:
            ConfigError: the spec cannot be reached, or the engine does not return it.
            SpecError: the spec cannot be parsed.
            TemporaryError: the engine cannot be reached at the moment.
        """
        ...  # pragma: no cover - a protocol's body never runs

    def check_outputs(self) -> None:
        """Check that outputs can be written, before anything is sent; leave no trace.

        Raises:
            ConfigError: a file that the run needs cannot be written; `details` has each of them.
        """
        ...  # pragma: no cover - a protocol's body never runs

    def publish(self, output: Output) -> None:
        """Publish the output.

        Raises:
            OutputError: it could not be published.
        """
        ...  # pragma: no cover - a protocol's body never runs


class _SpecSource(Enum):
    """The sources of a spec, in the order of precedence, as messages call them."""

    FILE = "--spec"
    GITHUB = "the inputs of the action (INPUT_...)"
    RELAY = "METADATA_API_URL"
    ENVIRONMENT = "FOURME_REQUEST or FOURME_REQUEST_ID"


_SOURCES_HELP = (
    "step.py --spec FILE: a file, YAML or JSON; `--spec -` reads standard input",
    "FOURME_REQUEST: the request as YAML or JSON; with FOURME_HOST, FOURME_ACCOUNT and "  # noqa: ISC004  long lines
    "FOURME_ACCESS_TOKEN or FOURME_ACCESS_TOKEN_FILE",
    "the inputs of the action, in GitHub Actions",
    "METADATA_API_URL: set by Relay, or by the sandbox: python -m sandbox --fourme "  # noqa: ISC004  likewise
    "--input catalog/relay/update-request.yaml -- python step.py",
)


def choose_engine(
    environ: Mapping[str, str],
    arguments: Arguments,
    context: RunContext,
    outputs: OutputSpec,
    inputs: Mapping[str, InputVariable],
) -> Engine:
    """Return the engine of a run: the first of these whose condition is true.

    1. `--spec` is given: a file, which the environment may complete.
    2. GITHUB_ACTIONS is `true` and an input of the action is set, even to nothing: GitHub Actions.
    3. METADATA_API_URL is set: Relay.
    4. FOURME_REQUEST or FOURME_REQUEST_ID is set: the environment.

    `--spec` is for one run, so it precedes what an engine sets for every run. Any other two are
    ambiguous, and so are `--spec` and FOURME_REQUEST. Blank variables are not set.

    Args:
        environ: the environment variables.
        arguments: the command line.
        context: the settings of calls.
        outputs: what the operation publishes.
        inputs: the inputs of the operation that have variables of their own, by variable name.

    Raises:
        ConfigError: no condition is true, the run is ambiguous, or the engine's variables are
            wrong.
    """
    sources = list(_sources(environ, arguments))
    if len(sources) != 1:
        raise _no_single_source(sources)
    source = sources[0]
    # Each run imports its own engine alone: relay-sdk brings a web server along.
    if source is _SpecSource.RELAY:
        from engines.relay import RelayEngine  # noqa: PLC0415  see above

        _refuse_output_argument(arguments, source)
        return RelayEngine(environ["METADATA_API_URL"].strip(), context)
    if source is _SpecSource.GITHUB:
        from engines.github import github_engine  # noqa: PLC0415  see above

        _refuse_output_argument(arguments, source)
        return github_engine(environ, outputs, inputs)
    from engines.files import file_engine  # noqa: PLC0415  see above

    return file_engine(environ, arguments, outputs, inputs)


def show_errors(environ: Mapping[str, str], redactor: Redactor) -> None:
    """Also show errors where the users of the engine expect them.

    Logging must have been configured.
    """
    if _is_action(environ):
        from engines.github import annotate_errors  # noqa: PLC0415  see choose_engine

        annotate_errors(redactor)


def _sources(environ: Mapping[str, str], arguments: Arguments) -> Iterator[_SpecSource]:
    if arguments.spec:
        yield _SpecSource.FILE
        if _is_set(environ, "FOURME_REQUEST"):
            yield _SpecSource.ENVIRONMENT
        return
    if _is_action(environ):
        yield _SpecSource.GITHUB
    if _is_set(environ, "METADATA_API_URL"):
        yield _SpecSource.RELAY
    if any(_is_set(environ, PREFIX + name) for name in MAIN_INPUTS):
        yield _SpecSource.ENVIRONMENT


def _is_action(environ: Mapping[str, str]) -> bool:
    has_inputs = any(GITHUB_PREFIX + name in environ for name in ACTION_INPUTS)
    return has_inputs and environ.get("GITHUB_ACTIONS") == "true"


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    return bool(environ.get(name, "").strip())


def _refuse_output_argument(arguments: Arguments, source: _SpecSource) -> None:
    if arguments.output:
        raise ConfigError(
            f"--output cannot be combined with {source.value}, which has its own outputs.",
            fix="Leave it out.",
        )


def _no_single_source(sources: list[_SpecSource]) -> ConfigError:
    if not sources:
        return ConfigError(
            "There is no spec to read. It can come from one of these:",
            details=_SOURCES_HELP,
            cause="the container was started by hand; in a workflow, Relay sets METADATA_API_URL",
            fix="Choose one of them; step.py --help says more.",
        )
    return ConfigError(
        f"It is not clear which spec to read: {' and '.join(each.value for each in sources)} are "
        "set. A spec can come from one of these:",
        details=_SOURCES_HELP,
        cause="a variable is set for the whole project, or is left over from something else",
        fix="Keep one of them.",
    )
