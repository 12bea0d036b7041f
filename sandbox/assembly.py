"""Puts the services of a sandbox together."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.calls import FOURME, METADATA, S3, CallLog
from sandbox.clock import Clock
from sandbox.faults.rules import TLS, Plan
from sandbox.fourme import api, uploads
from sandbox.fourme.api import FourMe
from sandbox.fourme.uploads import Limits, Storage
from sandbox.relay import metadata
from sandbox.service import HOST, Hub, Manners, Service

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from sandbox.faults.rules import Rule
    from sandbox.fourme.listing import Order
    from sandbox.fourme.store import Store
    from sandbox.fourme.uploads import Provider
    from sandbox.relay.metadata import Metadata

#: The calls that go to the metadata service; all others go to 4me.
METADATA_CALLS = ("spec", "output", "link")
_FOURME_CALLS = ("storage", "patch", "verification", "read")
_ATTACHMENTS = ("note_attachments", "internal_note_attachments", "custom_fields_attachments")
_SOURCES = {"content", "content_base64", "path"}
_SIZE_LIMIT = 20 * 1024 * 1024  # bytes, where neither options nor data say anything


@dataclass(frozen=True)
class FourMeOptions:
    """How the 4me API is served.

    Attributes:
        data: The content of a data file; None for the packaged sample.
        path: The file to write the data to after every change; None keeps it in memory.
        storage: The flavour of the attachment storage, `s3` or `local`.
        size_limit: The largest upload, in bytes; None for what the data says.
        allowed_extensions: Without dots, empty for all; None for what the data says.
        port: The port; 0 for a free one.
        uploads: The folder that keeps uploaded files; None for one that is removed at the end.
        history: How many old notes every request has, on top of the data's.
        notes_order: `asked` lists notes as the caller asks; `ascending` and `descending` are a
            server that ignores `sort`.
        rewrite_note: What becomes of a note's text as it is stored; None keeps it.
        policy_seconds: How long an upload may be made after it was granted.
    """

    data: dict[str, object] | None = None
    path: Path | None = None
    storage: Provider = "s3"
    size_limit: int | None = None
    allowed_extensions: tuple[str, ...] | None = None
    port: int = 0
    uploads: Path | None = None
    history: int = 0
    notes_order: Order = "asked"
    rewrite_note: Callable[[str], str] | None = None
    policy_seconds: float = 3600.0


@dataclass(frozen=True)
class Assembly:
    """The services of a sandbox, by name, and what they share."""

    services: Mapping[str, Service]
    hub: Hub
    storage: Storage | None = None

    async def start(self) -> None:
        """Start every service; close the ports that are to be refused from the start."""
        for service in self.services.values():
            await service.start()
        for rule in self.hub.plan.refused_first():
            self.hub.close_port(rule)

    async def stop(self) -> None:
        """Stop every service, and remove uploaded files."""
        for service in self.services.values():
            await service.stop()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self.storage is not None:
            self.storage.close()


class Assembler:
    """Puts the services together.

    Args:
        relay: The metadata service's state.
        port: The metadata service's port; 0 for a free one.
        log: Where calls are recorded.
        rules: The faults.
        spec: The spec, as far as it is known: it decides which call is the first on a port.
    """

    def __init__(
        self, relay: Metadata, port: int, log: CallLog, rules: Sequence[Rule], spec: object
    ) -> None:
        self._relay = relay
        self._port = port
        self._log = log
        self._rules = rules
        self._uploads = _files_to_upload(spec)

    def metadata_only(self) -> Assembly:
        """Return the metadata service alone."""
        hub = Hub(self._log, Plan(self._rules, ("spec",)))
        return Assembly(self._metadata(hub), hub)

    def with_fourme(self, options: FourMeOptions, store: Store, clock: Clock) -> Assembly:
        """Return the metadata service and the 4me API, with its storage."""
        limits = _limits(options, store)
        storage = Storage(
            options.storage, store, clock, limits, options.uploads, options.policy_seconds
        )
        first = ["spec", "storage"]
        first += ["upload"] if options.storage == "s3" else []
        first += [] if self._uploads else ["patch"]
        hub = Hub(self._log, Plan(self._rules, first, self._uploads))
        services = {**self._metadata(hub), **self._fourme(hub, storage, options, clock)}
        return Assembly(services, hub, storage)

    def _metadata(self, hub: Hub) -> dict[str, Service]:
        manners = Manners(
            clock=Clock(),
            finish=metadata.finish,
            error=metadata.error_answer,
            refuse=self._relay.refuse,
            keep_alive=False,
        )
        routes = self._relay.routes()
        tls = self._tls(METADATA_CALLS)
        service = Service(METADATA, routes, manners, hub, port=self._port, tls=tls)
        hub.services.update(dict.fromkeys(METADATA_CALLS, service))
        return {METADATA: service}

    def _fourme(
        self, hub: Hub, storage: Storage, options: FourMeOptions, clock: Clock
    ) -> dict[str, Service]:
        is_s3 = storage.provider == "s3"
        calls = _FOURME_CALLS if is_s3 else (*_FOURME_CALLS, "upload")
        services: dict[str, Service] = {}

        def upload_uri() -> str:
            return f"{services[S3].url}/s3/" if is_s3 else f"{services[FOURME].url}/v1/attachments"

        handlers = FourMe(storage.store, storage, clock, upload_uri, options.notes_order)
        manners = Manners(
            clock=clock,
            finish=handlers.finish,
            error=api.error_answer,
            refuse=handlers.refuse,
            compress=True,
        )
        services[FOURME] = Service(
            FOURME, handlers.routes(), manners, hub, port=options.port, tls=self._tls(calls)
        )
        hub.services.update(dict.fromkeys(calls, services[FOURME]))
        if is_s3:
            services[S3] = self._s3(hub, storage)
            hub.services["upload"] = services[S3]
        return services

    def _s3(self, hub: Hub, storage: Storage) -> Service:
        manners = Manners(
            clock=storage.clock,
            finish=metadata.finish,
            error=uploads.s3_error_answer,
            refuse=lambda _request: None,
        )
        routes = uploads.S3(storage).routes()
        return Service(S3, routes, manners, hub, tls=self._tls(("upload",)))

    def _tls(self, calls: Sequence[str]) -> ssl.SSLContext | None:
        """Return a context with a certificate that nobody trusts, where a rule asks for it."""
        if not any(rule.fault.name == TLS and rule.call in calls for rule in self._rules):
            return None
        import trustme  # noqa: PLC0415 - only this fault needs it

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        trustme.CA().issue_cert(HOST).configure_cert(context)
        return context


def _limits(options: FourMeOptions, store: Store) -> Limits:
    size, extensions = store.limits
    return Limits(
        size=next(limit for limit in (options.size_limit, size, _SIZE_LIMIT) if limit is not None),
        extensions=extensions if options.allowed_extensions is None else options.allowed_extensions,
    )


def _files_to_upload(spec: object) -> int:
    """Return how many files a step with this spec uploads before its patch."""
    request = spec.get("request") if isinstance(spec, dict) else None
    if not isinstance(request, dict):
        return 0
    items: list[object] = []
    for name in _ATTACHMENTS:
        value = request.get(name)
        items.extend(value if isinstance(value, list) else [value])
    return sum(1 for item in items if isinstance(item, dict) and _SOURCES & set(item))
