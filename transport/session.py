"""HTTP sessions that follow no redirects and read no credentials of the environment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests
from requests.utils import get_environ_proxies

from process import VERSION
from transport.adapter import FinalResponseAdapter

if TYPE_CHECKING:
    from transport.context import RunContext

USER_AGENT = f"4me-step-requests-update/{VERSION}"


class _UnredirectedSession(requests.Session):
    """A session that does not even look where a redirect leads: it may be no URL at all."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002  as requests has it
        """Return that there is none."""
        return


def plain_session(context: RunContext, url: str) -> requests.Session:
    """Return a session without credentials; it takes the environment's proxy for a URL."""
    session = _UnredirectedSession()
    session.trust_env = False  # no .netrc; proxies and CAs are set here
    session.verify = context.verify
    session.mount("https://", FinalResponseAdapter())
    session.mount("http://", FinalResponseAdapter())
    session.headers["User-Agent"] = USER_AGENT
    session.proxies = get_environ_proxies(url, no_proxy=None)
    return session
