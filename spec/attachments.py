"""Checks attachments before anything is sent.

An item of an attachments field is a file that 4me's storage already holds (`key`), or one to
upload: text (`content`), any bytes (`content_base64`), or a file in the container (`path`). Where
the text that a field belongs to has `[note_attachments: 0]`, item 0 is shown inline.
"""

from __future__ import annotations

import base64
import os
import re
import stat
from typing import TYPE_CHECKING, Any

from spec.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from spec.schema import Field, SpecSchema

_SOURCES = ("key", "content", "content_base64", "path")
_STORED_FILE_KEYS = frozenset({"key", "filesize", "inline", "_destroy"})
_UPLOAD_KEYS = frozenset({"name", "content_type", "inline"})
_COPY = "Copy it to a regular file first, and attach the copy."
_MOUNT = "Files must be in the container: mount the volume or workspace that has it."
_MAX_DIGITS = 9  # of an index; more is beyond any list, and beyond Python's limit
_MAX_NAME_BYTES = 255  # bytes; what file systems and storages accept


def attachment_problems(request: Mapping[str, Any], schema: SpecSchema) -> Iterator[Problem]:
    """Yield what is wrong with the attachments of a coerced request, beyond the schema."""
    for field, items in attachment_fields(request, schema):
        for index, item in enumerate(items):
            if isinstance(item, dict):
                yield from _item_problems(f"request.{field.name}[{index}]", item)
    for field in schema.fields.values():
        if field.inline_in:
            yield from _inline_problems(request, field, request.get(field.name))


def attachment_fields(
    values: Mapping[str, Any], schema: SpecSchema
) -> Iterator[tuple[Field, list[Any]]]:
    """Yield the attachments fields of a coerced request that are lists, with their items."""
    for name, value in values.items():
        field = schema.fields.get(name)
        if field is not None and field.kind == "attachments" and isinstance(value, list):
            yield field, value


def _item_problems(path: str, item: Mapping[str, Any]) -> Iterator[Problem]:
    sources = [name for name in _SOURCES if name in item]
    if len(sources) != 1:
        wrong = f"has {len(sources)} sources"
        yield Problem(path, wrong, f"Give exactly one of {', '.join(_SOURCES)}.")
        return
    allowed = _STORED_FILE_KEYS if sources == ["key"] else _UPLOAD_KEYS | {sources[0]}
    for name in item:
        if name not in allowed and name in _STORED_FILE_KEYS | _UPLOAD_KEYS:
            yield Problem(f"{path}.{name}", f"does not go with `{sources[0]}`", "Leave it out.")
    if sources != ["key"] and isinstance(item[sources[0]], str):
        yield from _upload_problems(path, item, sources[0])


def _upload_problems(path: str, item: Mapping[str, Any], source: str) -> Iterator[Problem]:
    wrong, hint = _file_problem(item["path"]) if source == "path" else ("", "")
    if wrong:
        yield Problem(f"{path}.path", wrong, hint)
        return
    wrong, hint = _name_problem(file_name_of(item))
    if wrong:
        name_key = "path" if source == "path" and "name" not in item else "name"
        yield Problem(f"{path}.{name_key}", wrong, hint)
    if source == "content_base64" and decode_base64(item[source]) is None:
        yield Problem(f"{path}.{source}", "is not base64", "Give plain text as `content`.")


def _file_problem(path: str) -> tuple[str, str]:
    """Return what is wrong with a file to upload, and a hint; empty texts for a good one."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116  pathlib costs start-up time
        readable = stat.S_ISREG(mode) and os.access(path, os.R_OK)
        misreported = readable and _has_wrong_size(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        return f"cannot be read: {path!r}: {reason}", _MOUNT
    if stat.S_ISDIR(mode):
        return f"is a folder: {path!r}", "Name one file; or pack the folder."
    if not stat.S_ISREG(mode):
        return f"is not a file: {path!r}", "Name a regular file."
    if not readable:
        return f"may not be read: {path!r}", "Let the step's user read it."
    if misreported:
        return f"does not have the size that the system reports: {path!r}", _COPY
    return "", ""


def _has_wrong_size(path: str) -> bool:
    """Return whether a file does not end where the system reports, as in /proc and /sys."""
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        size = os.fstat(number).st_size
        last = os.pread(number, 1, max(size - 1, 0))
        has_end = len(last) == min(size, 1)
        return not has_end and os.fstat(number).st_size == size  # else it was being written
    finally:
        os.close(number)


def _name_problem(name: object) -> tuple[str, str]:
    """Return what is wrong with a file's name, and a hint; empty texts for a good one."""
    if not isinstance(name, str):
        return "", ""  # the schema reports it
    if not name:
        return "is missing", "Name the file, such as build.log."
    if "/" in name or "\\" in name or name in (".", ".."):
        return f"is {name!r}, which has a folder in it", "Give the file's name alone."
    if not name.isprintable() or '"' in name or len(name.encode()) > _MAX_NAME_BYTES:
        hint = f"Use up to {_MAX_NAME_BYTES} bytes of printable characters without quotes."
        return "is not a valid file name", hint
    return "", ""


def file_name_of(item: Mapping[str, Any]) -> Any:  # noqa: ANN401  not validated yet
    """Return the name that a file is to have: the given one, or that of its path."""
    return item.get("name", os.path.basename(item.get("path", "")))  # noqa: PTH119  pathlib costs start-up time


def decode_base64(text: str) -> bytes | None:
    """Return the bytes of a base64 text; None if it is not base64."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return None


def inline_reference(name: str) -> re.Pattern[str]:
    """Return the pattern of `[name: INDEX]` in a text: the official Ruby SDK's convention."""
    return re.compile(rf"\[{name}:\s*0*([0-9]+)\s*\]")


def _inline_problems(request: Mapping[str, Any], field: Field, items: object) -> Iterator[Problem]:
    if not isinstance(items, list) or not items:
        return  # without attachments it is plain text
    path = f"request.{field.inline_in}"
    for index in _inline_indexes(request.get(field.inline_in), field.name):
        wrong = f"refers to [{field.name}: {index}], "
        item = items[index] if index < len(items) else None
        if item is None:
            wrong += f"but there are {len(items)} items"
            yield Problem(path, wrong, "Items are counted from 0.")
        elif isinstance(item, dict) and item.get("_destroy") is True:
            yield Problem(path, wrong + "which is being removed", "Show another item, or keep it.")


def _inline_indexes(value: object, name: str) -> Iterator[int]:
    if isinstance(value, str):
        yield from (int(number[:_MAX_DIGITS]) for number in inline_reference(name).findall(value))
    elif isinstance(value, list | dict):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _inline_indexes(member, name)
