"""Effects that respond with an error status or a redirect."""

from __future__ import annotations

import asyncio
import base64
import binascii
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from sandbox.faults.context import Effect, FaultContext

#: The length of the long line in the body of a 500, in characters.
LONG_LINE = 70_000

_PAGE = (
    "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>"
    "\r\n<hr><center>{server}</center>\r\n</body>\r\n</html>\r\n<!-- {echo} -->\r\n"
)
_NGINX, _CLOUDFLARE, _PROXY = "nginx", "cloudflare", "proxy"

#: The statuses that a gateway in front of the service sends as an HTML page; 502 was recorded, the
#: others are as the gateways' vendors document them.
_GATEWAYS = {
    502: ("Bad Gateway", _NGINX),
    522: ("Connection timed out", _CLOUDFLARE),
    524: ("A timeout occurred", _CLOUDFLARE),
    598: ("Network read timeout error", _PROXY),
    599: ("Network connect timeout error", _PROXY),
}

_S3_ERROR = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    "<Error><Code>{code}</Code><Message>{message}</Message></Error>"
)


def status(code: int) -> Effect:
    """Return the effect of an error response without processing the call."""

    async def respond(context: FaultContext) -> web.StreamResponse:
        return _error(context, code)

    return respond


def status_after(code: int) -> Effect:
    """Return the effect of processing the call and responding with an error."""

    async def respond(context: FaultContext) -> web.StreamResponse:
        await context.process()
        return _error(context, code)

    return respond


async def bad_gateway_late(context: FaultContext) -> web.StreamResponse:
    """Respond with 502 at once, as a gateway may, and process the call some seconds later."""
    response = _gateway_page(context, HTTPStatus.BAD_GATEWAY)
    context.record_status(response.status)
    response.force_close()
    await response.prepare(context.request)
    await response.write_eof()
    context.close()
    await asyncio.sleep(context.seconds or 0)
    await context.process()
    return response


async def redirect(context: FaultContext) -> web.StreamResponse:
    """Redirect the caller to another host; the call is not processed."""
    location = f"https://elsewhere.example{context.request.raw_path}"
    return web.Response(status=307, headers={"Location": location})


async def busy(context: FaultContext) -> web.StreamResponse:
    """Respond with a 500 that says too many requests, as 4me's own connector expects it."""
    response = context.error_response(429, "")
    response.set_status(500)
    return _with_retry_after(context, response)


async def s3_timeout(context: FaultContext) -> web.StreamResponse:
    """Respond as S3 does when a body is sent too slowly (documented); not processed."""
    message = "Your socket connection to the server was not read from or written to in time."
    return _s3_error(context, 400, "RequestTimeout", message)


async def s3_slow_down(context: FaultContext) -> web.StreamResponse:
    """Respond as S3 does when its rate limit is exceeded (documented); not processed."""
    return _s3_error(context, 503, "SlowDown", "Please reduce your request rate.")


def _s3_error(context: FaultContext, code: int, name: str, message: str) -> web.Response:
    response = context.error_response(code, "")
    response.text = _S3_ERROR.format(code=name, message=message)
    response.content_type = "application/xml"
    return response


def _error(context: FaultContext, code: int) -> web.Response:
    if code in _GATEWAYS:
        return _gateway_page(context, code)
    text = echoed_credentials(context)
    if code == HTTPStatus.INTERNAL_SERVER_ERROR:  # a crash, whose page shows the stack trace
        text += " " + "x" * LONG_LINE
    return _with_retry_after(context, context.error_response(code, text))


def _gateway_page(context: FaultContext, code: int) -> web.Response:
    reason, server = _GATEWAYS[code]
    title, echo = f"{code} {reason}", echoed_credentials(context)
    page = _PAGE.format(title=title, server=server, echo=echo)
    return web.Response(status=code, reason=reason, text=page, content_type="text/html")


def _with_retry_after(context: FaultContext, response: web.Response) -> web.Response:
    if context.seconds is None:
        return response
    response.headers["Retry-After"] = (
        context.clock.http_date(context.seconds) if context.date else f"{context.seconds:g}"
    )
    return response


def echoed_credentials(context: FaultContext) -> str:
    """Return the caller's credentials, as debug pages show them, with terminal escape codes."""
    headers = context.request.headers
    authorization = headers.get("Authorization", "none")
    account = headers.get("X-4me-Account") or headers.get("X-Xurrent-Account") or "none"
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            decoded = base64.b64decode(encoded, validate=True)
            authorization += f" ({decoded.decode('utf-8', 'replace')})"
        except binascii.Error:
            authorization += " (bad base64)"
    return f"\x1b[31mdebug\x1b[0m\rAuthorization: {authorization}; account: {account}"
