"""One attempt at an HTTP call, within the limits of a run."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
import urllib3

from transport.body import LimitedBody
from transport.exceptions import classify_exception
from transport.failures import raise_for_status

if TYPE_CHECKING:
    from collections.abc import Callable

    from transport.body import RequestBody
    from transport.context import RunContext

logger = logging.getLogger("step.http")


def send_once(
    send: Callable[[], requests.Response],
    context: RunContext,
    *,
    body: RequestBody | None = None,
    retry_statuses: frozenset[int] = frozenset(),
    extra_time: float = 0.0,
) -> requests.Response:
    """Make one attempt, and read the whole answer.

    Args:
        send: sends the request with `stream=True`.
        context: gives the limits and the clock.
        body: the body, when the request has one that matters.
        extra_time: seconds that it may take longer than other calls.
        retry_statuses: statuses that mean "try again" here, beyond 429 and 5xx.

    Returns:
        an answer, read to its end, whose status is below 300 or from 400 to 499.

    Raises:
        AttemptFailed: there is no answer to work with.
        ConfigError: a redirect, an untrusted certificate, a refusing proxy.
        UnexpectedResponseError: the answer is endless.
    """
    try:
        with context.clock.time_limit(context.max_attempt_time + extra_time), send() as response:
            response.raw = LimitedBody(response.raw)
            response.content  # noqa: B018  reads the body, within the reach of this try
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise classify_exception(error, unsent=body is not None and not body.sent) from error
    logger.debug("%s %s: %s", response.request.method, _path(response), response.status_code)
    raise_for_status(response, context.clock, retry_statuses)
    return response


def _path(response: requests.Response) -> str:
    return urlsplit(response.request.url or "").path
