"""Effects that process the call and send a response that is not what the caller expects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.faults.context import body_of
from sandbox.faults.error_responses import echoed_credentials

if TYPE_CHECKING:
    from sandbox.faults.context import FaultContext

#: How deep a `deep` response is nested: Python's own JSON parser fails at about a thousand levels.
DEPTH = 900

_EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload; as=style\r\n\r\n"


async def html(context: FaultContext) -> web.StreamResponse:
    """Respond with an HTML page."""
    await context.process()
    text = f"Sign in to go on. {echoed_credentials(context)}"
    page = f"<!DOCTYPE html>\n<title>Sign in</title>\n<p>{text}</p>\n"
    return web.Response(text=page, content_type="text/html")


async def invalid_json(context: FaultContext) -> web.StreamResponse:
    """Respond with malformed JSON."""
    await context.process()
    return web.Response(text='{"id": 70384, "subject": ', content_type="application/json")


async def not_a_request(context: FaultContext) -> web.StreamResponse:
    """Respond with JSON of the wrong type."""
    await context.process()
    return web.Response(text="[70384]", content_type="application/json")


async def early_hints(context: FaultContext) -> web.StreamResponse:
    """Send an interim response before the final one, as RFC 8297 allows."""
    response = await context.process()
    context.write(_EARLY_HINTS)
    return response


async def two_lengths(context: FaultContext) -> None:
    """Respond with two different values of Content-Length, which RFC 9112 forbids."""
    response = await context.process()
    body = body_of(response)
    lengths = [("Content-Length", str(len(body) + more)) for more in (0, 1)]
    lines = [f"HTTP/1.1 {response.status} {response.reason}"]
    lines += [f"{name}: {value}" for name, value in (*response.headers.items(), *lengths)]
    context.record_status(response.status)
    context.write("\r\n".join([*lines, "", ""]).encode() + body)
    context.close()


async def deep(context: FaultContext) -> web.StreamResponse:
    """Add a deeply nested value to the response."""
    response = await context.process()
    text = body_of(response).decode()
    if response.content_type != "application/json" or text[-1:] not in ("}", "]"):
        return response
    start, end = text[:-1].rstrip(), text[-1]
    nested = "[" * DEPTH + "]" * DEPTH
    comma = "" if start in ("{", "[") else ", "
    member = f'"deep": {nested}' if end == "}" else nested
    response.body = f"{start}{comma}{member}{end}".encode()
    return response
