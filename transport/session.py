"""HTTP sessions that follow no redirects and read no credentials from the environment."""

from __future__ import annotations

from http import HTTPStatus
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

import requests
import urllib3
import urllib3.connection
from requests.adapters import HTTPAdapter
from requests.utils import get_environ_proxies

from process import VERSION

if TYPE_CHECKING:
    from transport.context import RunContext

USER_AGENT = f"4me-step-requests-update/{VERSION}"


def plain_session(context: RunContext, url: str, *, proxied: bool = True) -> requests.Session:
    """Return a session without credentials; it uses the environment's proxy for a URL, if any."""
    session = _Session()
    session.trust_env = False  # no .netrc; proxies and CAs are set here
    session.verify = context.verify
    adapter = _FinalResponseAdapter()
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.headers["User-Agent"] = USER_AGENT
    if proxied:
        session.proxies = get_environ_proxies(url, no_proxy=None)
    return session


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002  as requests has it
        """Return None, without parsing `Location`, which may be no URL at all."""
        return


class _FinalResponse(HTTPResponse):
    """A response that skips interim ones (1xx), as RFC 9110 (15.2) demands of every client.

    Python's HTTP client skips `100 Continue` only. It would return another interim response as the
    final one, and then the final one as the response to the next call.
    """

    def begin(self) -> None:
        super().begin()
        while self.status < HTTPStatus.OK and self.status != HTTPStatus.SWITCHING_PROTOCOLS:
            self.headers = self.msg = None  # type: ignore[assignment]  # as before the first line
            super().begin()


class _Connection(urllib3.connection.HTTPConnection):
    response_class = _FinalResponse


class _SecureConnection(urllib3.connection.HTTPSConnection):
    response_class = _FinalResponse


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


_POOLS = {"http": _Pool, "https": _SecurePool}


class _FinalResponseAdapter(HTTPAdapter):
    def init_poolmanager(self, *sizes: Any, **options: Any) -> None:  # noqa: ANN401  requests' own
        super().init_poolmanager(*sizes, **options)
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:  # noqa: ANN401  requests' own
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = _POOLS
        return manager
