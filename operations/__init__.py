"""What a step does: one module for each operation, and what they share."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from fourme.hosts import parse_host
from process.errors import ConfigError
from spec.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fourme.client import ApiClient
    from process.operation_help import OperationHelp
    from process.output import Output, OutputSpec
    from spec.coercion import CoercedSpec
    from spec.schema import SpecSchema
    from spec.validation import Spec

SUMMARIES = {
    "update": "update a request, and publish it as it is after the update",
    "get": "read a request, and publish it",
}
_MAX_SHOWN = 60  # characters of a host in a message


class Operation(Protocol):
    """What a step does with a valid spec.

    Attributes:
        schema_folder: the folder of its schemas, below the top one; empty for the top one.
        outputs: what it publishes.
    """

    schema_folder: str
    outputs: OutputSpec

    def problems(self, coerced: CoercedSpec, schema: SpecSchema) -> Iterator[Problem]:
        """Yield what is wrong with a spec beyond what its schema says."""
        ...  # pragma: no cover - a protocol's body never runs

    def run(self, spec: Spec, api: ApiClient) -> Output:
        """Run it.

        Raises:
            StepError: it failed; `applied` says whether anything was changed.
        """
        ...  # pragma: no cover - a protocol's body never runs


def load_operation(name: str) -> Operation:
    """Import an operation; only the one that runs, since each import takes time.

    Raises:
        ConfigError: there is none of this name.
    """
    if name not in SUMMARIES:
        raise ConfigError(
            f"There is no operation {name!r}.",
            fix=f"Name one of: {', '.join(SUMMARIES)}.",
        )
    operation: Operation = import_module(f"operations.{name}").OPERATION
    return operation


def describe_operations() -> list[OperationHelp]:
    """Return what the help text says about the operations."""
    return [_describe(name, summary) for name, summary in SUMMARIES.items()]


def _describe(name: str, summary: str) -> OperationHelp:
    from process.operation_help import OperationHelp  # noqa: PLC0415  only for --help
    from spec.schema import load_spec_schema  # noqa: PLC0415  likewise

    operation = load_operation(name)
    variables = load_spec_schema(operation.schema_folder).variables.items()
    inputs = {
        variable: f"`{'.'.join(path)}`{' (YAML or JSON)' if is_document else ''}"
        for variable, (path, is_document) in variables
    }
    return OperationHelp(name, summary, operation.outputs.results, inputs)


def connection_problems(coerced: CoercedSpec) -> Iterator[Problem]:
    """Yield what does not fit the connection: a host, or a request's page in another account."""
    connection = coerced.spec.get("connection")
    if not isinstance(connection, dict) or not isinstance(connection.get("host"), str):
        return
    text = connection["host"]
    try:
        host = parse_host(text)
    except ValueError as error:  # a password in it is not shown
        shown = repr(text) if len(text) < _MAX_SHOWN - 1 else f"str of {len(text)} characters"
        wrong = str(error) if "@" in text else f"is {shown}, which {error}"
        yield Problem("connection.host", wrong)
        return
    account = str(connection.get("account", ""))
    for path, page_host in coerced.page_hosts.items():
        if not host.has_pages_at(page_host, account):
            yield Problem(path, *_other_pages(page_host, host.html_address(account), account))


def _other_pages(given: str, own: str, account: str) -> tuple[str, str]:
    """Return why an address is not of the connection's account, and what to do."""
    wrong = (
        f"is the address of a page at {given}, but those of the connection's account {account!r}"
    )
    hint = (
        "Correct the connection's account or host, or give the number of a request that this "
        "connection reaches."
    )
    return f"{wrong} are at {own}", hint
