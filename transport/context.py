"""What all calls of a run share: limits, clock, trusted certificates."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from process.errors import ConfigError
from process.logs import quote
from process.signals import terminated_error

if TYPE_CHECKING:
    from process.clock import Clock
    from process.settings import Settings


class RunContext(NamedTuple):
    """The limits and the clock of a run."""

    settings: Settings
    clock: Clock

    @property
    def timeout(self) -> tuple[float, float]:
        """The limits for connecting and for silence, as requests takes them."""
        return (self.settings.connect_timeout, self.settings.read_timeout)

    def raise_if_terminated(self) -> None:
        """Stop before an update when SIGTERM has come.

        Raises:
            TerminatedError: it has come.
        """
        if self.clock.terminated:
            raise terminated_error()

    @property
    def max_attempt_time(self) -> float:
        """The limit for one attempt as a whole: to connect, to wait for the answer, to read it."""
        return self.settings.connect_timeout + 2 * self.settings.read_timeout

    @property
    def verify(self) -> bool | str:
        """What requests checks certificates against.

        Raises:
            ConfigError: the CA bundle that the environment names cannot be read.
        """
        bundle = self.settings.ca_bundle
        if bundle is None:
            return True
        try:
            if os.path.isdir(bundle):  # noqa: PTH112  pathlib costs start-up time
                os.listdir(bundle)  # noqa: PTH208  likewise
            else:
                with open(bundle, "rb") as file:  # noqa: PTH123  likewise
                    file.read(1)
        except OSError as error:
            raise ConfigError(
                f"REQUESTS_CA_BUNDLE names {quote(bundle)}, which cannot be read: "
                f"{error.strerror}.",
                fix="Mount the PEM file with your CA there, readable for the step's user, or "
                "leave the variable out.",
            ) from error
        return bundle
