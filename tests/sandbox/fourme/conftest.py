"""A request with four notes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import FourMeOptions
from sandbox.fourme.data_files import sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Sandbox


def _note(number: int, created_at: str, person: int, **more: object) -> dict[str, object]:
    note = {"id": number, "text": f"n{number}", "internal": False, "created_at": created_at}
    return {**note, "person": {"id": person, "name": "x"}, "account": {"id": "wdc"}, **more}


@pytest.fixture
def data() -> dict[str, object]:
    """Return the sample data, where request 80339 has four notes."""
    sample_data = sample()
    sample_data["notes"] = {
        "80339": [
            _note(3, "2026-11-20T12:00:00Z", 8, medium="email"),
            _note(1, "2026-11-20T11:00:00Z", 7),
            _note(2, "2026-11-20T04:59:59-06:00", 7, internal=True),
            _note(4, "2026-11-20T12:00:00+00:00", 6, medium="ai"),
        ]
    }
    return sample_data


@pytest.fixture
def url(start: Callable[..., Sandbox], data: dict[str, object]) -> str:
    """Return the address of the notes of the request that has four."""
    return f"{start(fourme=FourMeOptions(data=data)).fourme_url}/v1/requests/80339/notes"
