"""A proxy that lets nothing through, for what a command would call outside of this machine."""

from __future__ import annotations

import socket
from contextlib import suppress
from threading import Thread
from typing import TYPE_CHECKING, Self

from sandbox.service import HOST

if TYPE_CHECKING:
    from types import TracebackType

_ANSWER = (
    b"HTTP/1.1 403 The sandbox lets no call leave this machine\r\n"
    b"Content-Length: 0\r\nConnection: close\r\n\r\n"
)
_MOST = 64 * 1024  # bytes of a request that are read before it is refused
_PATIENCE = 5.0  # seconds for a request to come


class ClosedProxy:
    """Refuses every call with 403, which clients tell apart from an outage.

    A context manager: it listens from entering to leaving it.
    """

    def __enter__(self) -> Self:
        self._listener = socket.create_server((HOST, 0))
        Thread(target=self._serve, name="proxy", daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._listener.close()

    def environment(self) -> dict[str, str]:
        """Return the variables that send all calls by https here, but those to this machine.

        The step calls nothing outside by plain http. No other proxy is left, since relay-sdk would
        go by it even to this machine.
        """
        url = f"http://{HOST}:{self._listener.getsockname()[1]}"
        variables = {"HTTPS_PROXY": url, "HTTP_PROXY": "", "ALL_PROXY": ""}
        variables["NO_PROXY"] = f"{HOST},localhost,::1"
        return {**variables, **{name.lower(): value for name, value in variables.items()}}

    def _serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                with connection, suppress(OSError):
                    connection.settimeout(_PATIENCE)
                    connection.recv(_MOST)
                    connection.sendall(_ANSWER)
