"""Each fault of the table: what a client gets, and whether the call was processed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from requests.exceptions import ChunkedEncodingError, InvalidHeader, ReadTimeout

from sandbox import FAULTS
from tests.sandbox.faults.fault_calls import patch, times_applied

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox


LOST = {
    "reset-before": (requests.ConnectionError, 0),
    "reset-after": (requests.ConnectionError, 1),
    "stall-before": (ReadTimeout, 0),
    "stall-after": (ReadTimeout, 1),
    "truncated": (ChunkedEncodingError, 1),
    "truncated-gzip": (ChunkedEncodingError, 1),
    "two-lengths": (InvalidHeader, 1),
}


STATUSES = [name for name in FAULTS if name.isdigit() and name != "103"]


RESPONSES = {
    "html": (200, 1),
    "invalid-json": (200, 1),
    "not-a-request": (200, 1),
    "redirect": (307, 0),
    **{status: (int(status), 0) for status in STATUSES},
    **{f"{status}-after": (status, 1) for status in (408, 500, 502, 503, 504, 524)},
    "500-busy": (500, 0),
    "deep": (200, 1),
    "s3-timeout": (400, 0),
    "s3-slow-down": (503, 0),
}


OTHERS = {
    "103",
    "refused",
    "late",
    "502-late",
    "none",
    "slow",
    "trickle",
    "tls",
}  # each has a test of its own


def test_every_fault_is_tested() -> None:
    """A new fault in the table needs a test here."""
    assert {*LOST, *RESPONSES, *OTHERS} == set(FAULTS)
    assert {"408", "522", "524", "598", "599"} < set(STATUSES)


def test_ambiguous_faults() -> None:
    """A status is ambiguous if the call may have been processed all the same."""
    ambiguous = {name for name, fault in FAULTS.items() if fault.ambiguous}
    assert {"103", "408", "408-after", "522", "524", "524-after", "598", "599"} < ambiguous
    assert {"two-lengths", "deep"} < ambiguous
    assert not ambiguous & {"500-busy", "s3-timeout", "s3-slow-down", "429", "503"}


@pytest.mark.parametrize("fault", LOST)
def test_lost_responses(
    start: Callable[..., Sandbox],
    client: requests.Session,
    caplog: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    """The client gets no complete response; the update is applied or not, as the fault says."""
    error, applied = LOST[fault]
    sandbox = start(f"patch={fault}")
    with pytest.raises(error):
        patch(client, sandbox)
    assert times_applied(sandbox) == applied
    assert sandbox.calls[0].fault == fault
    assert patch(client, sandbox).status_code == 200
    assert caplog.records == []


@pytest.mark.parametrize("fault", RESPONSES)
def test_error_and_invalid_responses(
    start: Callable[..., Sandbox], client: requests.Session, fault: str
) -> None:
    """The client gets the status; the update is applied or not, as the fault says."""
    status, applied = RESPONSES[fault]
    sandbox = start(f"patch={fault}")
    response = patch(client, sandbox)
    assert (response.status_code, times_applied(sandbox)) == (status, applied)
    assert (sandbox.calls[0].fault, sandbox.calls[0].status) == (fault, status)
    assert patch(client, sandbox).status_code == 200
