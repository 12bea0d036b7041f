"""What a PATCH of a request may change.

As recorded: unknown fields, and references sent without `_id`, are ignored in silence; custom
fields merge, and the texts `true` and `false` become booleans in them; a time without a zone is in
the user's, and is answered as UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sandbox.clock import ACCOUNT_ZONE
from sandbox.fourme import fields

#: Finds the reference object of a collection and an id; None where there is none.
Finder = Callable[[str, int], Mapping[str, object] | None]

#: Says what is wrong with a value; None where nothing is.
Judge = Callable[[object], str | None]

#: A field and what is wrong with it, as 4me's 422 lists them.
Problem = tuple[str, str]

_NOTE_LIMIT = 65_536  # bytes
_LONGEST_CUSTOM_ID = 255
_DATETIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:?[0-9]{2})?"
)
_DURATION = re.compile(r"([0-9]{1,4}):([0-5][0-9])")

#: The reference that a status needs.
_PENDING = {
    "project_pending": "project",
    "reservation_pending": "reservation",
    "workflow_pending": "workflow",
}


@dataclass
class Change:
    """What a valid PATCH body comes to.

    Attributes:
        values: New values by field, references as objects.
        notes: The text of each note to add, by `note` and `internal_note`.
        attachments: The items of each attachments field.
        minutes: Time spent to add.
        ignored: The fields that are ignored.
        problems: What is wrong; nothing may be applied when there is any.
    """

    values: dict[str, object] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    attachments: dict[str, list[dict[str, object]]] = field(default_factory=dict)
    minutes: int = 0
    ignored: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def touches_request(self) -> bool:
        """Whether `updated_at` moves: a note alone was recorded not to move it."""
        custom = self.attachments.get("custom_fields_attachments")
        return bool(self.values or self.minutes or custom)


def check(body: Mapping[str, object], current: Mapping[str, object], find: Finder) -> Change:
    """Judge a PATCH body.

    Args:
        body: The body.
        current: The request as it is.
        find: Finds references.

    Returns:
        The change, with all its problems.
    """
    change = Change()
    for name, value in body.items():
        problem = _take(name, value, change, find)
        if problem is not None:
            change.problems.append((name, problem))
    custom_fields = change.values.get("custom_fields")
    if isinstance(custom_fields, list):
        change.values["custom_fields"] = _merged(current.get("custom_fields"), custom_fields)
    change.problems.extend(_conflicts({**current, **change.values}, change.values))
    return change


def _take(name: str, value: object, change: Change, find: Finder) -> str | None:
    """Enter one field of the body into the change; return what is wrong with it."""
    if name in fields.NOTES:
        return _take_note(name, value, change)
    if name in fields.ATTACHMENTS:
        return _take_attachments(name, value, change)
    reference = name.removesuffix("_id")
    if reference != name and reference in fields.REFERENCES:
        return _take_reference(reference, value, change, find)
    judge = _judge_of(name)
    if judge is None:
        change.ignored.append(name)
        return None
    return _take_value(name, value, change, judge)


def _take_value(name: str, value: object, change: Change, judge: Judge) -> str | None:
    if value is None or value == "":
        return _clear(name, change)
    problem = judge(value)
    if problem is not None:
        return problem
    if name == "time_spent":
        minutes = _minutes(value)
        change.minutes = minutes if isinstance(minutes, int) else 0
    elif name not in fields.WRITE_ONLY:
        change.values[name] = _as_answered(name, value)
    return None


def _as_answered(name: str, value: object) -> object:
    """Return a valid value as 4me answers it."""
    if name == "planned_effort":
        return _minutes(value)
    if name not in fields.DATETIMES:
        return value
    moment = datetime.fromisoformat(str(value))
    moment = moment if moment.tzinfo else moment.replace(tzinfo=ACCOUNT_ZONE)
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _merged(current: object, sent: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return custom fields with those that were sent put in; the others stay."""
    known = current if isinstance(current, list) else []
    values = {item["id"]: item["value"] for item in known}
    values.update({item["id"]: _coerced(item["value"]) for item in sent})
    return [{"id": name, "value": value} for name, value in values.items()]


def _coerced(value: object) -> object:
    return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def _judge_of(name: str) -> Judge | None:
    if name in fields.ENUMERATIONS:
        return lambda value: (
            None if value in fields.ENUMERATIONS[name] else "is not included in the list"
        )
    if name in fields.BOOLEANS:
        return lambda value: None if isinstance(value, bool) else "is not a boolean"
    if name in fields.STRINGS:
        return lambda value: _text_problem(value, fields.STRINGS[name])
    if name in ("planned_effort", "time_spent"):
        return lambda value: _integer_problem(_minutes(value), *fields.INTEGERS[name])
    if name in fields.INTEGERS:
        return lambda value: _integer_problem(value, *fields.INTEGERS[name])
    if name in fields.DATETIMES:
        return _datetime_problem
    return {"custom_fields": _custom_fields_problem, "checked_items": _strings_problem}.get(name)


def _clear(name: str, change: Change) -> str | None:
    if name in fields.REQUIRED:
        return "can't be blank"
    if name in fields.BOOLEANS:
        return "is not a boolean"
    if name not in fields.WRITE_ONLY:
        change.values[name] = None
    return None


def _take_note(name: str, value: object, change: Change) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return "is not a text"
    if not value.strip():
        return None  # a guess: a blank note adds nothing
    if len(value.encode("utf-8", "surrogatepass")) > _NOTE_LIMIT:
        return "is too long (maximum is 64 KB)"
    change.notes[name] = value
    return None


def _take_attachments(name: str, value: object, change: Change) -> str | None:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return "is not a list of attachments"
    known = {"key", "filesize", "inline", "_destroy"}
    for item in value:
        if not isinstance(item.get("key"), str):
            return "has an item without a key"
        if unknown := sorted(set(item) - known):
            return f"has an item with the unknown attribute {unknown[0]}"
        if not all(isinstance(item.get(flag, False), bool) for flag in ("inline", "_destroy")):
            return "has an item whose inline or _destroy is not a boolean"
    change.attachments[name] = value
    return None


def _take_reference(name: str, value: object, change: Change, find: Finder) -> str | None:
    if value is None or value == "":
        return _clear(name, change)
    if isinstance(value, bool) or not isinstance(value, int):
        return "is not an id"
    found = find(fields.REFERENCES[name], value)
    if found is None:
        return "does not exist"
    if name not in fields.WRITE_ONLY:
        change.values[name] = dict(found)
    return None


def _conflicts(after: Mapping[str, object], values: Mapping[str, object]) -> list[Problem]:
    """Return what does not fit together, among what is being changed."""
    problems: list[Problem] = []
    status = after["status"]
    needed = _PENDING.get(str(status))
    if "status" in values and needed is not None and after[needed] is None:
        problems.append(("status", f"can only be {status} when {needed} is filled in"))
    if values.get("waiting_until") is not None and status != "waiting_for":
        problems.append(("waiting_until", "can only be set when status is waiting_for"))
    return problems


def _text_problem(value: object, longest: int) -> str | None:
    if not isinstance(value, str):
        return "is not a text"
    return f"is too long (maximum is {longest} characters)" if len(value) > longest else None


def _integer_problem(value: object, least: int, greatest: int) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return "is not a number"
    if value < least:
        return f"must be greater than or equal to {least}"
    return f"must be less than or equal to {greatest}" if value > greatest else None


def _minutes(value: object) -> object:
    """Return a duration in minutes; anything else as it is."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    return int(match[1]) * 60 + int(match[2]) if match else value


def _datetime_problem(value: object) -> str | None:
    if not isinstance(value, str) or not _DATETIME.fullmatch(value):
        return "is not a date and time"
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return "is not a date and time"
    return None


def _custom_fields_problem(value: object) -> str | None:
    if not isinstance(value, list):
        return "is not a list"
    for item in value:
        if not isinstance(item, dict) or set(item) != {"id", "value"}:
            return "has an item that is not {id, value}"
        if not isinstance(item["id"], str) or not 0 < len(item["id"]) <= _LONGEST_CUSTOM_ID:
            return "has an item whose id is not a text"
    return None


def _strings_problem(value: object) -> str | None:
    is_strings = isinstance(value, list) and all(isinstance(item, str) for item in value)
    return None if is_strings else "is not a list of texts"
