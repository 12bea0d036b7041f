"""Run the step in the build stage, for everything that it loads to be known.

The step runs as the image will run it, against a stand-in for both of its services that only ever
says yes. What becomes of each run is checked: an image whose step does not start is not built.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# As the Dockerfile's ENTRYPOINT has them.
OPTIONS = ("-I", "-X", "lazy_imports=all", "-m", "step")
_LIMIT = 60  # seconds for one run of the step
# Addresses that belong to nobody (RFC 5737), so that no call leaves the build.
_NOWHERE = "https://192.0.2.1"
_IMPATIENT = {"FOURME_MAX_RETRY_TIME": "0", "FOURME_CONNECT_TIMEOUT": "0.1"}
_TOKEN = "rehearsal"  # noqa: S105  of no use anywhere
_YAML = "request_id: 1, impact: low"
_FILE = {"name": "a.txt", "content": "a"}


class RehearsalError(Exception):
    """The step did not do what it should."""


@dataclass(frozen=True)
class Scene:
    """One run of the step.

    Attributes:
        request: the spec's `request`.
        exit_code: what the step ends with.
        host: the connection's host; `{}` stands for the stand-in's address.
        environ: environment variables beyond the metadata service's address.
    """

    request: Mapping[str, object]
    exit_code: int
    host: str = "http://{}"
    environ: Mapping[str, str] = field(default_factory=dict)


SCENES = (
    Scene({"request_id": "1", "note": "a", "custom_fields": {"a": "b"}, "time_spent": "0:05"}, 0),
    Scene({"request_id": 1, "note": "a", "note_attachments": [_FILE]}, 0),
    # Refused: the judge and its suggestions are needed.
    Scene({"request_id": 1, "impacts": "lowest", "waiting_until": "soon"}, 65),
    # Over TLS, which the stand-in does not speak; and to a host that may be behind a proxy.
    Scene({"request_id": 1, "impact": "low"}, 75, "https://{}", _IMPATIENT),
    Scene({"request_id": 1, "impact": "low"}, 75, _NOWHERE, _IMPATIENT),
)


class _Yes(BaseHTTPRequestHandler):
    """Answers as both services do when all is well."""

    spec: ClassVar[object] = None
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Hand out the spec, or what an upload takes."""
        if self.path == "/spec":
            self._answer(200, {"value": type(self).spec, "unresolvable": {}, "complete": True})
            return
        storage = {"provider": "s3", "s3": {"key": "attachments/${filename}"}}
        limits = {"size_limit": 10**6, "allowed_extensions": []}
        address = f"http://{self.headers['Host']}/upload"
        self._answer(200, {**storage, **limits, "upload_uri": address})

    def do_PATCH(self) -> None:
        """Answer the request."""
        self._answer(200, {"id": 1, "subject": "a"})

    def do_PUT(self) -> None:
        """Take an output."""
        self._answer(201)

    def do_POST(self) -> None:
        """Take a decorator, or a file."""
        if self.path == "/upload":
            self._send(
                201, "application/xml", b"<PostResponse><Key>attachments/a</Key></PostResponse>"
            )
        else:
            self._answer(201)

    def _answer(self, status: int, value: object = None) -> None:
        content = b"" if value is None else json.dumps(value).encode()
        self._send(status, "application/json; charset=utf-8", content)

    def _send(self, status: int, kind: str, content: bytes) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = gzip.compress(content) if content else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if body:
            self.send_header("Content-Type", kind)
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _stand_in() -> Iterator[tuple[type[_Yes], str]]:
    class Handler(_Yes):
        """The handler of this server alone, which has the spec."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Handler, f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def rehearse(options: Sequence[str] = (), scenes: Sequence[Scene] = SCENES) -> None:
    """Play all scenes.

    Args:
        options: more options for the interpreter.
        scenes: what to play.

    Raises:
        RehearsalError: a run did not end as it should.
    """
    with _stand_in() as (handler, address):
        for scene in scenes:
            connection = {"host": scene.host.format(address), "accessToken": _TOKEN, "account": "a"}
            handler.spec = {"connection": connection, "request": scene.request, "debug": True}
            environ = {"METADATA_API_URL": f"http://:{_TOKEN}@{address}", **scene.environ}
            _check(_play(options, environ), scene)
        # The other engines: values as YAML in the environment, in a file, in an action's inputs.
        given = {"HOST": f"http://{address}", "ACCESS_TOKEN": _TOKEN, "ACCOUNT": "a"}
        ours = {f"FOURME_{name}": value for name, value in given.items()}
        inputs = {f"INPUT_{name}": value for name, value in given.items()}
        action = {**inputs, "GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": os.devnull}
        _check(_play(options, {**ours, "FOURME_REQUEST": f"{{{_YAML}}}"}), Scene(given, 0))
        _check(_play(options, {**action, "INPUT_REQUEST": f"{{{_YAML}}}"}), Scene(given, 0))
        _check(_play(options, ours, ("--spec", "-"), f"request: {{{_YAML}}}"), Scene(given, 0))
    _check(_play(options, {}, ("--help",)), Scene({}, 0))
    _check(_play(options, {}), Scene({}, 78))


def _play(
    options: Sequence[str], environ: Mapping[str, str], words: Sequence[str] = (), text: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, *options, *OPTIONS, *words],
        env=environ,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=_LIMIT,
    )


def _check(ended: subprocess.CompletedProcess[str], scene: Scene) -> None:
    if ended.returncode != scene.exit_code:
        raise RehearsalError(
            f"the step ended with {ended.returncode}, not {scene.exit_code}, after {scene.request}:"
            f"\n{ended.stderr}"
        )
