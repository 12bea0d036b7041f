"""One exchange over HTTP, within the limits of a run."""

from __future__ import annotations

import json
import logging
import math
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

import requests
import urllib3

from process.errors import ConfigError, UnexpectedResponseError
from process.json_depth import MAX_DEPTH, exceeds_depth
from process.logs import quote
from process.settings import MAX_RESPONSE_BYTES
from process.signals import terminated_error
from transport.failures import AttemptFailed, classify_exception, raise_for_status, trace_id_of
from transport.retry_policy import FailureKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from process.clock import Clock
    from process.settings import Settings

logger = logging.getLogger("step.http")

_CHUNK = 64 * 1024
_JSON = re.compile(r"(?:application|text)/(?:[a-z0-9.-]+\+)?json")


class RequestBody:
    """A request body that knows whether it has left.

    Errors alone do not tell whether a server may have acted: before the whole body is out it
    cannot have. requests streams the body from here, once the connection stands.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._position = 0

    @property
    def sent(self) -> bool:
        """Whether all of the body has been handed to the connection."""
        return self._position >= len(self._content)

    def rewind(self) -> None:
        """Go back to the beginning, for the next attempt."""
        self._position = 0

    def __len__(self) -> int:
        """Return the size in bytes; requests makes Content-Length of it."""
        return len(self._content)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the content; requests recognises a stream by this."""
        yield self.read()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, all that is left by default."""
        end = len(self._content) if size < 0 else self._position + size
        piece = self._content[self._position : end]
        self._position += len(piece)
        return piece


@dataclass(frozen=True)
class RunContext:
    """What every exchange of a run has in common."""

    settings: Settings
    clock: Clock

    @property
    def timeout(self) -> tuple[float, float]:
        """The limits for connecting and for silence, as requests takes them."""
        return (self.settings.connect_timeout, self.settings.read_timeout)

    def raise_if_terminated(self) -> None:
        """Go no further when the engine has asked the step to end; for use before an update.

        Raises:
            TerminatedError: it has.
        """
        if self.clock.terminated:
            raise terminated_error()

    @property
    def longest(self) -> float:
        """The limit for one attempt as a whole: to connect, to be answered, to be told it all."""
        return self.settings.connect_timeout + 2 * self.settings.read_timeout

    @property
    def verify(self) -> bool | str:
        """What requests checks certificates against.

        Raises:
            ConfigError: the CA bundle that the environment names cannot be read.
        """
        bundle = self.settings.ca_bundle
        if bundle is None:
            return True
        try:
            if os.path.isdir(bundle):  # noqa: PTH112  pathlib costs start-up time
                os.listdir(bundle)  # noqa: PTH208  likewise
            else:
                with open(bundle, "rb") as file:  # noqa: PTH123  likewise
                    file.read(1)
        except OSError as error:
            raise ConfigError(
                f"REQUESTS_CA_BUNDLE names {quote(bundle)}, which cannot be read: "
                f"{error.strerror}.",
                fix="Mount the PEM file with your CA there, readable for the step's user, or "
                "leave the variable out.",
            ) from error
        return bundle


class ExcessiveDepthError(UnexpectedResponseError):
    """An answer is nested deeper than any sensible one."""


class _BoundedBody:
    """Reads an answer's body under a limit of size, in place of the raw stream."""

    def __init__(self, raw: urllib3.BaseHTTPResponse) -> None:
        self._raw = raw

    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        """Yield the decoded body as it comes in; requests reads it through this."""
        size = 0
        while piece := self._raw.read1(_CHUNK, decode_content=True):
            size += len(piece)
            if size > MAX_RESPONSE_BYTES:
                raise UnexpectedResponseError(
                    f"The answer is larger than {MAX_RESPONSE_BYTES} bytes.",
                    fix="Check that the host is the API's.",
                )
            yield piece

    def release_conn(self) -> None:
        self._raw.release_conn()

    def close(self) -> None:
        self._raw.close()


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
        with context.clock.time_limit(context.longest + extra_time), send() as response:
            response.raw = _BoundedBody(response.raw)
            response.content  # noqa: B018  reads the body, within the reach of this try
    except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
        raise classify_exception(error, unsent=body is not None and not body.sent) from error
    logger.debug("%s %s: %s", response.request.method, _path(response), response.status_code)
    raise_for_status(response, context.clock, retry_statuses)
    return response


def _path(response: requests.Response) -> str:
    return urlsplit(response.request.url or "").path


def json_body(response: requests.Response) -> object:
    """Return the JSON value that an answer holds.

    Raises:
        UnexpectedResponseError: it is something else, such as a web page.
        ExcessiveDepthError: it is nested absurdly deep.
        AttemptFailed: it should be JSON but is not.
    """
    content_type = response.headers.get("Content-Type", "")
    if not _JSON.fullmatch(content_type.partition(";")[0].strip().lower()):
        raise UnexpectedResponseError(
            f"{urlsplit(response.request.url or '').hostname} answered with "
            f"{_kind_of(content_type)} where JSON was expected.",
            cause="a login page, a proxy or another service answers in the API's place",
            fix="Check the host, and open the request to see whether it was updated.",
            status=response.status_code,
            trace_id=trace_id_of(response),
        )
    try:
        value: object = json.loads(
            response.content, parse_constant=_refuse_constant, parse_float=_finite
        )
    except RecursionError as error:
        raise _too_deep(response) from error
    except ValueError as error:
        raise AttemptFailed(
            FailureKind.INVALID_RESPONSE,
            f"it answered {response.status_code} with something that is not JSON",
            status=response.status_code,
            trace_id=trace_id_of(response),
        ) from error
    if exceeds_depth(value):
        raise _too_deep(response)
    return value


def _kind_of(content_type: str) -> str:
    """Return a content type in words; a service may put anything there."""
    kind = content_type.partition(";")[0].strip().lower()
    if re.fullmatch(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,80}", kind):
        return kind
    return "an odd content type" if content_type else "no content type"


def _too_deep(response: requests.Response) -> ExcessiveDepthError:
    return ExcessiveDepthError(
        f"{urlsplit(response.request.url or '').hostname} answered with lists and objects nested "
        f"deeper than {MAX_DEPTH} levels.",
        cause="another service answers in the API's place",
        fix="Check the host, and open the request to see whether it was updated.",
        status=response.status_code,
        trace_id=trace_id_of(response),
    )


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is too large a number")
    return number
