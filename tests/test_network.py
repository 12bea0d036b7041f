"""The network between the step and 4me: private certificate authorities, and proxies."""

from __future__ import annotations

import json
import ssl
from typing import TYPE_CHECKING

import pytest
import trustme

from fourme.client import ApiClient
from fourme.hosts import Connection as FourMeConnection
from fourme.hosts import parse_host
from process.exit_codes import ExitCode
from process.settings import Settings
from sandbox import Sandbox, document_for
from tests.fake_clock import FakeClock
from tests.step_process import REQUEST_ID, Ended, connection, run_step
from tests.transport.loopback import Connection, serve
from transport.context import RunContext

if TYPE_CHECKING:
    from pathlib import Path

PROXY_PASSWORD = "made-up-proxy-password"


def run_against(host: str, extra: dict[str, str]) -> Ended:
    """Run a step whose connection leads to a host; only its metadata service is the sandbox's."""
    request = {"request_id": REQUEST_ID, "impact": "low"}
    with Sandbox(document_for({"connection": connection(host), "request": request})) as sandbox:
        return run_step({**sandbox.environment(), "FOURME_MAX_RETRY_TIME": "0", **extra})


@pytest.mark.parametrize(
    ("variable", "code"),
    [
        ("REQUESTS_CA_BUNDLE", ExitCode.OK),
        ("CURL_CA_BUNDLE", ExitCode.OK),
        ("SOME_OTHER_BUNDLE", ExitCode.CONFIG),
    ],
)
def test_a_private_ca_is_trusted_where_the_environment_names_it(
    variable: str, code: ExitCode, tmp_path: Path
) -> None:
    """The same server, with and without its CA in the bundle."""
    authority = trustme.CA()
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(bundle)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    body = json.dumps({"id": REQUEST_ID}).encode()

    def handle(plain: Connection) -> None:
        plain.speak_tls(context)
        plain.answer(body, "Content-Type: application/json")

    with serve(handle) as server:
        ended = run_against(server.url.replace("http:", "https:"), {variable: str(bundle)})
    assert ended.code == code, ended.log
    assert ("is not trusted" in ended.log) is (code == ExitCode.CONFIG)


def test_a_bundle_without_certificates_is_named(tmp_path: Path) -> None:
    """A file that is no PEM is a configuration error, not a network error."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text("no certificate")
    with serve(Connection.send_nothing) as server:
        host = server.url.replace("http:", "https:")
        ended = run_against(host, {"REQUESTS_CA_BUNDLE": str(bundle)})
    assert ended.code == ExitCode.CONFIG, ended.log
    assert "REQUESTS_CA_BUNDLE names holds no CA certificates" in ended.log


def test_4me_is_reached_through_the_proxy() -> None:
    """HTTPS_PROXY is asked for a tunnel to 4me's host; its error is shown, its password is not."""
    received: list[bytes] = []

    def refuse(tunnel: Connection) -> None:
        tunnel.read()
        received.append(tunnel.received)
        tunnel.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")

    with serve(refuse) as proxy:
        url = proxy.url.replace("//", f"//user:{PROXY_PASSWORD}@")
        ended = run_against("https://api.4me.com", {"HTTPS_PROXY": url})
    assert received[0].startswith(b"CONNECT api.4me.com:443 HTTP/1.")
    assert b"demo-token" not in received[0]
    assert ended.code == ExitCode.CONFIG, ended.log
    assert "The proxy refuses the step: 403 Forbidden" in ended.log
    assert PROXY_PASSWORD not in ended.log


@pytest.mark.parametrize(
    ("host", "no_proxy", "proxied"),
    [
        ("https://api.4me.com", "", True),
        ("https://api.4me.com", "4me.com", False),
        ("https://127.0.0.1:8443", "", False),
    ],
)
def test_no_proxy_and_loopback_are_reached_directly(
    host: str,
    no_proxy: str,
    proxied: bool,  # noqa: FBT001  a parameter of pytest's
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """NO_PROXY is respected, and no proxy is asked for this machine itself."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", no_proxy)
    api = ApiClient(
        FourMeConnection(parse_host(host), "token", "wdc"), RunContext(Settings(), FakeClock())
    )
    assert ("https" in api.session.proxies) is proxied
