"""The fields of a request that 4me itself changes with an update."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


#: The statuses that need a team and a member.
_NEED_TEAM = ("completed", "waiting_for_customer")


def reassignment(
    before: Mapping[str, object],
    values: Mapping[str, object],
    person: Mapping[str, object],
    team: Mapping[str, object] | None,
) -> dict[str, object]:
    """Return the team and member that a request is moved to.

    As documented in 4me's help: a request that is completed, or waits for the customer, moves to a
    team of the caller if the caller is not a member of its team. Assumptions: not if a team or a
    member was sent, nor if the status stays; and the member is then the caller.

    Args:
        before: The request before the change.
        values: The new values that were sent.
        person: The caller.
        team: The caller's team; None if it is not known.
    """
    status = values.get("status")
    if team is None or status not in _NEED_TEAM or status == before["status"]:
        return {}
    former = before["team"]
    if {"team", "member"} & values.keys() or (
        isinstance(former, dict) and former["id"] == team["id"]
    ):
        return {}
    return {"team": dict(team), "member": dict(person)}


def derive(
    before: Mapping[str, object], after: Mapping[str, object], now: str
) -> dict[str, object]:
    """Return the fields that follow from a change.

    Args:
        before: The request before the change.
        after: The request with the new values.
        now: The time of the change, as a timestamp.
    """
    status = after["status"]
    derived: dict[str, object] = {
        "new_assignment": status in ("assigned", "declined"),
        "next_target_at": _next_target(after),
    }
    if status != "waiting_for":
        derived["waiting_until"] = None
    if after["team"] != before["team"]:
        derived["assignment_count"] = _count(before["assignment_count"]) + 1
    if after["provider_not_accountable"]:
        derived["provider_was_not_accountable"] = True
    return {**derived, **_completion(before, after, now)}


def _completion(
    before: Mapping[str, object], after: Mapping[str, object], now: str
) -> dict[str, object]:
    was, is_now = before["status"] == "completed", after["status"] == "completed"
    if is_now and not was:
        started = datetime.fromisoformat(str(after["created_at"]))
        minutes = (datetime.fromisoformat(now) - started).total_seconds() // 60
        return {"completed_at": now, "resolution_duration": int(minutes)}
    if was and not is_now:
        reopened = _count(before["reopen_count"]) + 1
        return {"completed_at": None, "resolution_duration": None, "reopen_count": reopened}
    return {}


def _next_target(request: Mapping[str, object]) -> object:
    if request["status"] == "completed":
        return "no_target"
    if request["desired_completion_at"] is not None:
        return request["desired_completion_at"]
    if request["status"] == "waiting_for_customer":
        return "clock_stopped"
    return request["resolution_target_at"] or "best_effort"


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0
