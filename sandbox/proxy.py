"""An HTTP proxy that rejects every call: no call of a command leaves this machine."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from sandbox.http_service import HOST

_RESPONSE = (
    b"HTTP/1.1 403 The sandbox lets no call leave this machine\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)
_MAX_REQUEST = 64 * 1024  # bytes that are read before the response
_READ_TIMEOUT = 5.0  # seconds


class BlockingProxy:
    """Responds to every call with 403, which clients tell apart from an outage."""

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(_reject, HOST, 0)

    async def stop(self) -> None:
        """Stop listening."""
        self._server.close()

    def environment(self) -> dict[str, str]:
        """Return the variables that send HTTPS calls to this proxy, except to this machine.

        The step calls other machines by HTTPS only. All other proxies are unset, since relay-sdk
        would use them even for calls to this machine.
        """
        url = f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}"
        variables = {"HTTPS_PROXY": url, "HTTP_PROXY": "", "ALL_PROXY": ""}
        variables["NO_PROXY"] = f"{HOST},localhost,::1"
        return {**variables, **{name.lower(): value for name, value in variables.items()}}


async def _reject(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        async with asyncio.timeout(_READ_TIMEOUT):
            await reader.read(_MAX_REQUEST)
        writer.write(_RESPONSE)
        await writer.drain()
    writer.close()
