"""Notes as the sandbox stores them, and generated histories."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from sandbox import FourMeOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from sandbox import Sandbox


def test_a_note_has_all_fields(client: requests.Session, url: str) -> None:
    """A note that the API added has all fields, an internal one the internal account too."""
    request = url.removesuffix("/notes")
    client.patch(request, json={"note": "seen by all", "internal_note": "seen by us"})
    *_, plain, internal = client.get(url).json()
    account = {"id": "wdc", "name": "Widget Data Center"}
    assert plain == {
        "id": 5,
        "text": "seen by all",
        "internal": False,
        "medium": "default",
        "created_at": plain["created_at"],
        "person": {"id": 6, "name": "Nina Integration"},
        "account": account,
        "attachments": [],
        "nodeID": "NG1lLmNvbS9Ob3RlLzU",
    }
    assert internal == {
        **plain,
        "id": 6,
        "nodeID": "NG1lLmNvbS9Ob3RlLzY",
        "text": "seen by us",
        "internal": True,
        "internal_account": account,
    }


def test_notes_of_a_data_file_are_completed(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """Missing fields of a note in a data file are filled in, and an account gets its name."""
    notes = client.get(f"{start().fourme_url}/v1/requests/70384/notes").json()
    assert [note["account"]["name"] for note in notes] == ["Widget Data Center", "VirtualSupport"]
    assert "internal_account" not in notes[0]
    assert notes[1]["internal_account"] == {"id": "virtualsupport", "name": "VirtualSupport"}


def test_requests_can_have_a_history(start: Callable[..., Sandbox]) -> None:
    """Every request has that many old notes, a minute apart, every other one internal."""
    store = start(fourme=FourMeOptions(history=30)).store
    plain = start().store
    ids: list[object] = []
    for number in store.requests:
        known = len(plain.notes(number))
        old = store.notes(number)[::-1][known:]
        assert [note["text"] for note in old] == [f"Older note {n}" for n in range(1, 31)]
        assert [note["internal"] for note in old] == [False, True] * 15
        times = [datetime.fromisoformat(str(note["created_at"])) for note in old]
        assert {later - earlier for earlier, later in pairwise(times)} == {timedelta(minutes=1)}
        assert datetime.now(UTC) - times[-1] > timedelta(hours=23)
        ids += [note["id"] for note in old]
    assert len(ids) == len(set(ids)) == 30 * len(store.requests) > 0


def test_a_history_is_older_than_added_notes(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """A new note has a higher id than all of a history, in every request."""
    sandbox = start(fourme=FourMeOptions(history=3))
    for number in sandbox.store.requests:
        url = f"{sandbox.fourme_url}/v1/requests/{number}"
        assert client.patch(url, json={"note": "new"}).status_code == 200
        new, *old = client.get(f"{url}/notes", params={"sort": "-id"}).json()
        assert new["text"] == "new"
        assert len(old) >= 3


def test_a_server_may_rewrite_notes(
    start: Callable[..., Sandbox], client: requests.Session, data: dict[str, object]
) -> None:
    """Texts are stored as the option rewrites them; existing ones stay unchanged."""
    options = FourMeOptions(data=data, rewrite_note=lambda text: f"<p>{text}</p>")
    url = f"{start(fourme=options).fourme_url}/v1/requests/80339"
    client.patch(url, json={"note": "a", "internal_note": "b"})
    texts = [note["text"] for note in client.get(f"{url}/notes").json()]
    assert texts == ["n1", "n2", "n3", "n4", "<p>a</p>", "<p>b</p>"]
