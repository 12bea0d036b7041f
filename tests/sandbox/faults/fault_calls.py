"""The calls that tests of faults make, and what they check."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sandbox import FOURME_HOST, document_for

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from sandbox import Sandbox

UPLOADING = document_for(
    {
        "connection": {"host": FOURME_HOST},
        "request": {"request_id": 80339, "note_attachments": [{"name": "a", "content": "b"}]},
    }
)
TIMEOUT = 0.25


def patch(client: requests.Session, sandbox: Sandbox) -> requests.Response:
    """Send an update that adds one note."""
    url = f"{sandbox.fourme_url}/v1/requests/80339"
    return client.patch(url, json={"note": "once"}, timeout=TIMEOUT, allow_redirects=False)


def spec(client: requests.Session, sandbox: Sandbox) -> requests.Response:
    """Ask for the spec."""
    url = sandbox.metadata_url.replace(f":{sandbox.metadata_token}@", "")
    headers = {"Authorization": f"Bearer {sandbox.metadata_token}"}
    return client.get(f"{url}/spec", headers=headers, timeout=TIMEOUT, allow_redirects=False)


def times_applied(sandbox: Sandbox) -> int:
    """Return how often the update is in the store."""
    return [note["text"] for note in sandbox.store.notes(80339)].count("once")


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds, 5 s at most."""
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline, "the condition does not hold after 5 s"
        time.sleep(0.005)
