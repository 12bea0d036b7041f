"""The fields of a note, and generated histories of notes."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

Note = dict[str, object]

_AGE = timedelta(days=1)  # of the newest note of a history
_INTERVAL = timedelta(minutes=1)
_ROBOT: Note = {"id": 57, "name": "Deployment Robot"}


def complete(note: Note, account: Note) -> Note:
    """Return a note with all fields of the API (as in recorded responses).

    Args:
        note: The fields that differ from the defaults.
        account: The account of its author, `{id, name}`.
    """
    node = base64.b64encode(f"4me.com/Note/{note['id']}".encode()).decode("ascii").rstrip("=")
    internal = {"internal_account": dict(account)} if note.get("internal") else {}
    # `default` is what a note of an API call was recorded with.
    defaults: Note = {"medium": "default", "attachments": [], "nodeID": node, **internal}
    return {**defaults, **note, "account": dict(account)}


def history(count: int, first_id: int, now: datetime) -> Iterator[Note]:
    """Yield old notes, oldest first, a minute apart; the newest is a day old.

    Args:
        count: How many.
        first_id: The id of the oldest one; the others follow.
        now: The service's time.
    """
    oldest = now - _AGE - _INTERVAL * count
    for number in range(count):
        yield {
            "id": first_id + number,
            "text": f"Older note {number + 1}",
            "internal": bool(number % 2),
            "created_at": (oldest + _INTERVAL * number).isoformat(timespec="seconds"),
            "person": dict(_ROBOT),
        }
