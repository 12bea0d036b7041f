"""What a PATCH of a request changes.

As recorded: unknown fields, and references sent without `_id`, are ignored silently; custom fields
are merged, and the texts `true` and `false` become booleans in them; a time without an offset is in
the user's time zone, and is returned as UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.clock import ACCOUNT_ZONE
from sandbox.fourme import fields

#: Returns the reference object of a collection and an id; None if there is none.
Finder = Callable[[str, int], Mapping[str, object] | None]

#: A field and what is wrong with it, as 4me's 422 lists them.
Problem = tuple[str, str]

_DURATION = re.compile(r"([0-9]{1,4}):([0-5][0-9])")

#: The reference that a status needs.
_PENDING = {
    "project_pending": "project",
    "reservation_pending": "reservation",
    "workflow_pending": "workflow",
}


@dataclass
class Change:
    """The effect of a PATCH body.

    Attributes:
        values: New values by field, references as objects.
        notes: The text of each note to add, by `note` and `internal_note`.
        attachments: The items of each attachments field.
        minutes: Time spent to add.
        ignored: The fields that are ignored.
        problems: What is wrong; if there is anything, nothing may be applied.
    """

    values: dict[str, object] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    attachments: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    minutes: int = 0
    ignored: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def touches_request(self) -> bool:
        """Whether `updated_at` changes: a note alone was recorded not to change it."""
        custom = self.attachments.get("custom_fields_attachments")
        return bool(self.values or self.minutes or custom)


def check(
    body: Mapping[str, object],
    current: Mapping[str, object],
    find: Finder,
    ignored_fields: Collection[str] = (),
) -> Change:
    """Validate a PATCH body.

    Args:
        body: The body.
        current: The request before the change.
        find: Looks up references.
        ignored_fields: Fields that are ignored like unknown ones.

    Returns:
        The change, with all its problems.
    """
    writable = fields.WRITABLE - frozenset(ignored_fields)
    known = {name: _minutes(name, body[name]) for name in body if name in writable}
    change = Change(ignored=[name for name in body if name not in known])
    filled = {name: value for name, value in known.items() if not _is_blank(name, value)}
    errors = fields.schema_errors(filled)
    for name, value in known.items():
        problem = errors.get(name) or (
            _add(name, value, change, find) if name in filled else _clear(name, change)
        )
        if problem is not None:
            change.problems.append((name, problem))
    custom_fields = change.values.get("custom_fields")
    if isinstance(custom_fields, list):
        change.values["custom_fields"] = _merged(current.get("custom_fields"), custom_fields)
    change.problems.extend(_conflicts({**current, **change.values}, change.values))
    return change


def _is_blank(name: str, value: object) -> bool:
    return value in (None, "") and name not in fields.BOOLEANS


def _add(name: str, value: Any, change: Change, find: Finder) -> str | None:  # noqa: ANN401 - valid by the schema
    """Add a valid value to the change; return what is wrong with a reference."""
    reference = name.removesuffix("_id")
    if reference in fields.REFERENCES:
        return _add_reference(reference, value, change, find)
    if name in fields.NOTES:
        if value.strip():  # an assumption: a blank note adds nothing
            change.notes[name] = value
    elif name in fields.ATTACHMENTS:
        change.attachments[name] = value
    elif name == "time_spent":
        change.minutes = value
    elif name not in fields.WRITE_ONLY:
        change.values[name] = _as_utc(value) if name in fields.DATETIMES else value
    return None


def _add_reference(name: str, value: int, change: Change, find: Finder) -> str | None:
    found = find(fields.REFERENCES[name], value)
    if found is None:
        return "does not exist"
    if f"{name}_id" not in fields.WRITE_ONLY:
        change.values[name] = dict(found)
    return None


def _clear(name: str, change: Change) -> str | None:
    if name in fields.REQUIRED:
        return "can't be blank"
    if name not in fields.WRITE_ONLY:
        reference = name.removesuffix("_id")
        change.values[reference if reference in fields.REFERENCES else name] = None
    return None


def _merged(current: object, sent: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return the current custom fields, updated with those that were sent."""
    known = current if isinstance(current, list) else []
    values = {item["id"]: item["value"] for item in known}
    values.update({item["id"]: _coerced(item["value"]) for item in sent})
    return [{"id": name, "value": value} for name, value in values.items()]


def _coerced(value: object) -> object:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _conflicts(after: Mapping[str, object], values: Mapping[str, object]) -> list[Problem]:
    """Return what is inconsistent in the values that change."""
    problems: list[Problem] = []
    status = after["status"]
    needed = _PENDING.get(str(status))
    if "status" in values and needed is not None and after[needed] is None:
        problems.append(("status", f"can only be {status} when {needed} is filled in"))
    if values.get("waiting_until") is not None and status != "waiting_for":
        problems.append(("waiting_until", "can only be set when status is waiting_for"))
    return problems


def _minutes(name: str, value: object) -> object:
    """Return a duration in minutes; any other value unchanged."""
    if name not in fields.DURATIONS or not isinstance(value, str):
        return value
    match = _DURATION.fullmatch(value)
    return int(match[1]) * 60 + int(match[2]) if match else value


def _as_utc(text: str) -> str:
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=ACCOUNT_ZONE)
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
