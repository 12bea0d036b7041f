"""The bodies of requests and responses, as streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

from process.errors import UnexpectedResponseError
from process.settings import MAX_RESPONSE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

    import urllib3

_CHUNK = 64 * 1024


class RequestBody:
    """A request body that knows whether it has left.

    Errors alone do not tell whether a server may have acted: before the whole body is out it
    cannot have. requests streams the body from here, once the connection stands.
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


class LimitedBody:
    """Reads an answer's body under a limit of size, in place of the raw stream."""

    def __init__(self, raw: urllib3.BaseHTTPResponse) -> None:
        self._raw = raw

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

    def release_conn(self) -> None:  # noqa: D102  as urllib3 has it
        self._raw.release_conn()

    def close(self) -> None:  # noqa: D102  likewise
        self._raw.close()
