"""Data of a 4me in which a monitoring system has opened a request, for samples with alerts."""

from __future__ import annotations

from typing import Any

from sandbox.fourme.data_files import sample
from tests.step_process import REQUEST_ID

ALERT = "alert-1187"


def alerted_data() -> dict[str, Any]:
    """Return the sandbox's data, in which an alert is the source of the request."""
    data: dict[str, Any] = sample()
    (request,) = (each for each in data["requests"] if each["id"] == REQUEST_ID)
    request.update(source="Monitoring", sourceID=ALERT)
    return data
