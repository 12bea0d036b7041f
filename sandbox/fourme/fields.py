"""The fields of a request: their names, kinds and limits.

All are those of 4me's Requests API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The collection that each reference leads to.
REFERENCES: Mapping[str, str] = {
    "agile_board": "agile_boards",
    "agile_board_column": "agile_board_columns",
    "ci": "cis",
    "grouped_into": "requests",
    "knowledge_article": "knowledge_articles",
    "member": "people",
    "problem": "problems",
    "product_backlog": "product_backlogs",
    "project": "projects",
    "requested_by": "people",
    "requested_for": "people",
    "reservation": "reservations",
    "service_instance": "service_instances",
    "supplier": "organizations",
    "task": "tasks",
    "team": "teams",
    "template": "request_templates",
    "time_spent_effort_class": "effort_classes",
    "workflow": "workflows",
}

ENUMERATIONS: Mapping[str, tuple[str, ...]] = {
    "category": (
        "incident",
        "rfc",
        "rfi",
        "reservation",
        "order",
        "fulfillment",
        "complaint",
        "compliment",
        "case",
        "other",
    ),
    "completion_reason": (
        "solved",
        "workaround",
        "gone",
        "duplicate",
        "withdrawn",
        "no_reply",
        "rejected",
        "conflict",
        "declined",
        "unsolvable",
    ),
    "impact": ("low", "medium", "high", "top"),
    "major_incident_status": ("proposed", "rejected", "accepted", "resolved", "canceled"),
    "status": (
        "declined",
        "on_backlog",
        "assigned",
        "accepted",
        "in_progress",
        "waiting_for",
        "waiting_for_customer",
        "reservation_pending",
        "workflow_pending",
        "project_pending",
        "completed",
    ),
}

BOOLEANS = ("addressed", "provider_not_accountable", "reviewed", "urgent")
DATETIMES = ("desired_completion_at", "downtime_end_at", "downtime_start_at", "waiting_until")
#: The longest text of each, in characters.
STRINGS: Mapping[str, int] = {
    "closure_code": 255,
    "rfc_type": 255,
    "source": 30,
    "sourceID": 128,
    "subject": 255,
    "supplier_requestID": 255,
    "support_domain": 255,
}
#: The least and the greatest number of each.
INTEGERS: Mapping[str, tuple[int, int]] = {
    "agile_board_column_position": (1, 2**31 - 1),
    "planned_effort": (0, 600_000),
    "product_backlog_position": (1, 2**31 - 1),
    "time_spent": (0, 600_000),
}
NOTES = ("note", "internal_note")
ATTACHMENTS = ("note_attachments", "internal_note_attachments", "custom_fields_attachments")
_LISTS = ("checked_items", "custom_fields")
REQUIRED = ("subject", "category", "status", "requested_by", "requested_for", "team")

#: What can be written but is never part of an answer.
WRITE_ONLY = (
    *NOTES,
    *ATTACHMENTS,
    "time_spent",
    "time_spent_effort_class",
    "support_domain",
)

#: What only 4me itself sets, with its value in a new request.
READ_ONLY: Mapping[str, object] = {
    "assignment_count": 1,
    "attachments": None,
    "completed_at": None,
    "created_at": None,
    "created_by": None,
    "feedback": None,
    "grouping": "none",
    "id": None,
    "new_assignment": False,
    "next_target_at": "best_effort",
    "organization": None,
    "provider_was_not_accountable": False,
    "reopen_count": 0,
    "requester_resolution_target_at": None,
    "resolution_duration": None,
    "resolution_target_at": None,
    "response_target_at": None,
    "satisfaction": None,
    "updated_at": None,
}


def blank() -> dict[str, object]:
    """Return a request in which nothing is filled in."""
    written = [*REFERENCES, *ENUMERATIONS, *DATETIMES, *STRINGS, *INTEGERS, *_LISTS]
    values: dict[str, object] = dict.fromkeys(written)
    values.update(dict.fromkeys(BOOLEANS, False))
    values.update(READ_ONLY)
    first = ("id", "subject")
    names = [*first, *sorted(name for name in values if name not in (*first, *WRITE_ONLY))]
    return {name: values[name] for name in names}
