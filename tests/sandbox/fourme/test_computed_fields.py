"""The fields of a request that 4me itself changes with an update."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import FourMeOptions
from sandbox.fourme.data_files import sample

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from sandbox import Sandbox

COMPLETED = {"status": "completed", "completion_reason": "solved"}
WAITING = {"status": "waiting_for_customer"}


def _after(
    client: requests.Session, start: Callable[..., Sandbox], token: object, body: object
) -> tuple[object, object]:
    """Update a request of team 17 that has no member; return the ids of its team and member."""
    data = sample()
    data["tokens"] = {"demo-token": token}
    url = f"{start(fourme=FourMeOptions(data=data)).fourme_url}/v1/requests/80339"
    response = client.patch(url, json=body)
    assert response.status_code == 200
    after = client.get(url).json()
    assert after == response.json()
    member = after["member"]
    return after["team"]["id"], member and member["id"]


@pytest.mark.parametrize("body", [COMPLETED, WAITING])
def test_a_request_moves_to_the_callers_team(
    client: requests.Session, start: Callable[..., Sandbox], body: object
) -> None:
    """Completed, or set to wait for the customer, by a person of another team."""
    token = {"account": "wdc", "person": 6, "roles": ["specialist"], "team": 13}
    assert _after(client, start, token, body) == (13, 6)


@pytest.mark.parametrize(
    ("team", "body", "expected"),
    [
        (None, COMPLETED, (17, None)),
        (17, COMPLETED, (17, None)),
        (13, {**COMPLETED, "team_id": 17, "member_id": 58}, (17, 58)),
        (13, {**COMPLETED, "team_id": 14}, (14, None)),
        (13, {**WAITING, "member_id": 58}, (17, 58)),
        (13, {"status": "assigned"}, (17, None)),
        (13, {"status": "in_progress", "note": "x"}, (17, None)),
        (13, {"impact": "low"}, (17, None)),
    ],
)
def test_a_request_stays_with_its_team(
    client: requests.Session,
    start: Callable[..., Sandbox],
    team: int | None,
    body: object,
    expected: tuple[object, object],
) -> None:
    """Otherwise, and if the data do not say which team the caller has, nothing moves."""
    token: dict[str, object] = {"account": "wdc", "person": 6, "roles": ["specialist"]}
    token |= {} if team is None else {"team": team}
    assert _after(client, start, token, body) == expected


def test_a_completed_request_does_not_move_again(
    client: requests.Session, start: Callable[..., Sandbox]
) -> None:
    """The same status sent again changes nothing, so it moves nothing."""
    data = sample()
    data["tokens"] = {
        "demo-token": {"account": "wdc", "person": 6, "roles": ["specialist"], "team": 17}
    }
    url = f"{start(fourme=FourMeOptions(data=data)).fourme_url}/v1/requests/68673"
    assert client.patch(url, json=COMPLETED).json()["team"]["id"] == 13
