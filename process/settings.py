"""Every default of the step, and the environment variables that change some of them."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from process.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Seconds, unless the name says otherwise.
MAX_RETRY_TIME = 300.0
MAX_THROTTLE_TIME = 3660.0
CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
MAX_LINK_RETRY_TIME = 10.0  # a link is a courtesy: it must not hold up a run
INITIAL_BACKOFF = 0.5
MAX_BACKOFF = 30.0
INITIAL_RATE_LIMIT_BACKOFF = 2.0
SETTLE_TIME = 10.0  # after a failure, how long a server may still be at work on what it was sent
TIMEOUT_SETTLE_TIME = 30.0  # the same after no answer in time
TERMINATION_TIME = (
    20.0  # after a signal, for the call in flight and for publishing; Kubernetes kills after 30
)
MAX_UNKNOWN_HOST_TIME = (
    15.0  # how long a host that the resolver does not know is tried; DNS may lag behind
)
MAX_INVALID_RESPONSES = 3  # how often something is read that is answered whole, but not in JSON
MAX_VERIFICATION_TIME = 300.0  # for reading all notes once
MAX_NOTES = 2000  # of a request's history that are looked through for one that may have arrived
MAX_NOTE_PAGES = 100  # the same, where a server makes its pages smaller than asked
CLOCK_TOLERANCE = 10.0  # between a server's `Date` and its `created_at`
MAX_CLOCK_DIFFERENCE = (
    300.0  # a note like ours that much older than the attempt may be ours: clocks differ
)
PROGRESS_INTERVAL = 5.0  # between two lines about one upload
MIN_UPLOAD_RATE = 50_000  # bytes a second; what is slower counts as no answer
MAX_SETTING = 86_400.0
MAX_RESPONSE_BYTES = 64 * 1024 * 1024
MAX_LINE_BYTES = 4 * 1024  # Relay's log reader stops at 64 KiB
NOTES_PER_PAGE = 100


_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


@dataclass(frozen=True)
class Variable:
    """An environment variable that holds a number of seconds."""

    name: str
    default: float
    smallest: float
    meaning: str


RETRY_TIME_VARIABLE = Variable(
    "FOURME_MAX_RETRY_TIME",
    MAX_RETRY_TIME,
    0,
    "how long one call may be tried again, rate limits apart; 0: never",
)
THROTTLE_TIME_VARIABLE = Variable(
    "FOURME_MAX_THROTTLE_TIME",
    MAX_THROTTLE_TIME,
    0,
    "how long rate limits (429, 503) may hold up a run, slow refusals included; 0: never",
)
CONNECT_TIMEOUT_VARIABLE = Variable(
    "FOURME_CONNECT_TIMEOUT", CONNECT_TIMEOUT, 0.01, "how long connecting may take"
)
READ_TIMEOUT_VARIABLE = Variable(
    "FOURME_READ_TIMEOUT", READ_TIMEOUT, 0.01, "how long an answer may be silent, and may take"
)
VARIABLES = (
    RETRY_TIME_VARIABLE,
    THROTTLE_TIME_VARIABLE,
    CONNECT_TIMEOUT_VARIABLE,
    READ_TIMEOUT_VARIABLE,
)


@dataclass(frozen=True)
class Settings:
    """What one run may spend on its calls, in seconds, and which CAs it trusts.

    Attributes:
        retry_time: budget for repeating one call.
        throttle_time: budget for waiting on rate limits, for one call.
        connect_timeout: limit for connecting.
        read_timeout: limit for silence, and for reading one answer.
        ca_bundle: a PEM file or folder of trusted CAs; None: the ones that come along.
    """

    retry_time: float = MAX_RETRY_TIME
    throttle_time: float = MAX_THROTTLE_TIME
    connect_timeout: float = CONNECT_TIMEOUT
    read_timeout: float = READ_TIMEOUT
    ca_bundle: str | None = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings of a run; an unset or empty variable means its default.

        Raises:
            ConfigError: a variable holds something else than a number in its range.
        """
        return cls(
            retry_time=_seconds(environ, RETRY_TIME_VARIABLE),
            throttle_time=_seconds(environ, THROTTLE_TIME_VARIABLE),
            connect_timeout=_seconds(environ, CONNECT_TIMEOUT_VARIABLE),
            read_timeout=_seconds(environ, READ_TIMEOUT_VARIABLE),
            ca_bundle=environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or None,
        )


def _seconds(environ: Mapping[str, str], variable: Variable) -> float:
    text = environ.get(variable.name, "").strip()
    if not text:
        return variable.default
    seconds = float(text) if _NUMBER.fullmatch(text) else math.nan
    if variable.smallest <= seconds <= MAX_SETTING:
        return seconds
    raise ConfigError(
        f"The environment variable {variable.name} is {text!r}, which is not a number of seconds "
        f"from {variable.smallest:g} to {MAX_SETTING:g}.",
        fix=f"Set {variable.name} to such a number, or leave it out for {variable.default:g}.",
    )
