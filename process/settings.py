"""All defaults and limits of the step, and the environment variables that change some of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from process.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Times are in seconds.
MAX_RETRY_TIME = 300.0
MAX_THROTTLE_TIME = 3660.0
CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
MAX_LINK_RETRY_TIME = 10.0  # setting Relay's view link is optional and must not delay a run
INITIAL_BACKOFF = 0.5
MAX_BACKOFF = 30.0
INITIAL_RATE_LIMIT_BACKOFF = 2.0
# After a failed attempt, how long the server may still be processing it.
PROCESSING_TIME = 10.0
TIMEOUT_PROCESSING_TIME = 30.0  # likewise, after a timeout
# After SIGTERM, for the call in flight and for publishing; Kubernetes kills after 30.
TERMINATION_TIME = 20.0
# How long a host name that does not resolve is retried; DNS may lag behind.
MAX_UNKNOWN_HOST_TIME = 15.0
MAX_INVALID_RESPONSES = 3  # attempts to read something whose complete response is not JSON
MAX_VERIFICATION_TIME = 300.0  # for reading all notes of a request once
MAX_NOTES = 2000  # notes of a request that are searched for the one that may have been added
MAX_NOTE_PAGES = 100  # likewise, where a server's pages are smaller than requested
MAX_REQUEST_PAGES = 50  # of a list of requests that is searched for one of them
CLOCK_TOLERANCE = 10.0  # between a server's `Date` and its `created_at`
# A matching note may be this much older than the attempt that added it: clocks differ.
MAX_CLOCK_DIFFERENCE = 300.0
PROGRESS_INTERVAL = 5.0  # between two log lines about one upload
MIN_UPLOAD_RATE = 50_000  # bytes a second; a slower upload times out
MAX_SETTING = 86_400.0
MAX_RESPONSE_BYTES = 64 * 1024 * 1024
MAX_LINE_BYTES = 4 * 1024  # Relay's log reader stops at 64 KiB
NOTES_PER_PAGE = 100
REQUESTS_PER_PAGE = 100


# The environment variables for numbers of seconds, in the order of the fields of `Settings`:
# default, minimum (the maximum is `MAX_SETTING`), meaning.
VARIABLES = {
    "FOURME_MAX_RETRY_TIME": (
        MAX_RETRY_TIME,
        0,
        "how long one call may be tried again, rate limits apart; 0: never",
    ),
    "FOURME_MAX_THROTTLE_TIME": (
        MAX_THROTTLE_TIME,
        0,
        (
            "the most seconds that a run waits for rate limits (429, 503), slow responses "
            "included; 0: never"
        ),
    ),
    "FOURME_CONNECT_TIMEOUT": (CONNECT_TIMEOUT, 0.01, "how long connecting may take"),
    "FOURME_READ_TIMEOUT": (
        READ_TIMEOUT,
        0.01,
        "the most seconds between two bytes of a response, and for a whole one",
    ),
}


class Settings(NamedTuple):
    """The time limits of one run, in seconds, and the CAs that it trusts."""

    retry_time: float = MAX_RETRY_TIME  # for one call
    rate_limit_time: float = MAX_THROTTLE_TIME  # for all rate limits of a run
    connect_timeout: float = CONNECT_TIMEOUT
    read_timeout: float = READ_TIMEOUT  # between two bytes, and for a whole response
    ca_bundle: str | None = None  # a PEM file or a folder; None: the CAs that requests ships

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Settings:
        """Return the settings that the environment has; unset or empty variables mean the default.

        Raises:
            ConfigError: the value of a variable is not a number in its range.
        """
        ca_bundle = environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or None
        retry, throttle, connect, read = (_seconds(environ, name) for name in VARIABLES)
        return cls(retry, throttle, connect, read, ca_bundle)


def _seconds(environ: Mapping[str, str], name: str) -> float:
    default, minimum, _ = VARIABLES[name]
    text = environ.get(name, "").strip()
    if not text:
        return default
    is_number = re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", text)
    if is_number and minimum <= float(text) <= MAX_SETTING:
        return float(text)
    raise ConfigError(
        f"The environment variable {name} is {text!r}, which is not a number of seconds "
        f"from {minimum:g} to {MAX_SETTING:g}.",
        fix=f"Set {name} to such a number, or leave it out for {default:g}.",
    )
