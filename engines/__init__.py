"""Where a spec comes from and an output goes.

Each engine is a class that fulfils `Engine`; `choose_engine` picks one from the command line and
the environment. The step itself does not know which one it has.

variables       the environment variables of the engines
arguments       the command line
help            what --help says
documents       JSON and YAML texts, to values
yaml_documents  YAML, imported only where a text is not JSON
inputs          a spec put together from files and variables
scalars         the few values of an output that engines carry as plain text
trial           files that are to be written, tried beforehand
targets           outputs as files and on standard output
github          GitHub Actions
relay           Relay's metadata service
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Protocol

from engines.arguments import Arguments, read_arguments
from process.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from process.output import Output, OutputSpec
    from process.redaction import Redactor
    from transport.context import RunContext

__all__ = ["Arguments", "Engine", "choose_engine", "read_arguments", "show_errors"]


class Engine(Protocol):
    """A workflow engine, as the step sees it."""

    def read_spec(self) -> object:
        """Return the spec: JSON values, and bytes where it holds base64.

        Raises:
            ConfigError: there is no way to a spec, or the engine refuses to give it.
            SpecError: what there is cannot be read as a spec at all.
            TemporaryError: the engine cannot be reached for now.
        """
        ...  # pragma: no cover - a protocol's body never runs

    def check_outputs(self) -> None:
        """Make sure, before anything is sent, that the output can be written; leave no trace.

        Raises:
            ConfigError: a file that the run needs cannot be written; `details` has each.
        """
        ...  # pragma: no cover - a protocol's body never runs

    def publish(self, output: Output) -> None:
        """Hand over the output.

        Raises:
            OutputError: it could not be published; the request has been updated.
        """
        ...  # pragma: no cover - a protocol's body never runs


class _SpecSource(Enum):
    """A way to hand in a spec, in the order of precedence, as messages call it."""

    FILE = "--spec"
    GITHUB = "the inputs of the action (INPUT_REQUEST)"
    RELAY = "METADATA_API_URL"
    ENVIRONMENT = "FOURME_REQUEST or FOURME_REQUEST_ID"


_HELP = (
    "step.py --spec FILE: a file, YAML or JSON; `--spec -` reads standard input",
    "FOURME_REQUEST: the request as YAML or JSON; with FOURME_HOST, FOURME_ACCOUNT and "  # noqa: ISC004  long lines
    "FOURME_ACCESS_TOKEN or FOURME_ACCESS_TOKEN_FILE",
    "the inputs of the action, in GitHub Actions",
    "METADATA_API_URL: set by Relay, or by the sandbox: python -m sandbox --fourme "  # noqa: ISC004  likewise
    "--input catalog/relay/update-request.yaml -- python step.py",
)


def choose_engine(
    environ: Mapping[str, str], arguments: Arguments, context: RunContext, outputs: OutputSpec
) -> Engine:
    """Return the engine that a run is in: the first of these that holds.

    1. `--spec` is given: a file, which the environment may complete.
    2. GITHUB_ACTIONS is `true` and INPUT_REQUEST is there, even if empty: GitHub Actions.
    3. METADATA_API_URL is set: Relay.
    4. FOURME_REQUEST or FOURME_REQUEST_ID is set: the environment.

    What somebody typed for this run, `--spec`, comes before what an engine sets for every run. Any
    other two are ambiguous, and so are `--spec` and FOURME_REQUEST. Blank variables are not set.

    Raises:
        ConfigError: none holds, the run is ambiguous, or what it speaks of makes no sense.
    """
    ways = list(_ways_in(environ, arguments))
    if len(ways) != 1:
        raise _unclear(ways)
    way = ways[0]
    if arguments.output and way in (_SpecSource.GITHUB, _SpecSource.RELAY):
        raise ConfigError(
            f"--output does not go together with {way.value}, where outputs have a place already.",
            fix="Leave it out.",
        )
    if way is _SpecSource.RELAY:
        # Each run imports its own engine alone: relay-sdk brings a web server along.
        from engines.relay import RelayEngine  # noqa: PLC0415  see above

        return RelayEngine(environ["METADATA_API_URL"].strip(), context)
    if way is _SpecSource.GITHUB:
        from engines.github import github_engine  # noqa: PLC0415  see above

        return github_engine(environ, outputs)
    from engines.outputs import LocalEngine, output_targets  # noqa: PLC0415  see above
    from engines.spec_values import spec_from_environment, spec_from_file  # noqa: PLC0415  see above

    targets = output_targets(environ, arguments.output, outputs)
    if arguments.spec is None:
        return LocalEngine(lambda: spec_from_environment(environ), targets)
    file = arguments.spec
    return LocalEngine(lambda: spec_from_file(file, environ), targets)


def show_errors(environ: Mapping[str, str], redactor: Redactor) -> None:
    """Show errors where the engine's users look for them, on top of the log.

    Logging must have been started.
    """
    if _is_action(environ):
        from engines.github import annotate_errors  # noqa: PLC0415  see choose_engine

        annotate_errors(redactor)


def _ways_in(environ: Mapping[str, str], arguments: Arguments) -> Iterator[_SpecSource]:
    if arguments.spec:
        yield _SpecSource.FILE
        if _is_set(environ, "FOURME_REQUEST"):
            yield _SpecSource.ENVIRONMENT
        return
    if _is_action(environ):
        yield _SpecSource.GITHUB
    if _is_set(environ, "METADATA_API_URL"):
        yield _SpecSource.RELAY
    if _is_set(environ, "FOURME_REQUEST") or _is_set(environ, "FOURME_REQUEST_ID"):
        yield _SpecSource.ENVIRONMENT


def _is_action(environ: Mapping[str, str]) -> bool:
    return environ.get("GITHUB_ACTIONS") == "true" and "INPUT_REQUEST" in environ


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    return bool(environ.get(name, "").strip())


def _unclear(ways: list[_SpecSource]) -> ConfigError:
    if not ways:
        return ConfigError(
            "There is no spec to read. These are the ways to hand one in:",
            details=_HELP,
            cause="the container was started by hand; in a workflow, Relay sets METADATA_API_URL",
            fix="Choose one of them; step.py --help says more.",
        )
    return ConfigError(
        f"It is not clear which spec to read: {' and '.join(way.value for way in ways)} are there. "
        "These are the ways to hand one in:",
        details=_HELP,
        cause="a variable is set for the whole project, or left over from something else",
        fix="Keep one of them.",
    )
