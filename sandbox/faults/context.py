"""What an effect knows of the call that it is applied to, and how responses are read and sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from aiohttp import web

if TYPE_CHECKING:
    from sandbox.clock import Clock


@dataclass(frozen=True)
class FaultContext:
    """One call, as an effect sees it.

    Attributes:
        request: The request; its body has been read, unless it is streamed.
        process: Processes the call; returns its response, not compressed.
        error_response: Creates an error response in the service's format from status and text.
        record_status: Records the status of a response that the effect sends itself.
        clock: The service's clock.
        seconds: The parameter of the fault; None if none was given.
        date: Whether the parameter is sent as an HTTP date.
        streamed: Whether the body is still to be read, as for an upload.
    """

    request: web.Request
    process: Callable[[], Awaitable[web.Response]]
    error_response: Callable[[int, str], web.Response]
    record_status: Callable[[int], None]
    clock: Clock
    seconds: float | None
    date: bool
    streamed: bool

    def write(self, data: bytes) -> None:
        """Write raw bytes: aiohttp itself sends well-formed responses only."""
        if self.request.transport is not None:
            self.request.transport.write(data)

    def close(self) -> None:
        """Close the connection once everything written is sent."""
        if self.request.transport is not None:
            self.request.transport.close()


#: Returns the response to send; one that is prepared was sent already. None: no connection is left.
Effect: TypeAlias = Callable[[FaultContext], Awaitable[web.StreamResponse | None]]


def body_of(response: web.Response) -> bytes:
    """Return the body of a response; empty if it has none."""
    return response.body if isinstance(response.body, bytes) else b""
