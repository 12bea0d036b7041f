"""The table of all faults."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.faults import connection_effects as connection
from sandbox.faults import error_responses as errors
from sandbox.faults import invalid_responses as invalid

if TYPE_CHECKING:
    from sandbox.faults.context import Effect

REFUSED = "refused"
TLS = "tls"

_NONE, _SECONDS, _DATE = "", ":SECONDS", ":date:SECONDS"


@dataclass(frozen=True)
class Fault:
    """One kind of fault.

    Attributes:
        name: Its name in rules.
        help: What it does, in one line.
        effect: What it does to a call; None for a fault of the whole service.
        parameters: The parameters it accepts: `""` for none, `:SECONDS`, `:date:SECONDS`.
        ambiguous: Whether the caller can't know if the call was processed.
        response_intact: Whether the caller gets the regular response all the same.
    """

    name: str
    help: str
    effect: Effect | None = None
    parameters: tuple[str, ...] = (_NONE,)
    ambiguous: bool = False
    response_intact: bool = False


_STATUS_PARAMETERS = {429: (_NONE, _SECONDS, _DATE), 503: (_NONE, _SECONDS)}
_STATUS_NOTES = {
    429: ", Retry-After as SECONDS or as the date in SECONDS",
    500: ", with a line of 70,000 characters",
    502: ", as nginx's HTML page",
    503: ", Retry-After if SECONDS are given",
    522: ", as Cloudflare's HTML page",
    524: ", as Cloudflare's HTML page",
    598: ", as a proxy's HTML page",
    599: ", as a proxy's HTML page",
}
_STATUSES = (400, 401, 403, 404, 408, 409, 418, 422, 429, 500, 502, 503, 504, 522, 524, 598, 599)
_STATUSES_AFTER = (408, 500, 502, 503, 504, 524)
_AMBIGUOUS = (408, 500, 502, 504, 522, 524, 598, 599)


def _status_faults() -> list[Fault]:
    return [
        Fault(
            str(status),
            f"answer {status}{_STATUS_NOTES.get(status, '')}; not processed",
            errors.status(status),
            parameters=_STATUS_PARAMETERS.get(status, (_NONE,)),
            ambiguous=status in _AMBIGUOUS,
        )
        for status in _STATUSES
    ] + [
        Fault(
            f"{status}-after",
            f"answer {status} after processing",
            errors.status_after(status),
            ambiguous=True,
        )
        for status in _STATUSES_AFTER
    ]


def _lost_responses() -> list[Fault]:
    return [
        Fault(name, help_line, effect, ambiguous=True)
        for name, help_line, effect in (
            ("reset-before", "TCP reset; not processed", connection.reset_before),
            ("reset-after", "TCP reset after processing", connection.reset_after),
            ("stall-before", "no answer for 120 s; not processed", connection.stall_before),
            ("stall-after", "no answer for 120 s after processing", connection.stall_after),
            ("late", "no answer; processed once the client has gone", connection.late),
            ("truncated", "processed; half of the answer, then the end", connection.truncated),
            ("truncated-gzip", "the same with a gzip answer", connection.truncated_gzip),
            ("html", "processed; the answer is an HTML page", invalid.html),
            ("invalid-json", "processed; the answer is not JSON", invalid.invalid_json),
            ("not-a-request", "processed; the answer is a JSON list", invalid.not_a_request),
            # Python's HTTP client takes an unknown interim response for the final one.
            ("103", "processed; an interim answer comes before the final one", invalid.early_hints),
            ("two-lengths", "processed; two Content-Length that differ", invalid.two_lengths),
            ("deep", "processed; the answer is nested 900 levels deep", invalid.deep),
        )
    ]


def _table() -> dict[str, Fault]:
    faults = [
        Fault(
            REFUSED,
            "the port is closed when the call comes; opened again after SECONDS if given",
            parameters=(_NONE, _SECONDS),
        ),
        *_lost_responses(),
        *_status_faults(),
        Fault(
            "502-late",
            "answer 502 at once; processed after SECONDS",
            errors.bad_gateway_late,
            parameters=(_SECONDS,),
            ambiguous=True,
        ),
        Fault(
            "500-busy",
            "answer 500 that says Too Many Requests, Retry-After if SECONDS; not processed",
            errors.busy,
            parameters=(_NONE, _SECONDS),
        ),
        Fault("s3-timeout", "answer S3's 400 RequestTimeout; not processed", errors.s3_timeout),
        Fault("s3-slow-down", "answer S3's 503 SlowDown; not processed", errors.s3_slow_down),
        Fault("redirect", "307 to another host; not processed", errors.redirect),
        Fault(
            "slow",
            "processed; the answer comes after SECONDS",
            connection.slow,
            parameters=(_SECONDS,),
            response_intact=True,
        ),
        Fault(
            "none",
            "no fault: to let some calls pass first",
            connection.none,
            response_intact=True,
        ),
        Fault(
            "trickle",
            "processed; the answer byte by byte, five a second",
            connection.trickle,
            response_intact=True,
        ),
        Fault(TLS, "the whole service speaks TLS, with a certificate that nobody trusts"),
    ]
    return {fault.name: fault for fault in faults}


#: Every fault, by name.
FAULTS = _table()
