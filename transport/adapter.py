"""HTTP connections that skip interim answers, as RFC 9110 (15.2) demands of every client.

Python's HTTP client takes the first answer other than `100 Continue` for the final one. The real
one would then be taken for the answer to whatever is sent next.
"""

from __future__ import annotations

from http import HTTPStatus
from http.client import HTTPResponse
from typing import Any

import urllib3
import urllib3.connection
from requests.adapters import HTTPAdapter


class _FinalResponse(HTTPResponse):
    """An answer, from its first line that is not an interim one's."""

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


class FinalResponseAdapter(HTTPAdapter):
    """What a session sends its calls through."""

    def init_poolmanager(self, *sizes: Any, **options: Any) -> None:  # noqa: ANN401  requests' own
        """Make the pools for direct connections."""
        super().init_poolmanager(*sizes, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:  # noqa: ANN401  requests' own
        """Return the pools for connections through a proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager
