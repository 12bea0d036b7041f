"""One HTTP service on a loopback port of its own: it records calls and lets faults happen."""

from __future__ import annotations

import asyncio
import gzip
import socket
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.calls import Call, CallLog, name_of
from sandbox.faults.effects import Exchange

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

    from aiohttp.typedefs import Handler

    from sandbox.clock import Clock
    from sandbox.faults.rules import Plan, Rule

HOST = "127.0.0.1"

_BACKLOG = 128
_GRACE = 0.02  # seconds for calls under way when the service stops; aiohttp takes 0 for no limit
_ACCEPTING = 4  # turns of the loop until a connection that was just accepted is known
_UNLIMITED = 0  # aiohttp's word for a body of any size: limits are the services' own affair


@dataclass
class Hub:
    """What the services of one sandbox share.

    Attributes:
        log: The record of all calls.
        plan: The faults that are to come.
        services: The service that answers a call, by the call's name.
    """

    log: CallLog
    plan: Plan
    services: dict[str, Service] = field(default_factory=dict)

    def close_port(self, rule: Rule) -> None:
        """Close the port that a `refused` rule is about, and open it again when it says so."""
        service = self.services.get(rule.call)
        if service is None:
            return
        service.close_port()
        if rule.seconds is not None:
            loop = asyncio.get_running_loop()
            loop.call_later(rule.seconds, lambda: loop.create_task(service.open_port()))


@dataclass(frozen=True)
class Manners:
    """How a service answers.

    Attributes:
        clock: The service's clock.
        finish: Adds what every answer of the service has; may return another answer.
        error: Makes an error answer in the service's form, from request, status and text.
        refuse: Returns the answer to a caller that is not let in; None lets it in.
        keep_alive: Whether a connection may carry several calls.
        compress: Whether answers are compressed for callers that accept it.
    """

    clock: Clock
    finish: Callable[[web.Request, web.Response], web.Response]
    error: Callable[[web.Request, int, str], web.Response]
    refuse: Callable[[web.Request], web.Response | None]
    keep_alive: bool = True
    compress: bool = False


class Service:
    """A service on `127.0.0.1`.

    Args:
        name: `metadata`, `4me` or `s3`.
        routes: What it answers.
        manners: How it answers.
        hub: What it shares with the others.
        port: Its port; 0 for a free one.
        tls: Speaks TLS with this context; None for plain HTTP.
    """

    def __init__(
        self,
        name: str,
        routes: list[web.RouteDef],
        manners: Manners,
        hub: Hub,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._name = name
        self._manners = manners
        self._hub = hub
        self._tls = tls
        self._closing = False
        self._holder: socket.socket | None = None
        self.port = port
        self._server: asyncio.Server | None = None
        app = web.Application(middlewares=[self._handle], client_max_size=_UNLIMITED)
        app.add_routes(routes)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE)

    @property
    def url(self) -> str:
        """The address of the service, such as `http://127.0.0.1:40123`."""
        return f"{'https' if self._tls else 'http'}://{HOST}:{self.port}"

    async def start(self) -> None:
        """Take a port, and listen.

        Raises:
            OSError: The port is taken.
        """
        # Holds the port while it is not listened on, so that nobody else is given it.
        self._holder = _bound(self.port)
        self.port = self._holder.getsockname()[1]
        await self._runner.setup()
        await self.open_port()

    async def stop(self) -> None:
        """Drop all connections and give the port back."""
        self._stop_listening()
        for _ in range(_ACCEPTING):
            await asyncio.sleep(0)
        await self._runner.cleanup()
        if self._holder is not None:
            self._holder.close()

    async def open_port(self) -> None:
        """Listen, unless it does already."""
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
            return web.Response()  # the caller has gone: this goes nowhere

    async def _serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        path, _, query = request.raw_path.partition("?")
        name = name_of(self._name, request.method, path)
        body = b"" if name == "upload" else await request.read()
        rule = self._hub.plan.take(name)
        headers = {key.lower(): value for key, value in request.headers.items()}
        fault = None if rule is None else rule.text
        number = self._hub.log.add(
            Call(name, self._name, request.method, path, query, headers, body, fault)
        )
        # Closed before the answer is out: its receiver could be faster than what follows it.
        closes = self._hub.plan.refused_after(name, rule)
        if closes is not None:
            self._hub.close_port(closes)
        answer = await self._let_happen(request, handler, rule, number)
        if answer is None:
            return web.Response()  # there is no connection left to send it on
        self._hub.log.answered(number, answer.status)
        return self._dress(request, answer)

    async def _let_happen(
        self, request: web.Request, handler: Handler, rule: Rule | None, number: int
    ) -> web.StreamResponse | None:
        async def process() -> web.Response:
            return self._manners.finish(request, await self._answer(request, handler))

        if rule is None or rule.fault.effect is None:
            return await process()
        exchange = Exchange(
            request=request,
            process=process,
            error=lambda status, text: self._error(request, status, text),
            sent=lambda status: self._hub.log.answered(number, status),
            clock=self._manners.clock,
            seconds=rule.seconds,
            date=rule.date,
            streamed=rule.call == "upload",
        )
        return await rule.fault.effect(exchange)

    async def _answer(self, request: web.Request, handler: Handler) -> web.Response:
        refused = self._manners.refuse(request)
        if refused is not None:
            return refused
        try:
            answer = await handler(request)
        except web.HTTPException as error:
            return self._manners.error(request, error.status, "")
        if not isinstance(answer, web.Response):
            raise TypeError("a service answers with whole responses")
        return answer

    def _error(self, request: web.Request, status: int, text: str) -> web.Response:
        return self._manners.finish(request, self._manners.error(request, status, text))

    def _dress(self, request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
        if answer.prepared:
            return answer
        if self._closing or not self._manners.keep_alive:
            answer.force_close()
        accepted = request.headers.get("Accept-Encoding", "")
        if self._manners.compress and isinstance(answer, web.Response) and "gzip" in accepted:
            answer.body = gzip.compress(_bytes(answer), compresslevel=1, mtime=0)
            answer.headers["Content-Encoding"] = "gzip"
        return answer


def _bytes(answer: web.Response) -> bytes:
    return answer.body if isinstance(answer.body, bytes) else b""


def _bound(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    # Lets the listening socket have the port that its holder is bound to.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)  # noqa: FBT003 - the signature is the standard library's
    return sock


def _is_busy(connection: web.RequestHandler) -> bool:
    return connection._current_request is not None  # noqa: SLF001 - aiohttp has no public word for it
