"""`Sandbox`: starts the services of a document together, and tells what they received."""

from __future__ import annotations

import secrets
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from sandbox.calls import FOURME, METADATA, CallLog, RecordedCall
from sandbox.clock import Clock
from sandbox.event_loop import EventLoopThread
from sandbox.faults import FaultError
from sandbox.faults import parse as parse_rule
from sandbox.fourme.store import Store
from sandbox.http_service import receive_all
from sandbox.options import FourMeOptions
from sandbox.relay import connections
from sandbox.relay.document import FOURME_HOST
from sandbox.relay.metadata import MetadataService
from sandbox.service_factory import METADATA_CALLS, ServiceFactory

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType

    from sandbox.faults import Rule
    from sandbox.relay.document import Document


class Sandbox:
    """Relay's metadata service and, optionally, 4me's API, on loopback.

    A context manager: the services run from entering to leaving it. Several can run at once.

    Args:
        document: The input document.
        run: Which run is served.
        step: Which of its steps is served.
        fourme: How the 4me API is served; None if it is not.
        faults: Rules such as `patch=503:2`, as text or parsed.
        clock_skew: Seconds that 4me's clock is ahead.
        port: The metadata service's port; 0 for a free one.

    Raises:
        DocumentError: There is no such run or step.
        ExpressionError: The spec has an expression that the sandbox does not support.
        FaultError: A rule is invalid, or about the 4me API, which is not served.
        OSError: A port is in use (on entering).
    """

    def __init__(  # noqa: PLR0913 - each is a separate, named choice
        self,
        document: Document,
        run: str = "1",
        step: str = "default",
        *,
        fourme: FourMeOptions | None = None,
        faults: Iterable[str | Rule] = (),
        clock_skew: float = 0.0,
        port: int = 0,
    ) -> None:
        self.metadata_token = secrets.token_urlsafe(24)
        self._metadata = MetadataService(document, run, step, self.metadata_token)
        rules = [parse_rule(rule) if isinstance(rule, str) else rule for rule in faults]
        _check_served(rules, fourme)
        clock = Clock(clock_skew)
        self._log = CallLog()
        factory = ServiceFactory(
            self._metadata, port, self._log, rules, self._metadata.spec().value
        )
        options = fourme or FourMeOptions()
        self.store = Store(
            options.data,
            options.path,
            clock,
            history=options.history,
            rewrite_note=options.rewrite_note,
            ignored_fields=options.ignored_fields,
        )
        self._group = (
            factory.metadata_only()
            if fourme is None
            else factory.with_fourme(options, self.store, clock)
        )
        self._loop: EventLoopThread
        self._cleanup = ExitStack()

    @property
    def metadata_url(self) -> str:
        """The value of `METADATA_API_URL`, token included."""
        scheme, _, address = self._group.services[METADATA].url.partition("://")
        return f"{scheme}://:{self.metadata_token}@{address}"

    @property
    def fourme_url(self) -> str:
        """The address of the 4me API, such as `http://127.0.0.1:40123`.

        Raises:
            LookupError: It is not served.
        """
        if FOURME not in self._group.services:
            raise LookupError("the sandbox was started without the 4me API")
        return self._group.services[FOURME].url

    @property
    def destination(self) -> str:
        """Where the step's calls to 4me go, for people."""
        return connections.describe_host(self._metadata.spec())

    @property
    def calls(self) -> list[RecordedCall]:
        """Every HTTP request that was received so far, in order, by all services."""
        return self._log.all()

    def calls_in_progress(self) -> list[RecordedCall]:
        """Return the calls that are still processed, or may be, though their client has gone.

        What a process has sent before its end is among them, even if it was not received yet.
        """
        self._loop.run(receive_all())
        return self._log.in_progress()

    def end_faults(self) -> None:
        """Let nothing fail from now on: remove the rules that are left, and open all ports."""
        self._loop.run(self._group.end_faults())

    @property
    def outputs(self) -> dict[str, object]:
        """What the step has published, by name."""
        return self._metadata.outputs

    @property
    def decorators(self) -> dict[str, object]:
        """The decorators that the step has set, by name."""
        return self._metadata.decorators

    def environment(self) -> dict[str, str]:
        """Return the environment variables that Relay sets for a step."""
        return {"METADATA_API_URL": self.metadata_url, "RELAY": "true", "CI": "true"}

    def proxy_environment(self) -> dict[str, str]:
        """Return the variables that block calls to other machines; empty without the 4me API."""
        proxy = self._group.proxy
        return {} if proxy is None else proxy.environment()

    def __enter__(self) -> Self:
        with ExitStack() as cleanup:
            loop = self._loop = cleanup.enter_context(EventLoopThread())
            cleanup.callback(lambda: loop.run(self._group.stop()))
            loop.run(self._group.start())
            if FOURME in self._group.services:
                self._metadata.use_fourme(self.fourme_url, FOURME_HOST)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._cleanup.close()


def _check_served(rules: Iterable[Rule], fourme: FourMeOptions | None) -> None:
    for rule in rules:
        if fourme is None and rule.call not in METADATA_CALLS:
            raise FaultError(
                f"{rule.call}={rule.text}: this call goes to the 4me API, which is not served; "
                "add --fourme"
            )
