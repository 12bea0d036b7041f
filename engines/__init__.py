"""Where a spec comes from and outputs go: one module for each workflow engine.

Each run imports its own engine alone: start-up time matters, and relay-sdk brings a web server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from process.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from process.operation_help import OperationHelp
    from process.output import Output, OutputSpec
    from process.redaction import Redactor
    from spec.schema import InputVariable, SpecSchema
    from transport.context import RunContext

PROGRAM = "4me-step-requests"  # what --version and annotations call it, for every operation
DEFAULT_OPERATION = "update"
# The sources of a spec, as messages call them; the environment's are the names of variables.
_FILE = "--spec"
_GITHUB = "the inputs of the action (INPUT_...)"
_RELAY = "METADATA_API_URL"


class Arguments(NamedTuple):
    """The command line's arguments; an empty one counts as left out.

    Attributes:
        operation: the name of the operation.
        spec: the file with the spec, `-` for standard input; None when left out.
        output: the file for the main value, `-` for standard output; None when left out.
    """

    operation: str = DEFAULT_OPERATION
    spec: str | None = None
    output: str | None = None


class Engine(Protocol):
    """A workflow engine, as the step sees it."""

    def read_spec(self) -> object:
        """Return the spec: JSON values, and bytes where it holds base64.

        Raises:
            ConfigError: the spec cannot be reached, or the engine does not return it.
            SpecError: the spec cannot be parsed.
            TemporaryError: the engine cannot be reached at the moment.
        """

    def check_outputs(self) -> None:
        """Check that outputs can be written, before anything is sent; leave no trace.

        Raises:
            ConfigError: a file that the run needs cannot be written; `details` has each of them.
        """

    def publish(self, output: Output) -> None:
        """Publish the output.

        Raises:
            OutputError: it could not be published.
        """


def read_arguments(
    words: Sequence[str], describe_operations: Callable[[], Sequence[OperationHelp]]
) -> Arguments:
    """Parse the command line, without the program's name.

    Args:
        words: the words of the command line.
        describe_operations: called only for --help.

    Raises:
        ConfigError: there is no such argument.
        SystemExit: the help text or the version has been printed.
    """
    if len(words) <= 1 and not "".join(words).startswith("-"):
        return Arguments("".join(words) or DEFAULT_OPERATION)
    from engines.command_line import parse_arguments  # noqa: PLC0415  argparse is slow to import

    return parse_arguments(words, describe_operations)


def choose_engine(
    environ: Mapping[str, str],
    arguments: Arguments,
    context: RunContext,
    outputs: OutputSpec,
    schema: SpecSchema,
) -> Engine:
    """Return the engine of a run: the first of these whose condition is true.

    1. `--spec` is given: a file, which the environment may complete.
    2. GITHUB_ACTIONS is `true` and an input of the action is set, even to nothing: GitHub Actions.
    3. METADATA_API_URL is set: Relay.
    4. The variable of a required input is set, or of one of two that stand in for each other, such
       as FOURME_REQUEST_ID and FOURME_FIND: the environment.

    `--spec` is for one run, so it precedes what an engine sets for every run. Any other two are
    ambiguous, and so are `--spec` and FOURME_REQUEST, which holds all that is required. Blank
    variables are not set.

    Raises:
        ConfigError: no condition is true, the run is ambiguous, or the engine's variables are
            wrong.
    """
    sources = list(_sources(environ, arguments, schema))
    if len(sources) != 1:
        raise _no_single_source(sources, schema)
    if arguments.output and sources[0] in (_RELAY, _GITHUB):
        raise ConfigError(
            f"--output cannot be combined with {sources[0]}, which has its own outputs.",
            fix="Leave it out.",
        )
    if sources[0] == _RELAY:
        from engines.relay import RelayEngine  # noqa: PLC0415  see the module's docstring

        return RelayEngine(environ["METADATA_API_URL"].strip(), context)
    if sources[0] == _GITHUB:
        from engines.github import github_engine  # noqa: PLC0415  likewise

        return github_engine(environ, outputs, schema.variables)
    from engines.local import file_engine  # noqa: PLC0415  likewise

    return file_engine(environ, arguments, outputs, schema.variables)


def install_error_annotations(environ: Mapping[str, str], redactor: Redactor) -> None:
    """Also show errors where the users of the engine expect them; logging must be configured."""
    if _is_in_github(environ) and any(name.startswith("INPUT_") for name in environ):
        from engines.github import annotate_errors  # noqa: PLC0415  likewise

        annotate_errors(redactor)


def _sources(environ: Mapping[str, str], arguments: Arguments, schema: SpecSchema) -> Iterator[str]:
    # A run in Relay has none of these variables, and need not look through the schema for them.
    is_possible = any(name.startswith(("FOURME_", "INPUT_")) for name in environ)
    inputs = _telling_inputs(schema) if is_possible else {}
    if arguments.spec:
        yield _FILE
        required = schema.document["required"]
        inputs = {
            name: item
            for name, item in inputs.items()
            if item.path[0] in required and item.is_document
        }
    else:
        if _is_in_github(environ) and any(f"INPUT_{name}" in environ for name in inputs):
            yield _GITHUB
        if environ.get("METADATA_API_URL", "").strip():
            yield _RELAY
    names = [f"FOURME_{name}" for name in inputs if environ.get(f"FOURME_{name}", "").strip()]
    if names:
        yield " and ".join(names)


def _is_in_github(environ: Mapping[str, str]) -> bool:
    """Return whether a run is in GitHub Actions, which sets all inputs of an action, also empty."""
    return environ.get("GITHUB_ACTIONS") == "true"


def _telling_inputs(schema: SpecSchema) -> dict[str, InputVariable]:
    """Return the inputs whose variables tell that there is a spec: some of them are required.

    These are the required ones, without the connection, which every run needs; and those of which
    one is required.
    """
    alternatives = schema.alternatives
    telling = {*alternatives, *((name,) for name in alternatives.values())}
    telling |= {(name,) for name in schema.document["required"]}
    return {name: item for name, item in schema.variables.items() if item.path in telling}


def _no_single_source(sources: list[str], schema: SpecSchema) -> ConfigError:
    if not sources:
        return ConfigError(
            "There is no spec to read. It can come from one of these:",
            details=_sources_help(schema),
            cause="the container was started by hand; in a workflow, Relay sets METADATA_API_URL",
            fix="Choose one of them; see step.py --help.",
        )
    return ConfigError(
        f"It is not clear which spec to read: {' and '.join(sources)} are set. "
        "A spec can come from one of these:",
        details=_sources_help(schema),
        cause="a variable is set for the whole project, or is left over from something else",
        fix="Keep one of them.",
    )


def _sources_help(schema: SpecSchema) -> tuple[str, ...]:
    names = [
        f"FOURME_{name}{' (as YAML or JSON)' if item.is_document else ''}"
        for name, item in _telling_inputs(schema).items()
    ]
    return (
        "step.py --spec FILE: a file, YAML or JSON; `--spec -` reads standard input",
        f"{' or '.join(names)}: environment variables; with FOURME_HOST, FOURME_ACCOUNT and "  # noqa: ISC004  long lines
        "FOURME_ACCESS_TOKEN or FOURME_ACCESS_TOKEN_FILE",
        "the inputs of the action, in GitHub Actions",
        "METADATA_API_URL: set by Relay, or by the sandbox: python -m sandbox --fourme "  # noqa: ISC004  likewise
        "--input catalog/relay/update-request.yaml -- python step.py",
    )
