"""A server on loopback that does with each connection whatever a test wants, to the byte."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import pytest

from process.clock import Clock
from process.settings import Settings
from tests.fake_clock import FakeClock
from transport.context import RunContext
from transport.failures import AttemptFailed
from transport.http import send_once
from transport.json_body import json_body

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    import requests

    from transport.http import RequestBody


_MAX_WAIT = 10.0  # seconds after which a forgotten connection ends by itself


class Connection:
    """One connection, seen from the server.

    Attributes:
        received: what has come in so far.
    """

    def __init__(self, connected: socket.socket, ended: threading.Event) -> None:
        self._socket = connected
        self._ended = ended
        self.received = b""

    def read(self) -> None:
        """Read one whole request, by its Content-Length."""
        while b"\r\n\r\n" not in self.received:
            self._read_more()
        head, _, body = self.received.partition(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        missing = length - len(body)
        while missing > 0:
            missing -= self._read_more()

    def _read_more(self) -> int:
        piece = self._socket.recv(65536)
        if not piece:
            raise ConnectionError("the client has gone")
        self.received += piece
        return len(piece)

    def speak_tls(self, context: ssl.SSLContext) -> None:
        """Go on encrypted, as a server."""
        self._socket = context.wrap_socket(self._socket, server_side=True)

    def close(self) -> None:
        """End the connection, encrypted or not."""
        self._socket.close()

    def read_some(self) -> None:
        """Read the beginning of a request."""
        self._read_more()

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._socket.sendall(data)

    def answer(self, body: bytes, *headers: str, status: str = "200 OK") -> None:
        """Read a request, and answer it with JSON unless the headers say otherwise."""
        self.read()
        self.write(head(status, f"Content-Length: {len(body)}", *headers) + body)

    def trickle(self, data: bytes, every: float) -> None:
        """Send bytes one by one, a number of seconds apart, until the test ends."""
        for byte in data:
            if self._ended.wait(every):
                return
            self.write(bytes([byte]))

    def send_nothing(self) -> None:
        """Send nothing until the test ends."""
        self._ended.wait(_MAX_WAIT)

    def reset(self) -> None:
        """Break the connection off (RST)."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


def head(status: str, *headers: str) -> bytes:
    """Return the head of an answer; its content is JSON unless the headers say otherwise."""
    typed = any(header.lower().startswith("content-type") for header in headers)
    lines = [f"HTTP/1.1 {status}", *headers, *([] if typed else ["Content-Type: application/json"])]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Server:
    """Does its turns, one for each connection, in order.

    Attributes:
        url: where it is.
        connections: those there were.
    """

    def __init__(
        self, listener: socket.socket, turns: tuple[Callable[[Connection], None], ...]
    ) -> None:
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self.connections: list[Connection] = []
        self._listener = listener
        self._turns = turns
        self._ended = threading.Event()

    def run(self) -> None:
        """Serve all turns."""
        for turn in self._turns:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            connected.settimeout(_MAX_WAIT)
            with closing(Connection(connected, self._ended)) as connection:
                self.connections.append(connection)
                try:
                    turn(connection)
                except OSError:
                    continue  # the client may close the connection

    def end(self) -> None:
        """End all waits."""
        self._ended.set()


@contextmanager
def serve(*turns: Callable[[Connection], None]) -> Iterator[Server]:
    """Serve on a port of its own; each connection takes the next turn."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_MAX_WAIT)
        server = Server(listener, turns)
        thread = threading.Thread(target=server.run)
        thread.start()
        try:
            yield server
        finally:
            server.end()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def closed_port() -> Iterator[str]:
    """Return the URL of a port where nobody listens; it is held so that nobody else can."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


REQUEST = b'{"id": 5, "subject": "Printer"}'
TRANSPORT = RunContext(Settings(connect_timeout=2, read_timeout=2), FakeClock())
SHORT_TIMEOUTS = RunContext(Settings(connect_timeout=0.1, read_timeout=0.1), Clock())


def call(
    session: requests.Session,
    url: str,
    body: RequestBody | None = None,
    *,
    context: RunContext = TRANSPORT,
    busy: frozenset[int] = frozenset(),
) -> requests.Response:
    """Make one attempt at an update."""

    def send() -> requests.Response:
        return session.request(
            "PATCH",
            url + "/v1/requests/5?a=geheim",
            data=body,
            timeout=context.timeout,
            allow_redirects=False,
            stream=True,
        )

    return send_once(send, context, body=body, retry_statuses=busy)


def failure_of(
    session: requests.Session,
    turn: Callable[[Connection], None],
    body: RequestBody | None = None,
    *,
    context: RunContext = TRANSPORT,
) -> AttemptFailed:
    """Return the failure of one attempt at a server that does a turn."""
    with serve(turn) as server, pytest.raises(AttemptFailed) as caught:
        json_body(call(session, server.url, body, context=context))
    return caught.value
