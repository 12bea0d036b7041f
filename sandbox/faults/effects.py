"""What each fault does to a call, down to the socket."""

from __future__ import annotations

import asyncio
import base64
import binascii
import gzip
import socket
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sandbox.clock import Clock

#: How long a stalled call is held, in seconds, if its client does not go away.
STALL = 120.0
#: Seconds between two bytes of a trickling answer.
TRICKLE = 0.2
#: The length of the long line that a 500 holds, in characters.
LONG_LINE = 70_000
#: How deep a `deep` answer is nested: Python's own JSON reader gives up at about a thousand.
DEPTH = 900
#: What a truncated answer announces at least, in bytes: an empty body can't be cut.
ANNOUNCED = 64

#: Calls that are processed after their answer; the event loop itself keeps no hold of them.
_LATE: set[asyncio.Task[None]] = set()

_POLL = 0.005  # seconds between two looks at a client that should go away

_PAGE = (
    "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>"
    "\r\n<hr><center>{server}</center>\r\n</body>\r\n</html>\r\n<!-- {echo} -->\r\n"
)
_NGINX, _CLOUDFLARE, _PROXY = "nginx", "cloudflare", "proxy"

#: The statuses that come from what stands before the service, as a page; 502 was recorded, the
#: others are as the gateways' makers document them.
_GATEWAYS = {
    502: ("Bad Gateway", _NGINX),
    522: ("Connection timed out", _CLOUDFLARE),
    524: ("A timeout occurred", _CLOUDFLARE),
    598: ("Network read timeout error", _PROXY),
    599: ("Network connect timeout error", _PROXY),
}

_EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n"

_S3_ERROR = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    "<Error><Code>{code}</Code><Message>{message}</Message></Error>"
)


@dataclass(frozen=True)
class Exchange:
    """One call, as an effect sees it.

    Attributes:
        request: The request; its body has been read, unless it is an upload.
        process: Lets the service process the call; returns its answer, not compressed.
        error: Makes an error answer in the service's own form, from status and text.
        sent: To be told the status before an answer is written by the effect itself.
        clock: The service's clock.
        seconds: The parameter of the fault; None where none was given.
        date: Whether the parameter is told as an HTTP date.
        streamed: Whether the body is still to be read.
    """

    request: web.Request
    process: Callable[[], Awaitable[web.Response]]
    error: Callable[[int, str], web.Response]
    sent: Callable[[int], None]
    clock: Clock
    seconds: float | None
    date: bool
    streamed: bool


if TYPE_CHECKING:
    # Returns the answer to send, if it was not sent already; None where the connection is gone.
    Effect = Callable[[Exchange], Awaitable[web.StreamResponse | None]]


def status(code: int) -> Effect:
    """Return the effect of answering with an error without processing the call."""

    async def answer(exchange: Exchange) -> web.StreamResponse:
        return _error(exchange, code)

    return answer


def status_after(code: int) -> Effect:
    """Return the effect of processing the call and answering with an error."""

    async def answer(exchange: Exchange) -> web.StreamResponse:
        await exchange.process()
        return _error(exchange, code)

    return answer


async def bad_gateway_late(exchange: Exchange) -> web.StreamResponse:
    """Answer 502 at once, as a gateway may, and process the call some seconds later."""

    async def process() -> None:
        await asyncio.sleep(exchange.seconds or 0)
        await exchange.process()

    work = asyncio.get_running_loop().create_task(process())
    _LATE.add(work)
    work.add_done_callback(_LATE.discard)
    return _gateway_page(exchange, 502)


async def reset_before(exchange: Exchange) -> None:
    """Reset the connection; the call is not processed."""
    _reset(exchange)


async def reset_after(exchange: Exchange) -> None:
    """Process the call, then reset the connection."""
    await exchange.process()
    _reset(exchange)


async def stall_before(exchange: Exchange) -> None:
    """Never answer; the call is not processed."""
    await _client_gone(exchange.request)
    _reset(exchange)


async def stall_after(exchange: Exchange) -> None:
    """Process the call, but never answer."""
    await exchange.process()
    await stall_before(exchange)


async def late(exchange: Exchange) -> None:
    """Never answer; process the call once the client has gone away."""
    if exchange.streamed:
        # The body of an upload is lost with its client, so it has to be taken before.
        await stall_after(exchange)
        return
    await _client_gone(exchange.request)
    await exchange.process()
    _reset(exchange)


async def truncated(exchange: Exchange) -> web.StreamResponse:
    """Process the call, send half of the answer, and close the connection."""
    answer = await exchange.process()
    return await _cut(exchange, answer, _body(answer))


async def truncated_gzip(exchange: Exchange) -> web.StreamResponse:
    """Process the call, send half of the compressed answer, and close the connection."""
    answer = await exchange.process()
    answer.headers["Content-Encoding"] = "gzip"
    return await _cut(exchange, answer, gzip.compress(_body(answer), mtime=0))


async def trickle(exchange: Exchange) -> web.StreamResponse:
    """Process the call and send the answer one byte at a time."""
    answer = await exchange.process()
    body = _body(answer)
    stream = await _begin(exchange, answer, len(body))
    for position in range(len(body)):
        await stream.write(body[position : position + 1])
        await asyncio.sleep(TRICKLE)
    return stream


async def slow(exchange: Exchange) -> web.StreamResponse:
    """Process the call, and answer after a while."""
    answer = await exchange.process()
    await asyncio.sleep(exchange.seconds or 0)
    return answer


async def none(exchange: Exchange) -> web.StreamResponse:
    """Process the call and answer, as if there were no rule."""
    return await exchange.process()


async def html(exchange: Exchange) -> web.StreamResponse:
    """Process the call and answer with a web page."""
    await exchange.process()
    page = f"<!DOCTYPE html>\n<title>Sign in</title>\n<p>Sign in to go on. {_echo(exchange)}</p>\n"
    return web.Response(text=page, content_type="text/html")


async def invalid_json(exchange: Exchange) -> web.StreamResponse:
    """Process the call and answer with something that only claims to be JSON."""
    await exchange.process()
    return web.Response(text='{"id": 70384, "subject": ', content_type="application/json")


async def not_a_request(exchange: Exchange) -> web.StreamResponse:
    """Process the call and answer with JSON of the wrong kind."""
    await exchange.process()
    return web.Response(text="[70384]", content_type="application/json")


async def redirect(exchange: Exchange) -> web.StreamResponse:
    """Send the caller to another host; the call is not processed."""
    location = f"https://elsewhere.example{exchange.request.raw_path}"
    return web.Response(status=307, headers={"Location": location})


async def busy(exchange: Exchange) -> web.StreamResponse:
    """Answer a 500 that speaks of too many requests, as 4me's own connector expects it."""
    answer = exchange.error(429, "")
    answer.set_status(500)
    return _with_retry_after(exchange, answer)


async def early_hints(exchange: Exchange) -> web.StreamResponse:
    """Process the call, and send an interim answer before the final one, as RFC 8297 allows."""
    answer = await exchange.process()
    _write(exchange, _EARLY_HINTS)
    return answer


async def two_lengths(exchange: Exchange) -> None:
    """Process the call, and answer with two lengths that differ, which RFC 9112 forbids."""
    answer = await exchange.process()
    body = _body(answer)
    lengths = [("Content-Length", str(len(body) + more)) for more in (0, 1)]
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
    lines += [f"{name}: {value}" for name, value in (*answer.headers.items(), *lengths)]
    exchange.sent(answer.status)
    _write(exchange, "\r\n".join([*lines, "", ""]).encode() + body)
    if exchange.request.transport is not None:
        exchange.request.transport.close()


async def deep(exchange: Exchange) -> web.StreamResponse:
    """Process the call, and nest something in its answer deeper than anybody needs."""
    answer = await exchange.process()
    text = _body(answer).decode()
    if answer.content_type != "application/json" or text[-1:] not in ("}", "]"):
        return answer
    start, end = text[:-1].rstrip(), text[-1]
    nested = "[" * DEPTH + "]" * DEPTH
    comma = "" if start in ("{", "[") else ", "
    member = f'"deep": {nested}' if end == "}" else nested
    answer.body = f"{start}{comma}{member}{end}".encode()
    return answer


async def s3_timeout(exchange: Exchange) -> web.StreamResponse:
    """Answer as S3 does when a body comes too slowly (documented); not processed."""
    message = "Your socket connection to the server was not read from or written to in time."
    return _s3_error(exchange, 400, "RequestTimeout", message)


async def s3_slow_down(exchange: Exchange) -> web.StreamResponse:
    """Answer as S3 does when it is asked too often (documented); not processed."""
    return _s3_error(exchange, 503, "SlowDown", "Please reduce your request rate.")


def _s3_error(exchange: Exchange, code: int, name: str, message: str) -> web.Response:
    answer = exchange.error(code, "")
    answer.text = _S3_ERROR.format(code=name, message=message)
    answer.content_type = "application/xml"
    return answer


def _write(exchange: Exchange, data: bytes) -> None:
    """Write bytes past the framework, which sends nothing but well-formed answers."""
    if exchange.request.transport is not None:
        exchange.request.transport.write(data)


def _error(exchange: Exchange, code: int) -> web.Response:
    echo = _echo(exchange)
    if code in _GATEWAYS:
        return _gateway_page(exchange, code)
    if code == 500:  # noqa: PLR2004 - a crash, whose page shows the trace
        echo += " " + "x" * LONG_LINE
    return _with_retry_after(exchange, exchange.error(code, echo))


def _gateway_page(exchange: Exchange, code: int) -> web.Response:
    reason, server = _GATEWAYS[code]
    page = _PAGE.format(title=f"{code} {reason}", server=server, echo=_echo(exchange))
    return web.Response(status=code, reason=reason, text=page, content_type="text/html")


def _with_retry_after(exchange: Exchange, answer: web.Response) -> web.Response:
    if exchange.seconds is None:
        return answer
    if exchange.date:
        answer.headers["Retry-After"] = exchange.clock.http_date(exchange.seconds)
    else:
        answer.headers["Retry-After"] = f"{exchange.seconds:g}"
    return answer


def _echo(exchange: Exchange) -> str:
    """Return what careless debug pages show: the caller's credentials, in colour."""
    headers = exchange.request.headers
    authorization = headers.get("Authorization", "none")
    account = headers.get("X-4me-Account") or headers.get("X-Xurrent-Account") or "none"
    kind, _, encoded = authorization.partition(" ")
    if kind.lower() == "basic":
        try:
            decoded = base64.b64decode(encoded, validate=True)
            authorization += f" ({decoded.decode('utf-8', 'replace')})"
        except binascii.Error:
            authorization += " (bad base64)"
    return f"\x1b[31mdebug\x1b[0m\rAuthorization: {authorization}; account: {account}"


def _reset(exchange: Exchange) -> None:
    transport = exchange.request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        # A lingering time of 0 makes the kernel send RST instead of FIN.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


async def _client_gone(request: web.Request) -> None:
    deadline = asyncio.get_running_loop().time() + STALL
    while asyncio.get_running_loop().time() < deadline:
        if request.transport is None or request.transport.is_closing():
            return
        await asyncio.sleep(_POLL)


async def _cut(exchange: Exchange, answer: web.Response, body: bytes) -> web.StreamResponse:
    stream = await _begin(exchange, answer, max(len(body), ANNOUNCED))
    await stream.write(body[: len(body) // 2])
    if exchange.request.transport is not None:
        exchange.request.transport.close()
    return stream


async def _begin(exchange: Exchange, answer: web.Response, length: int) -> web.StreamResponse:
    exchange.sent(answer.status)
    headers = answer.headers.copy()
    headers.popall("Content-Length", None)
    stream = web.StreamResponse(status=answer.status, headers=headers)
    stream.content_length = length
    await stream.prepare(exchange.request)
    return stream


def _body(answer: web.Response) -> bytes:
    return answer.body if isinstance(answer.body, bytes) else b""
