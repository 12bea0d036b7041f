"""Attachments before anything is sent: which files a spec names, and what is wrong with them.

An item of an attachments field is a file that 4me's storage holds already (`key`), or one to
upload: text (`content`), any bytes (`content_base64`), or a file in the container (`path`). Where
the text that a field belongs to has `[note_attachments: 0]`, item 0 is shown inline.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import stat
from typing import TYPE_CHECKING, Any

from spec.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from spec.schema import Field, SpecSchema

_SOURCES = ("key", "content", "content_base64", "path")
_STORED_FILE_KEYS = frozenset({"key", "filesize", "inline", "_destroy"})
_UPLOAD_KEYS = frozenset({"name", "content_type", "inline"})
_COPY = "Copy it to a regular file first, and attach the copy."
_MOUNT = "Files must be in the container: mount the volume or workspace that has it."
_MAX_DIGITS = 9  # of an index; more is beyond any list, and beyond what Python reads
_MAX_NAME_BYTES = 255  # bytes; what file systems and storages take


def attachment_problems(request: Mapping[str, Any], schema: SpecSchema) -> Iterator[Problem]:
    """Yield what is wrong with the attachments of a converted request, beyond what types say."""
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
    """Yield the attachments fields of a converted request that are lists, with their items."""
    for name, value in values.items():
        field = schema.fields.get(name)
        if field is not None and field.kind == "attachments" and isinstance(value, list):
            yield field, value


def _item_problems(place: str, item: Mapping[str, Any]) -> Iterator[Problem]:
    sources = [name for name in _SOURCES if name in item]
    if len(sources) != 1:
        wrong = f"has {len(sources)} sources"
        yield Problem(place, wrong, f"Give exactly one of {', '.join(_SOURCES)}.")
        return
    allowed = _STORED_FILE_KEYS if sources == ["key"] else _UPLOAD_KEYS | {sources[0]}
    for name in item:
        if name not in allowed and name in _STORED_FILE_KEYS | _UPLOAD_KEYS:
            yield Problem(f"{place}.{name}", f"does not go with `{sources[0]}`", "Leave it out.")
    if sources != ["key"] and isinstance(item[sources[0]], str):
        yield from _CHECKS[sources[0]](place, item)


def _path_problems(place: str, item: Mapping[str, Any]) -> Iterator[Problem]:
    wrong, hint = _file_problem(item["path"])
    if wrong:
        yield Problem(f"{place}.path", wrong, hint)
    else:
        yield from _name_problems(f"{place}.name" if "name" in item else f"{place}.path", item)


def _file_problem(path: str) -> tuple[str, str]:
    """Return what is wrong with a file to upload, and a hint; empty texts for a good one."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116  pathlib costs start-up time
        readable = stat.S_ISREG(mode) and os.access(path, os.R_OK)
        misreported = readable and _is_misreported(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        return f"cannot be read: {path!r}: {reason}", _MOUNT
    if stat.S_ISDIR(mode):
        return f"is a folder: {path!r}", "Name one file; or pack the folder."
    if not stat.S_ISREG(mode):
        return f"is no file: {path!r}", "Name a regular file."
    if not readable:
        return f"may not be read: {path!r}", "Let the step's user read it."
    if misreported:
        return f"does not have the size that the system reports: {path!r}", _COPY
    return "", ""


def _is_misreported(path: str) -> bool:
    """Return whether a file does not end where the system reports, as in /proc and /sys.

    Raises:
        OSError: it cannot be read.
    """
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        size = os.fstat(number).st_size
        last = os.pread(number, 1, max(size - 1, 0))
        has_end = len(last) == min(size, 1)
        return not has_end and os.fstat(number).st_size == size  # else it was being written
    finally:
        os.close(number)


def _text_problems(place: str, item: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _name_problems(f"{place}.name", item)


def _base64_problems(place: str, item: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _name_problems(f"{place}.name", item)
    if decode_base64(item["content_base64"]) is None:
        yield Problem(f"{place}.content_base64", "is not base64", "Give plain text as `content`.")


def _name_problems(place: str, item: Mapping[str, Any]) -> Iterator[Problem]:
    name = file_name_of(item)
    if not isinstance(name, str):
        return  # the schema's problem says so
    if not name:
        yield Problem(place, "is missing", "Name the file, such as build.log.")
    elif "/" in name or "\\" in name or name in (".", ".."):
        yield Problem(
            place, f"is {name!r}, which has a folder in it", "Give the file's name alone."
        )
    elif not name.isprintable() or '"' in name or len(name.encode()) > _MAX_NAME_BYTES:
        yield Problem(
            place,
            "is no name for a file",
            f"Use up to {_MAX_NAME_BYTES} bytes of printable characters without quotes.",
        )


_CHECKS: Mapping[str, Callable[[str, Mapping[str, Any]], Iterator[Problem]]] = {
    "content": _text_problems,
    "content_base64": _base64_problems,
    "path": _path_problems,
}


def file_name_of(item: Mapping[str, Any]) -> Any:  # noqa: ANN401  not validated yet
    """Return the name that a file is to have: the given one, or that of its path."""
    return item.get("name", os.path.basename(item.get("path", "")))  # noqa: PTH119  pathlib costs start-up time


def decode_base64(text: str) -> bytes | None:
    """Return what a text says in base64; None where it is no base64."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def inline_reference(name: str) -> re.Pattern[str]:
    """Return the pattern of `[name: INDEX]` in a text: the official Ruby SDK's convention."""
    return re.compile(rf"\[{name}:\s*0*([0-9]+)\s*\]")


def _inline_problems(request: Mapping[str, Any], field: Field, items: object) -> Iterator[Problem]:
    if not isinstance(items, list) or not items:
        return  # nothing to refer to, so it is nothing but text
    for index in _inline_indexes(request.get(field.inline_in), field.name):
        item = items[index] if index < len(items) else None
        if item is None:
            wrong = f"refers to [{field.name}: {index}], but there are {len(items)} items"
            yield Problem(f"request.{field.inline_in}", wrong, "Items are counted from 0.")
        elif isinstance(item, dict) and item.get("_destroy") is True:
            wrong = f"refers to [{field.name}: {index}], which is being removed"
            yield Problem(f"request.{field.inline_in}", wrong, "Show another item, or keep it.")


def _inline_indexes(value: object, name: str) -> Iterator[int]:
    if isinstance(value, str):
        yield from (int(number[:_MAX_DIGITS]) for number in inline_reference(name).findall(value))
    elif isinstance(value, list | dict):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _inline_indexes(member, name)
