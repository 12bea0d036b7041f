"""One HTTP service on a loopback port of its own: it records calls and applies faults."""

from __future__ import annotations

import asyncio
import gzip
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.calls import CallLog, RecordedCall, name_of
from sandbox.faults.context import FaultContext, body_of

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from aiohttp.typedefs import Handler

    from sandbox.clock import Clock
    from sandbox.faults import FaultSchedule, Rule

HOST = "127.0.0.1"

_BACKLOG = 128
_SHUTDOWN_TIMEOUT = 0.02  # seconds for calls in progress; 0 means no limit to aiohttp
_ITERATIONS = 16  # of the event loop; it takes 4 until aiohttp knows an accepted connection
_UNLIMITED = 0  # aiohttp's value for a body of any size: the services have their own limits


@dataclass
class State:
    """What the services of one sandbox share.

    Attributes:
        log: The record of all calls.
        schedule: The faults that are still to be applied.
        services: The service that responds to a call, by the call's name.
    """

    log: CallLog
    schedule: FaultSchedule
    services: dict[str, Service] = field(default_factory=dict)

    def close_port(self, rule: Rule) -> None:
        """Close the port of a `refused` rule, and open it again after the rule's delay."""
        service = self.services.get(rule.call)
        if service is None:
            return
        service.close_port()
        if rule.seconds is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(rule.seconds, lambda: loop.create_task(service.open_port()))


@dataclass(frozen=True)
class ServicePolicy:
    """How a service responds.

    Attributes:
        clock: The service's clock.
        error_response: Creates an error response in the service's format, from request, status
            and text.
        unauthorized: Returns the response to a caller without access; None if it has access.
        keep_alive: Whether a connection may carry several calls.
        compress: Whether responses are compressed for callers that accept it.
        add_headers: Adds the headers that every response of the service has.
    """

    clock: Clock
    error_response: Callable[[web.Request, int, str], web.Response]
    unauthorized: Callable[[web.Request], web.Response | None]
    keep_alive: bool = True
    compress: bool = False
    add_headers: Callable[[web.Request, web.Response], web.Response] = lambda _, response: response


class Service:
    """A service on `127.0.0.1`.

    Args:
        name: `metadata`, `4me` or `s3`.
        routes: Its routes.
        policy: How it responds.
        state: What it shares with the others.
        port: Its port; 0 for a free one.
        tls: Speaks TLS with this context; None for plain HTTP.
    """

    def __init__(
        self,
        name: str,
        routes: list[web.RouteDef],
        policy: ServicePolicy,
        state: State,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._name = name
        self._policy = policy
        self._state = state
        self._tls = tls
        self._closing = False
        self._reservation: socket.socket | None = None
        self.port = port
        self._server: asyncio.Server | None = None
        app = web.Application(middlewares=[self._handle], client_max_size=_UNLIMITED)
        app.add_routes(routes)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT)

    @property
    def url(self) -> str:
        """The address of the service, such as `http://127.0.0.1:40123`."""
        return f"{'https' if self._tls else 'http'}://{HOST}:{self.port}"

    async def start(self) -> None:
        """Reserve a port, and listen.

        Raises:
            OSError: The port is in use.
        """
        # Keeps other processes from getting the port while the service does not listen.
        self._reservation = _bound(self.port)
        self.port = self._reservation.getsockname()[1]
        await self._runner.setup()
        await self.open_port()

    async def stop(self) -> None:
        """Close all connections and release the port."""
        self._stop_listening()
        await receive_all()
        await self._runner.cleanup()
        if self._reservation is not None:
            self._reservation.close()

    async def open_port(self) -> None:
        """Listen, unless the service listens already."""
        if self._server is not None or self._runner.server is None:
            return
        self._closing = False
        self._server = await asyncio.get_running_loop().create_server(
            self._runner.server, sock=_bound(self.port), ssl=self._tls, backlog=_BACKLOG
        )

    def close_port(self) -> None:
        """Refuse connections from now on; those that are idle are closed."""
        self._closing = True
        self._stop_listening()
        server = self._runner.server
        for connection in server.connections if server is not None else []:
            if connection.transport is not None and not _is_busy(connection):
                connection.transport.close()

    def _stop_listening(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    @web.middleware
    async def _handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await self._serve(request, handler)
        except (ConnectionError, web.RequestPayloadError):
            return web.Response()  # the client has disconnected: this is not sent

    async def _serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        name = name_of(self._name, request.method, path)
        body = b"" if name == "upload" else await request.read()
        rule = self._state.schedule.take(name)
        headers = {key.lower(): value for key, value in request.headers.items()}
        fault = None if rule is None else rule.text
        number = self._state.log.add(
            RecordedCall(name, self._name, request.method, path, query, headers, body, fault)
        )
        # Closed before the response is sent: its receiver could be faster than what follows.
        refused = self._state.schedule.refused_next(name, rule)
        if refused is not None:
            self._state.close_port(refused)
        try:
            response = await self._apply_fault(request, handler, rule, number)
        finally:
            self._state.log.end(number)
        if response is None:
            return web.Response()  # no connection is left to send it on
        self._state.log.set_status(number, response.status)
        return self._finalize(request, response)

    async def _apply_fault(
        self, request: web.Request, handler: Handler, rule: Rule | None, number: int
    ) -> web.StreamResponse | None:
        async def process() -> web.Response:
            return self._policy.add_headers(request, await self._respond(request, handler))

        if rule is None or rule.fault.effect is None:
            return await process()
        context = FaultContext(
            request=request,
            process=process,
            error_response=lambda status, text: self._error(request, status, text),
            record_status=lambda status: self._state.log.set_status(number, status),
            clock=self._policy.clock,
            seconds=rule.seconds,
            date=rule.date,
            streamed=rule.call == "upload",
        )
        return await rule.fault.effect(context)

    async def _respond(self, request: web.Request, handler: Handler) -> web.Response:
        unauthorized = self._policy.unauthorized(request)
        if unauthorized is not None:
            return unauthorized
        try:
            response = await handler(request)
        except web.HTTPException as error:
            return self._policy.error_response(request, error.status, "")
        if not isinstance(response, web.Response):
            raise TypeError("a handler must return a complete response")
        return response

    def _error(self, request: web.Request, status: int, text: str) -> web.Response:
        return self._policy.add_headers(request, self._policy.error_response(request, status, text))

    def _finalize(self, request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
        if response.prepared:
            return response
        if self._closing or not self._policy.keep_alive:
            response.force_close()
        accepted = request.headers.get("Accept-Encoding", "")
        if self._policy.compress and isinstance(response, web.Response) and "gzip" in accepted:
            response.body = gzip.compress(body_of(response), compresslevel=1, mtime=0)
            response.headers["Content-Encoding"] = "gzip"
        return response


async def receive_all() -> None:
    """Receive what has arrived: accept its connections, and begin to handle its calls."""
    for _ in range(_ITERATIONS):
        await asyncio.sleep(0)


def _bound(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # So that the listening socket can bind the reserved port.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)  # noqa: FBT003 - the signature is the standard library's
    return sock


def _is_busy(connection: web.RequestHandler) -> bool:
    return connection._current_request is not None  # noqa: SLF001 - aiohttp has no public name for it
