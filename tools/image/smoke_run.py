"""Run the step in the build stage: does it start, and which modules does it load?

The step runs as the image will run it, against a stub of Relay and of 4me. An unexpected exit code
fails the build.
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
_TIMEOUT = 60  # seconds for one run of the step
# A documentation address (RFC 5737), so that no call leaves the build.
_UNROUTABLE = "https://192.0.2.1"
_NO_RETRIES = {"FOURME_MAX_RETRY_TIME": "0", "FOURME_CONNECT_TIMEOUT": "0.1"}
_TOKEN = "smoke-run"  # noqa: S105  valid nowhere
_REQUEST_YAML = "{request_id: 1, impact: low}"
_FILE = {"name": "a.txt", "content": "a"}
_INVALID_SPEC, _TRY_LATER, _NO_ENGINE = 65, 75, 78  # exit codes of the step


class SmokeRunError(Exception):
    """The step ended with an unexpected exit code."""


@dataclass(frozen=True)
class SmokeCase:
    """One run of the step, in Relay.

    Attributes:
        request: the spec's `request`.
        exit_code: the expected exit code.
        host: the connection's host; `{}` stands for the stub's address.
        environ: environment variables beyond the metadata service's address.
    """

    request: Mapping[str, object]
    exit_code: int = 0
    host: str = "http://{}"
    environ: Mapping[str, str] = field(default_factory=dict)


SMOKE_CASES = (
    SmokeCase({"request_id": "1", "note": "a", "custom_fields": {"a": "b"}, "time_spent": "0:05"}),
    SmokeCase({"request_id": 1, "note": "a", "note_attachments": [_FILE]}),
    # Loads the schema validator, and what finds similar names.
    SmokeCase({"request_id": 1, "impacts": "lowest", "waiting_until": "soon"}, _INVALID_SPEC),
    # Over TLS, which the stub does not speak; and to a host that may be behind a proxy.
    SmokeCase({"request_id": 1, "impact": "low"}, _TRY_LATER, "https://{}", _NO_RETRIES),
    SmokeCase({"request_id": 1, "impact": "low"}, _TRY_LATER, _UNROUTABLE, _NO_RETRIES),
)


class _StubHandler(BaseHTTPRequestHandler):
    """Answers every call of both services with success."""

    spec: ClassVar[object] = None
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Return the spec, or where to upload files."""
        if self.path == "/spec":
            self._answer(200, {"value": type(self).spec, "unresolvable": {}, "complete": True})
            return
        storage = {"provider": "s3", "s3": {"key": "attachments/${filename}"}}
        limits = {"size_limit": 10**6, "allowed_extensions": []}
        address = f"http://{self.headers['Host']}/upload"
        self._answer(200, {**storage, **limits, "upload_uri": address})

    def do_PATCH(self) -> None:
        """Return the updated request."""
        self._answer(200, {"id": 1, "subject": "a"})

    def do_PUT(self) -> None:
        """Accept an output."""
        self._answer(201)

    def do_POST(self) -> None:
        """Accept a decorator, or a file."""
        if self.path == "/upload":
            self._send(
                201, "application/xml", b"<PostResponse><Key>attachments/a</Key></PostResponse>"
            )
        else:
            self._answer(201)

    def _answer(self, status: int, value: object = None) -> None:
        content = b"" if value is None else json.dumps(value).encode()
        self._send(status, "application/json; charset=utf-8", content)

    def _send(self, status: int, content_type: str, content: bytes) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = gzip.compress(content) if content else b""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if body:
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def _stub_server() -> Iterator[tuple[type[_StubHandler], str]]:
    class Handler(_StubHandler):
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


def run_smoke_cases(options: Sequence[str] = (), cases: Sequence[SmokeCase] = SMOKE_CASES) -> None:
    """Run the step in Relay, in each case, and then once in each other engine.

    Args:
        options: more options for the interpreter.
        cases: the runs in Relay.

    Raises:
        SmokeRunError: a run ended with an unexpected exit code.
    """
    with _stub_server() as (handler, address):
        for case in cases:
            connection = {"host": case.host.format(address), "accessToken": _TOKEN, "account": "a"}
            handler.spec = {"connection": connection, "request": case.request, "debug": True}
            environ = {"METADATA_API_URL": f"http://:{_TOKEN}@{address}", **case.environ}
            _expect(case.exit_code, _run_step(options, environ), str(case.request))
        _run_other_engines(options, address)
    _expect(0, _run_step(options, {}, ("--help",)), "--help")
    _expect(_NO_ENGINE, _run_step(options, {}), "no input")


def _run_other_engines(options: Sequence[str], address: str) -> None:
    """Run the step with YAML in its environment, in the inputs of an action, and in a file."""
    connection = {"HOST": f"http://{address}", "ACCESS_TOKEN": _TOKEN, "ACCOUNT": "a"}
    variables = {f"FOURME_{name}": value for name, value in connection.items()}
    inputs = {f"INPUT_{name}": value for name, value in connection.items()}
    action = {**inputs, "GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": os.devnull}
    runs = {
        "environment": _run_step(options, {**variables, "FOURME_REQUEST": _REQUEST_YAML}),
        "GitHub action": _run_step(options, {**action, "INPUT_REQUEST": _REQUEST_YAML}),
        "file": _run_step(options, variables, ("--spec", "-"), f"request: {_REQUEST_YAML}"),
    }
    for name, ended in runs.items():
        _expect(0, ended, name)


def _run_step(
    options: Sequence[str],
    environ: Mapping[str, str],
    arguments: Sequence[str] = (),
    stdin: str = "",
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, *options, *OPTIONS, *arguments],
        env=environ,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT,
    )


def _expect(exit_code: int, ended: subprocess.CompletedProcess[str], case: str) -> None:
    if ended.returncode != exit_code:
        raise SmokeRunError(
            f"{case}: the step ended with {ended.returncode}, not {exit_code}:\n{ended.stderr}"
        )
