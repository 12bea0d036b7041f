"""Creates the services of a sandbox, and starts and stops them together."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.calls import FOURME, METADATA, S3, CallLog
from sandbox.clock import Clock
from sandbox.expected_calls import reading_calls, upload_count
from sandbox.faults import TLS, FaultSchedule
from sandbox.fourme import api, s3
from sandbox.fourme.uploads import AttachmentStorage, UploadLimits
from sandbox.http_service import HOST, Service, ServicePolicy, State
from sandbox.proxy import BlockingProxy
from sandbox.relay import metadata

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.faults import Rule
    from sandbox.fourme.store import Store
    from sandbox.options import FourMeOptions
    from sandbox.relay.metadata import MetadataService

#: The calls that go to the metadata service; all others go to 4me.
METADATA_CALLS = ("spec", "output", "link")
_FOURME_CALLS = ("search", "storage", "patch", "verification", "linked", "read")
_MAX_SIZE = 20 * 1024 * 1024  # bytes, unless the options or the data have a limit


@dataclass(frozen=True)
class ServiceGroup:
    """The services of a sandbox, by name, and what they share.

    Attributes:
        services: The services, by name.
        state: What they share.
        storage: The attachment storage; None if the 4me API is not served.
        proxy: The proxy for calls to other machines; None if the 4me API is not served.
    """

    services: Mapping[str, Service]
    state: State
    storage: AttachmentStorage | None = None
    proxy: BlockingProxy | None = None

    async def start(self) -> None:
        """Start every service; close the ports that are refused from the start."""
        for service in self.services.values():
            await service.start()
        if self.proxy is not None:
            await self.proxy.start()
        for rule in self.state.schedule.initially_refused():
            self.state.close_port(rule)

    async def end_faults(self) -> None:
        """Remove the rules that are left, and open all ports."""
        self.state.schedule.clear()
        for service in self.services.values():
            await service.open_port()

    async def stop(self) -> None:
        """Stop every service, and remove uploaded files."""
        for service in self.services.values():
            await service.stop()
        if self.proxy is not None:
            await self.proxy.stop()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.storage is not None:
            self.storage.close()


class ServiceFactory:
    """Creates the services.

    Args:
        relay: The metadata service's handlers.
        port: The metadata service's port; 0 for a free one.
        log: Where calls are recorded.
        rules: The faults.
        spec: The spec, as far as it is known: it decides which call is the first on a port.
    """

    def __init__(
        self, relay: MetadataService, port: int, log: CallLog, rules: Sequence[Rule], spec: object
    ) -> None:
        self._relay = relay
        self._port = port
        self._log = log
        self._rules = rules
        self._uploads = upload_count(spec)
        self._reads = reading_calls(spec)

    def metadata_only(self) -> ServiceGroup:
        """Return the metadata service alone."""
        state = State(self._log, FaultSchedule(self._rules, ("spec",)))
        return ServiceGroup(self._metadata(state), state)

    def with_fourme(self, options: FourMeOptions, store: Store, clock: Clock) -> ServiceGroup:
        """Return the metadata service and the 4me API, with its storage."""
        limits = _limits(options, store)
        storage = AttachmentStorage(
            options.storage, store, clock, limits, options.uploads, options.policy_seconds
        )
        first_calls = ["spec", *(self._reads[:1] or ["storage"])]
        first_calls += ["upload"] if options.storage == "s3" else []
        first_calls += [] if self._uploads or self._reads else ["patch"]
        schedule = FaultSchedule(self._rules, first_calls, self._uploads, self._reads)
        state = State(self._log, schedule)
        services = {**self._metadata(state), **self._fourme(state, storage, options, clock)}
        return ServiceGroup(services, state, storage, BlockingProxy())

    def _metadata(self, state: State) -> dict[str, Service]:
        policy = ServicePolicy(
            clock=Clock(),
            error_response=metadata.error_response,
            unauthorized=self._relay.unauthorized,
            keep_alive=False,
        )
        routes = self._relay.routes()
        tls = self._tls(METADATA_CALLS)
        service = Service(METADATA, routes, policy, state, port=self._port, tls=tls)
        state.services.update(dict.fromkeys(METADATA_CALLS, service))
        return {METADATA: service}

    def _fourme(
        self, state: State, storage: AttachmentStorage, options: FourMeOptions, clock: Clock
    ) -> dict[str, Service]:
        is_s3 = storage.provider == "s3"
        calls = _FOURME_CALLS if is_s3 else (*_FOURME_CALLS, "upload")
        services: dict[str, Service] = {}

        def upload_uri() -> str:
            return f"{services[S3].url}/s3/" if is_s3 else f"{services[FOURME].url}/v1/attachments"

        handlers = api.FourMeApi(storage.store, storage, clock, upload_uri, options)
        policy = ServicePolicy(
            clock=clock,
            add_headers=handlers.add_headers,
            error_response=api.error_response,
            unauthorized=handlers.unauthorized,
            compress=True,
        )
        services[FOURME] = Service(
            FOURME, handlers.routes(), policy, state, port=options.port, tls=self._tls(calls)
        )
        state.services.update(dict.fromkeys(calls, services[FOURME]))
        if is_s3:
            services[S3] = self._s3(state, storage)
            state.services["upload"] = services[S3]
        return services

    def _s3(self, state: State, storage: AttachmentStorage) -> Service:
        policy = ServicePolicy(
            clock=storage.clock,
            error_response=s3.error_response,
            unauthorized=lambda _request: None,
        )
        routes = s3.S3Api(storage).routes()
        return Service(S3, routes, policy, state, tls=self._tls(("upload",)))

    def _tls(self, calls: Sequence[str]) -> ssl.SSLContext | None:
        """Return a context with an untrusted certificate if a rule asks for it."""
        if not any(rule.fault.name == TLS and rule.call in calls for rule in self._rules):
            return None
        import trustme  # noqa: PLC0415 - only this fault needs it

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert(HOST).configure_cert(context)
        return context


def _limits(options: FourMeOptions, store: Store) -> UploadLimits:
    size, extensions = store.limits
    return UploadLimits(
        size=next(limit for limit in (options.size_limit, size, _MAX_SIZE) if limit is not None),
        extensions=extensions if options.allowed_extensions is None else options.allowed_extensions,
    )
