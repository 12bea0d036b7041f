"""The 4me API over HTTP: one session with the credentials of a run, and how to ask it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import requests
from requests.utils import get_environ_proxies

from fourme.adapter import FinalAnswerAdapter
from fourme.delivery import Budget, Call, Throttled, deliver
from fourme.retry import Repeatable
from fourme.transport import Parcel, exchange, json_of
from process import VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourme.transport import Transport
    from fourme.validation import Connection

LANGUAGE = "en-US"  # of 4me's messages; else it is that of the token's user
USER_AGENT = f"4me-step-requests-update/{VERSION}"


class Answer(NamedTuple):
    """An answer to a question.

    Attributes:
        value: its JSON value; None when its status is from 400 to 499.
        response: the whole of it.
        asked_at: when the question was sent for the last time, by the clock's monotonic time.
    """

    value: Any
    response: requests.Response
    asked_at: float


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
        self._throttled = Throttled()
        self.session = plain_session(transport, connection.host.api_url)
        if connection.host.is_loopback:
            self.session.proxies.clear()
        self.session.headers.update(
            {
                "Authorization": f"Bearer {connection.access_token}",
                connection.host.account_header: connection.account,
                connection.host.language_header: LANGUAGE,
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
        return Budget(self.transport.settings, self.transport.clock, run=self._throttled)

    def renew_connections(self) -> None:
        """Close all connections, so that the next call has a new one.

        One that was idle may be closed by the server, or by a proxy, as soon as something is sent;
        what an upload has left on one could be read as the next call.
        """
        self.session.close()

    def exchange(
        self,
        method: str,
        path: str,
        *,
        parcel: Parcel | None = None,
        params: Mapping[str, str] | str | None = None,
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
        self,
        path: str,
        purpose: str,
        budget: Budget,
        params: Mapping[str, str] | str | None = None,
    ) -> Answer:
        """Read something, under the retry policy.

        Args:
            path: what, below the API's address.
            purpose: the same in words.
            budget: what may be spent.
            params: the query; text is sent as it is.

        Raises:
            StepError: there was no answer.
        """
        answers: list[Answer] = []

        def attempt() -> requests.Response:
            asked_at = budget.clock.monotonic()
            response = self.exchange("GET", path, params=params)
            answers.append(Answer(json_of(response) if response.ok else None, response, asked_at))
            return response

        deliver(Call(purpose, self.service, Repeatable.READS), attempt, budget)
        return answers[-1]


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
    session.mount("https://", FinalAnswerAdapter())
    session.mount("http://", FinalAnswerAdapter())
    session.headers["User-Agent"] = USER_AGENT
    session.proxies = get_environ_proxies(url, no_proxy=None)
    return session
