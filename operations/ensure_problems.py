"""What of an update cannot be ensured: done exactly once, whatever happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from operations.note_history import is_image, is_recognisable, with_images
from operations.payload import NOTES
from spec.attachments import file_name_of
from spec.problems import Problem
from spec.values import has_zone

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from spec.coercion import CoercedSpec
    from spec.schema import SpecSchema

_CANNOT = "cannot be ensured"
_REASONS = {
    "additional_fields": "Use `mode: update`: fields that the step does not know are not compared.",
    "custom_fields_attachments": "Use `mode: update`: a request does not show which of its files "
    "belong to its custom fields.",
}
_RECOGNISED = "by its text the step recognises it, and knows that what came with it is there."


def ensure_problems(coerced: CoercedSpec, schema: SpecSchema) -> Iterator[Problem]:
    """Yield what of a coerced request cannot be ensured."""
    request = coerced.spec["request"]
    for name, reason in _REASONS.items():
        if request.get(name):
            yield Problem(f"request.{name}", _CANNOT, reason)
    for name in coerced.cleared:
        if not schema.fields[name].idempotent:
            yield Problem(f"request.{name}", _CANNOT, "Leave it out, or use `mode: update`.")
    for name, value in request.items():
        field = schema.fields.get(name)
        if field and field.kind == "datetime" and isinstance(value, str) and not has_zone(value):
            hint = "Give it one, such as Z or +01:00: the zone of the token's user is not known."
            yield Problem(f"request.{name}", "has no time zone, so it cannot be compared", hint)
    for field in schema.fields.values():
        if field.inline_in in NOTES:
            yield from _note_problems(request, field.inline_in, field.name)
    yield from _time_problems(request, coerced.cleared)


def _note_problems(
    request: Mapping[str, Any], name: str, attachments_name: str
) -> Iterator[Problem]:
    items, text = request.get(attachments_name), request.get(name)
    items = items if isinstance(items, list) else []
    for index, item in enumerate(items):
        if isinstance(item, dict):
            yield from _item_problems(f"request.{attachments_name}[{index}]", item)
    if items and text is None:
        hint = f"Add a `{name}`: {_RECOGNISED}"
        yield Problem(f"request.{attachments_name}", f"{_CANNOT} without `{name}`", hint)
    if isinstance(text, str) and text.strip():
        stored = with_images(text, attachments_name) if items else text
        if not is_recognisable(stored):
            hint = "Add some words: another note of images would look the same."
            yield Problem(f"request.{name}", "has nothing but images", hint)


def _item_problems(path: str, item: Mapping[str, Any]) -> Iterator[Problem]:
    if item.get("_destroy") is True:
        yield Problem(f"{path}._destroy", _CANNOT, "Use `mode: update` to remove a file.")
    name = item.get("key", file_name_of(item))
    if isinstance(name, str) and not is_image(f"![]({name})"):
        wrong = f"has the name {name!r}, with which an image in a note is not recognised"
        yield Problem(path, wrong, "Give it a `name` without parentheses.")


def _time_problems(request: Mapping[str, Any], cleared: Collection[str]) -> Iterator[Problem]:
    if request.get("time_spent") and not any(name in request for name in NOTES):
        hint = f"Add a `note` or an `internal_note`: {_RECOGNISED}"
        yield Problem("request.time_spent", f"{_CANNOT} without a note", hint)
    name = "time_spent_effort_class"
    if (name in request or name in cleared) and not request.get("time_spent"):
        yield Problem(
            f"request.{name}", "goes with `time_spent`", "Add `time_spent`, or leave it out."
        )
