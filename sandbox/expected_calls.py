"""The calls to 4me that a step with a certain spec is expected to make before it sends an update.

Only rules with `refused` need them: a port has to be closed before the call that is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_ATTACHMENTS = ("note_attachments", "internal_note_attachments", "custom_fields_attachments")
_SOURCES = {"content", "content_base64", "path"}
_NOTES = {"note", "internal_note"}
_LINKED = {"ci", "ci_id", "knowledge_article", "knowledge_article_id"}


def reading_calls(spec: object) -> tuple[str, ...]:
    """Return the names of the calls that read, in order; empty for a plain update."""
    fields = spec if isinstance(spec, dict) else {}
    request = fields.get("request")
    sent: Mapping[str, Any] = request if isinstance(request, dict) else {}
    gets_request = bool(fields) and not sent
    compares = fields.get("mode") in ("ensure", "preview")
    needed = {
        "search": "find" in fields,
        "read": gets_request or compares or "only_if" in fields,
        "linked": compares and _LINKED & sent.keys(),
        "verification": bool(fields.get("notes")) or (compares and _NOTES & sent.keys()),
    }
    return tuple(name for name, is_needed in needed.items() if is_needed)


def upload_count(spec: object) -> int:
    """Return how many files are uploaded."""
    request = spec.get("request") if isinstance(spec, dict) else None
    if not isinstance(request, dict):
        return 0
    items: list[object] = []
    for name in _ATTACHMENTS:
        value = request.get(name)
        items.extend(value if isinstance(value, list) else [value])
    return sum(1 for item in items if isinstance(item, dict) and _SOURCES & set(item))
