"""Where a spec comes from and an output goes.

Each engine is a module with a class that fulfils `Engine`; `choose_engine` picks one from the
environment. The step itself does not know which one it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from engines.relay import RelayEngine
from fourme.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourme.transport import Transport


@dataclass(frozen=True)
class Output:
    """What a run publishes.

    Attributes:
        request: the full request object, with `request_id`.
        page: the address of its page in the 4me user interface.
    """

    request: Mapping[str, Any]
    page: str


class Engine(Protocol):
    """A workflow engine, as the step sees it."""

    def read_spec(self) -> object:
        """Return the spec: JSON values, and bytes where it holds base64.

        Raises:
            ConfigError: there is no way to a spec, or the engine refuses to give it.
            TryLaterError: the engine cannot be reached for now.
        """
        ...  # pragma: no cover - a protocol's body never runs

    def publish(self, output: Output) -> None:
        """Hand over the output.

        Raises:
            OutputError: it could not be published; the request has been updated.
        """
        ...  # pragma: no cover - a protocol's body never runs


def choose_engine(environ: Mapping[str, str], transport: Transport) -> Engine:
    """Return the engine that the environment speaks of.

    Raises:
        ConfigError: it speaks of none, or of one that does not make sense.
    """
    url = environ.get("METADATA_API_URL", "").strip()
    if not url:
        raise ConfigError(
            "There is no spec to read: the environment variable METADATA_API_URL is not set.",
            usually="the container was started by hand; in a workflow, Relay sets the variable",
            todo="To try the step on this machine: python -m sandbox --fourme "
            "--input examples/update-request.yaml -- python step.py",
        )
    return RelayEngine(url, transport)
