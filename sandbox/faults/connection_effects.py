"""Effects on the connection: resets, timeouts, delays and incomplete responses."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.faults.context import body_of

if TYPE_CHECKING:
    from sandbox.faults.context import FaultContext

#: How long a stalled call is held, in seconds, unless its client disconnects.
STALL = 120.0
#: Seconds between two bytes of a trickling response.
TRICKLE = 0.2
#: The least Content-Length of a truncated response: an empty body can't be truncated.
MIN_LENGTH = 64

_POLL_INTERVAL = 0.005  # seconds between two checks whether the client has disconnected


async def reset_before(context: FaultContext) -> None:
    """Reset the connection; the call is not processed."""
    _reset(context.request)


async def reset_after(context: FaultContext) -> None:
    """Process the call, then reset the connection."""
    await context.process()
    _reset(context.request)


async def stall_before(context: FaultContext) -> None:
    """Never respond; the call is not processed."""
    await _disconnect_of(context.request)
    _reset(context.request)


async def stall_after(context: FaultContext) -> None:
    """Process the call, but never respond."""
    await context.process()
    await stall_before(context)


async def late(context: FaultContext) -> None:
    """Never respond; process the call once the client has disconnected."""
    if context.streamed:
        # The body of an upload is lost when its client disconnects, so it has to be read before.
        await stall_after(context)
        return
    await _disconnect_of(context.request)
    await context.process()
    _reset(context.request)


async def truncated(context: FaultContext) -> web.StreamResponse:
    """Process the call, send half of the response, and close the connection."""
    response = await context.process()
    return await _send_half(context, response, body_of(response))


async def truncated_gzip(context: FaultContext) -> web.StreamResponse:
    """Process the call, send half of the compressed response, and close the connection."""
    response = await context.process()
    response.headers["Content-Encoding"] = "gzip"
    return await _send_half(context, response, gzip.compress(body_of(response), mtime=0))


async def trickle(context: FaultContext) -> web.StreamResponse:
    """Process the call and send the response one byte at a time."""
    response = await context.process()
    body = body_of(response)
    stream = await _send_headers(context, response, len(body))
    for position in range(len(body)):
        await stream.write(body[position : position + 1])
        await asyncio.sleep(TRICKLE)
    return stream


async def slow(context: FaultContext) -> web.StreamResponse:
    """Process the call, and respond after a delay."""
    response = await context.process()
    await asyncio.sleep(context.seconds or 0)
    return response


async def none(context: FaultContext) -> web.StreamResponse:
    """Process the call and respond, as without a rule."""
    return await context.process()


def _reset(request: web.Request) -> None:
    transport = request.transport
    if transport is not None:
        sock = transport.get_extra_info("socket")
        # A lingering time of 0 makes the kernel send RST instead of FIN.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


async def _disconnect_of(request: web.Request) -> None:
    """Wait until the client disconnects, `STALL` seconds at most."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + STALL
    while clock() < deadline:
        if request.transport is None or request.transport.is_closing():
            return
        await asyncio.sleep(_POLL_INTERVAL)


async def _send_half(
    context: FaultContext, response: web.Response, body: bytes
) -> web.StreamResponse:
    stream = await _send_headers(context, response, max(len(body), MIN_LENGTH))
    await stream.write(body[: len(body) // 2])
    context.close()
    return stream


async def _send_headers(
    context: FaultContext, response: web.Response, length: int
) -> web.StreamResponse:
    context.record_status(response.status)
    headers = response.headers.copy()
    headers.popall("Content-Length", None)
    stream = web.StreamResponse(status=response.status, headers=headers)
    stream.content_length = length
    await stream.prepare(context.request)
    return stream
