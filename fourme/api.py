"""The 4me API over HTTP: one session with the credentials of a run, and how to ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests
from requests.utils import get_environ_proxies

from fourme import VERSION
from fourme.delivery import Budget, Call, deliver
from fourme.retry import Repeatable
from fourme.transport import Parcel, exchange, json_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourme.transport import Transport
    from fourme.validation import Connection

USER_AGENT = f"4me-step-requests-update/{VERSION}"


class FourMeApi:
    """Speaks to the 4me API as one user in one account.

    Attributes:
        connection: where 4me is, and as whom to call it.
        transport: the limits and the clock of the run.
        session: the HTTP session; it sends the credentials with every call.
    """

    def __init__(self, connection: Connection, transport: Transport) -> None:
        self.connection = connection
        self.transport = transport
        self.session = plain_session(transport, connection.host.api_url)
        if connection.host.is_loopback:
            self.session.proxies.clear()
        self.session.headers.update(
            {
                "Authorization": f"Bearer {connection.access_token}",
                connection.host.account_header: connection.account,
                "Accept": "application/json",
                "Cache-Control": "no-cache",  # what has arrived is not a question for a cache
            }
        )

    @property
    def service(self) -> str:
        """What messages call it."""
        return f"4me ({self.connection.host.address})"

    def budget(self) -> Budget:
        """Return a fresh budget for one operation."""
        return Budget(self.transport.settings, self.transport.clock)

    def exchange(
        self,
        method: str,
        path: str,
        *,
        parcel: Parcel | None = None,
        params: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Make one attempt at a call; see `fourme.transport.exchange`."""

        def send() -> requests.Response:
            return self.session.request(
                method,
                self.connection.host.api_url + path,
                params=params,
                data=parcel,
                headers={"Content-Type": "application/json"} if parcel else None,
                timeout=self.transport.timeout,
                allow_redirects=False,
                stream=True,
            )

        return exchange(send, self.transport, parcel=parcel)

    def read(
        self, path: str, purpose: str, budget: Budget, params: Mapping[str, str] | None = None
    ) -> tuple[Any, requests.Response]:
        """Read something, under the retry policy.

        Returns:
            its JSON value, and the whole answer; the value is None when the answer's status is
            from 400 to 499.

        Raises:
            StepError: there was no answer.
        """
        answers: list[Any] = [None]

        def attempt() -> requests.Response:
            response = self.exchange("GET", path, params=params)
            if response.ok:
                answers.append(json_of(response))
            return response

        response = deliver(Call(purpose, self.service, Repeatable.READS), attempt, budget)
        return answers[-1], response


class _UnredirectedSession(requests.Session):
    """A session that does not even look where a redirect leads: it may be no URL at all."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # noqa: ARG002  as requests has it
        """Return that there is none."""
        return


def plain_session(transport: Transport, url: str) -> requests.Session:
    """Return a session without credentials; it takes the environment's proxy for a URL."""
    session = _UnredirectedSession()
    session.trust_env = False  # no .netrc; proxies and CAs are set here
    session.verify = transport.verify
    session.headers["User-Agent"] = USER_AGENT
    session.proxies = get_environ_proxies(url, no_proxy=None)
    return session
