"""Relay: its metadata service, called through relay-sdk.

The SDK has neither timeouts nor retries, follows redirects, and does not report which references
are unresolved; the adapter mounted on its session does all of that.
"""

from __future__ import annotations

import logging
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from relay_sdk import Interface, UnresolvableException
from relay_sdk.client import MetadataAPIAdapter

from process.errors import ConfigError, StepError, UnexpectedResponseError
from process.settings import MAX_LINK_RETRY_TIME
from transport.context import RetryBudget
from transport.http import Idempotency, send_once
from transport.json_body import json_body
from transport.retrying import RetryableCall, retry_call

if TYPE_CHECKING:
    import requests

    from process.output import Output
    from transport.context import RunContext

logger = logging.getLogger("step.relay")

_SESSION_SCHEME = "http+api://"  # relay-sdk's own name for the metadata service
_SPEC_ERRORS = (  # what the SDK, and this module's adapter, raise for a response that is no spec
    UnresolvableException,
    UnexpectedResponseError,
    ValueError,
    TypeError,
    KeyError,
    RecursionError,
)


_SERVICE = "the metadata service"
_READ = RetryableCall("read the spec", _SERVICE, Idempotency.SAFE)
_PUBLISH = RetryableCall(
    "publish the output", _SERVICE, Idempotency.IDEMPOTENT, finish_after_sigterm=True
)
_LINK = RetryableCall("set the link", _SERVICE, Idempotency.IDEMPOTENT)
_CONFLICT = frozenset({409})
# By the first part of the path: the call, statuses that are retried beyond 429 and 5xx, and the
# limit in seconds for each timeout and for all attempts.
_CALLS = {
    "spec": (_READ, frozenset[int](), math.inf),
    "outputs": (_PUBLISH, _CONFLICT, math.inf),
    "decorators": (_LINK, _CONFLICT, MAX_LINK_RETRY_TIME),
}


class RelayEngine:
    """Relay's metadata service; its URL contains the step's token."""

    def __init__(self, url: str, context: RunContext) -> None:
        """Prepare the SDK's session.

        Raises:
            ConfigError: the URL is not valid.
        """
        if not _is_valid(url):
            raise ConfigError(
                "METADATA_API_URL is not a URL of the form http://:TOKEN@HOST:PORT.",
                fix="Leave the variable as Relay sets it, or copy it from the sandbox.",
            )
        self._adapter = _MetadataAdapter(url, context)
        self._interface = Interface(api_url=url, configure_logging=False)
        session = self._interface._client  # noqa: SLF001  the SDK gives its session no public name
        session.trust_env = False  # no proxy, no .netrc
        session.verify = context.verify
        session.mount(_SESSION_SCHEME, self._adapter)

    def read_spec(self) -> object:
        """Return the spec, its references resolved."""
        try:
            return self._interface.get()
        except _SPEC_ERRORS as error:
            from engines.relay_errors import spec_error  # noqa: PLC0415  failed runs only

            raise spec_error(error, self._adapter.spec_document) from error

    def check_outputs(self) -> None:
        """Do nothing: the metadata service has no call that checks without publishing."""

    def publish(self, output: Output) -> None:
        """Set every output that has a value, and the link."""
        try:
            for name, value in output.values.items():
                if value is not None:
                    self._interface.outputs.set(name, value)
        except StepError as error:
            raise _output_error(output, error) from error
        link = output.link
        if link:
            try:
                self._interface.decorators.set_link(link.name, link.label, link.url)
            except StepError as error:
                logger.warning("Relay did not accept the link: %s", error.what)


class _MetadataAdapter(MetadataAPIAdapter):  # type: ignore[misc]  # relay-sdk ships no types
    """Sends the SDK's calls, under the retry policy.

    Attributes:
        spec_document: the whole response to the call for the spec; None before it.
    """

    def __init__(self, url: str, context: RunContext) -> None:
        super().__init__(base_url=url)
        self._context = context
        self.spec_document: object = None

    def send(
        self,
        request: requests.PreparedRequest,
        *_: object,
        **options: Any,  # noqa: ANN401  passed on to requests as they are
    ) -> requests.Response:
        """Make a call; return a response whose status is below 300.

        Raises:
            StepError: there is none.
        """
        context = self._context
        call, retry_statuses, max_time = _CALLS[urlsplit(request.url or "").path.split("/")[1]]
        timeout = tuple(min(limit, max_time) for limit in context.timeout)
        options |= {"stream": True, "timeout": timeout, "proxies": {}}

        def send() -> requests.Response:
            response: requests.Response = super(_MetadataAdapter, self).send(request, **options)
            return response

        def attempt() -> requests.Response:
            response = send_once(send, context, retry_statuses=retry_statuses)
            if not response.ok:
                from engines.relay_errors import call_error  # noqa: PLC0415  failed runs only

                raise call_error(response, call.purpose)
            if call is _READ:
                self.spec_document = json_body(response)
            return response

        budget = RetryBudget(context.settings, context.clock, max_time)
        return retry_call(call, attempt, budget)


def _output_error(output: Output, error: StepError) -> StepError:
    """Return the error of a run whose output Relay did not accept."""
    is_unknown = error.status == HTTPStatus.UNAUTHORIZED
    cause = "the outputs of a run are limited to 1 MiB in all, or the metadata service is down"
    failure = output.error(
        "Relay did not accept the output.",
        details=(error.what, *error.details),
        cause=error.cause if is_unknown else cause,
        status=error.status,
    )
    if is_unknown and output.applied == "no":
        failure.fix = error.fix  # otherwise the run must not be repeated
    return failure


def _is_valid(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
