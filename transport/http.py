"""One attempt at an HTTP call, within the limits of a run."""

from __future__ import annotations

import logging
from enum import Enum
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
import urllib3

from process.errors import UnexpectedResponseError
from process.settings import MAX_RESPONSE_BYTES
from transport.failures import raise_for_status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from transport.context import RunContext

logger = logging.getLogger("step.http")

_CHUNK = 64 * 1024


class Idempotency(Enum):
    """What sending the same call again does to the data."""

    SAFE = "safe"  # nothing: it only reads
    IDEMPOTENT = "idempotent"  # nothing more than the first time
    VERIFIABLE = "verifiable"  # adds again, but the server can be asked whether it was applied
    NON_IDEMPOTENT = "non-idempotent"  # adds again


class RequestBody:
    """A request body, streamed, that knows whether all of it was sent.

    Until then the server cannot have acted; an exception alone does not tell.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    @property
    def sent(self) -> bool:
        """Whether all of the body has been handed to the connection."""
        return self._position >= len(self._content)

    def rewind(self) -> None:
        """Go back to the beginning, for the next attempt."""
        self._position = 0

    def __len__(self) -> int:
        """Return the size in bytes; requests makes Content-Length of it."""
        return len(self._content)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the content; requests recognises a stream by this."""
        yield self.read()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, all that is left by default."""
        end = len(self._content) if size < 0 else self._position + size
        piece = self._content[self._position : end]
        self._position += len(piece)
        return piece


class _LimitedBody:
    """Reads a response's body up to a limit of size, in place of the raw stream."""

    def __init__(self, raw: urllib3.BaseHTTPResponse) -> None:
        self._raw = raw
        self.release_conn = raw.release_conn
        self.close = raw.close

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        """Yield the decoded body as it comes in; requests reads it through this."""
        size = 0
        while piece := self._raw.read1(_CHUNK, decode_content=True):
            size += len(piece)
            if size > MAX_RESPONSE_BYTES:
                raise UnexpectedResponseError(
                    f"The answer is larger than {MAX_RESPONSE_BYTES} bytes.",
                    fix="Check that the host is the API's.",
                )
            yield piece


def send_once(
    send: Callable[[], requests.Response],
    context: RunContext,
    *,
    body: RequestBody | None = None,
    retry_statuses: frozenset[int] = frozenset(),
    extra_time: float = 0.0,
) -> requests.Response:
    """Make one attempt, and read the whole response; its status is 200 to 299, or 400 to 499.

    Args:
        send: sends the request with `stream=True`.
        context: the limits and the clock.
        body: the body, when it matters whether it was sent.
        retry_statuses: statuses to retry, besides 408, 429 and 5xx.
        extra_time: seconds that it may take longer than other calls.

    Raises:
        AttemptFailed: there is no usable response.
        ConfigError: a redirect, an untrusted certificate, a proxy that denies access.
        UnexpectedResponseError: the response is too large.
    """
    try:
        with context.clock.time_limit(context.max_attempt_time + extra_time), send() as response:
            response.raw = _LimitedBody(response.raw)
            response.content  # noqa: B018  reads the body, within the reach of this try
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        from transport.exceptions import classify_exception  # noqa: PLC0415  most calls succeed

        raise classify_exception(error, unsent=body is not None and not body.sent) from error
    path = urlsplit(response.request.url or "").path
    logger.debug("%s %s: %s", response.request.method, path, response.status_code)
    raise_for_status(response, context.clock, retry_statuses)
    return response
