"""Attachments before anything is sent: which files a spec names, and what is wrong with them.

An item of an attachments field is a file that 4me's storage holds already (`key`), or one to
upload: text (`content`), any bytes (`content_base64`), or a file in the container (`path`). The
text that a field belongs to shows item 0 where it says `[note_attachments: 0]` (contract section
11).
"""

from __future__ import annotations

import base64
import binascii
import io
import mimetypes
import os
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from spec.coercion import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from spec.schema import Field, SpecSchema

_SOURCES = ("key", "content", "content_base64", "path")
_FOR_UPLOADED = frozenset({"key", "filesize", "inline", "_destroy"})
_FOR_UPLOADS = frozenset({"name", "content_type", "inline"})
_MAX_DIGITS = 9  # of an index; more is beyond any list, and beyond what Python reads
_MAX_NAME_BYTES = 255  # bytes; what file systems and storages take
_CONTENT_TYPES = {".log": "text/plain", ".yaml": "application/yaml", ".yml": "application/yaml"}
_ANY_CONTENT = "application/octet-stream"


@dataclass(frozen=True)
class File:
    """A file to upload.

    Attributes:
        field: the attachments field that names it.
        index: its place in that field.
        name: the file's name in 4me.
        content_type: its media type.
        content: its content; None when it is read from `path`.
        path: where it is in the container; empty when its content is given.
    """

    field: str
    index: int
    name: str
    content_type: str
    content: bytes | None = None
    path: str = ""

    @property
    def place(self) -> str:
        """Where the spec names it."""
        return f"request.{self.field}[{self.index}]"

    def size_now(self) -> int:
        """Return the size in bytes.

        Raises:
            OSError: the file has gone.
        """
        return os.stat(self.path).st_size if self.content is None else len(self.content)  # noqa: PTH116  pathlib costs start-up time

    def open(self) -> BinaryIO:
        """Open it for reading.

        Raises:
            OSError: the file has gone, or may not be read any more.
        """
        return open(self.path, "rb") if self.content is None else io.BytesIO(self.content)  # noqa: PTH123  the caller closes it


@dataclass(frozen=True)
class UploadedFile:
    """A file that 4me's storage holds."""

    key: str
    size: int


def attachment_problems(request: Mapping[str, Any], schema: SpecSchema) -> Iterator[Problem]:
    """Yield what is wrong with the attachments of a converted request, beyond what types say."""
    for known, items in _attachment_fields(request, schema):
        for index, item in enumerate(items):
            if isinstance(item, dict):
                yield from _item_problems(f"request.{known.name}[{index}]", item)
    for known in schema.fields.values():
        if known.shown_in:
            yield from _inline_problems(request, known, request.get(known.name))


def files_of(request: Mapping[str, Any], schema: SpecSchema) -> tuple[File, ...]:
    """Return the files to upload for a valid request, in the order of the spec."""
    return tuple(
        _file_of(known.name, index, item)
        for known, items in _attachment_fields(request, schema)
        for index, item in enumerate(items)
        if "key" not in item
    )


def attach(
    body: Mapping[str, Any],
    stored: Mapping[tuple[str, int], UploadedFile],
    schema: SpecSchema,
) -> dict[str, Any]:
    """Return the body of an update with its files as 4me's storage holds them.

    Args:
        body: the body with the attachments as the spec names them.
        stored: the uploaded files by field and index.
        schema: says which text shows which files.
    """
    attached = dict(body)
    for known, items in _attachment_fields(body, schema):
        sent = [_sent(item, stored.get((known.name, index))) for index, item in enumerate(items)]
        attached[known.name] = sent
        if sent and known.shown_in in attached:
            attached[known.shown_in] = _show_inline(attached[known.shown_in], known.name, sent)
    return attached


def _attachment_fields(
    values: Mapping[str, Any], schema: SpecSchema
) -> Iterator[tuple[Field, list[Any]]]:
    for name, value in values.items():
        known = schema.fields.get(name)
        if known is not None and known.kind == "attachments" and isinstance(value, list):
            yield known, value


def _item_problems(place: str, item: Mapping[str, Any]) -> Iterator[Problem]:
    sources = [name for name in _SOURCES if name in item]
    if len(sources) != 1:
        wrong = f"has {len(sources)} sources"
        yield Problem(place, wrong, f"Give exactly one of {', '.join(_SOURCES)}.")
        return
    allowed = _FOR_UPLOADED if sources == ["key"] else _FOR_UPLOADS | {sources[0]}
    for name in item:
        if name not in allowed and name in _FOR_UPLOADED | _FOR_UPLOADS:
            yield Problem(f"{place}.{name}", f"does not go with `{sources[0]}`", "Leave it out.")
    if sources != ["key"] and isinstance(item[sources[0]], str):
        yield from _CHECKS[sources[0]](place, item)


def _path_problems(place: str, item: Mapping[str, Any]) -> Iterator[Problem]:
    path = item["path"]
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116  likewise
        readable = stat.S_ISREG(mode) and os.access(path, os.R_OK)
        misreported = readable and _is_misreported(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        yield Problem(f"{place}.path", f"cannot be read: {path!r}: {reason}", _MOUNT)
        return
    if stat.S_ISDIR(mode):
        yield Problem(
            f"{place}.path", f"is a folder: {path!r}", "Name one file; or pack the folder."
        )
    elif not stat.S_ISREG(mode):
        yield Problem(f"{place}.path", f"is no file: {path!r}", "Name a regular file.")
    elif not readable:
        yield Problem(f"{place}.path", f"may not be read: {path!r}", "Let the step's user read it.")
    elif misreported:
        wrong = f"does not have the size that the system tells: {path!r}"
        yield Problem(f"{place}.path", wrong, _COPY)
    else:
        yield from _name_problems(f"{place}.name" if "name" in item else f"{place}.path", item)


def _is_misreported(path: str) -> bool:
    """Return whether a file does not end where the system says, as in /proc and /sys.

    Raises:
        OSError: it cannot be read.
    """
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        size = os.fstat(number).st_size
        last = os.pread(number, 1, max(size - 1, 0))
        is_as_told = len(last) == min(size, 1)
        return not is_as_told and os.fstat(number).st_size == size  # else it was being written
    finally:
        os.close(number)


_COPY = "Copy it to a regular file first, and attach the copy."
_MOUNT = "Files must be in the container: mount the volume or workspace that has it."


def _text_problems(place: str, item: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _name_problems(f"{place}.name", item)


def _base64_problems(place: str, item: Mapping[str, Any]) -> Iterator[Problem]:
    yield from _name_problems(f"{place}.name", item)
    if _decoded(item["content_base64"]) is None:
        yield Problem(f"{place}.content_base64", "is not base64", "Give plain text as `content`.")


def _name_problems(place: str, item: Mapping[str, Any]) -> Iterator[Problem]:
    name = _name_of(item)
    if not isinstance(name, str):
        return  # the judge says so
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


def _name_of(item: Mapping[str, Any]) -> Any:  # noqa: ANN401  not judged yet
    return item.get("name", os.path.basename(item.get("path", "")))  # noqa: PTH119  pathlib costs start-up time


def _decoded(text: str) -> bytes | None:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _file_of(field: str, index: int, item: Mapping[str, Any]) -> File:
    name = _name_of(item)
    content: bytes | None = None
    if "content" in item:
        content = item["content"].encode()
    elif "content_base64" in item:
        content = _decoded(item["content_base64"])
    return File(
        field,
        index,
        name,
        item.get("content_type") or content_type_of(name),
        content,
        item.get("path", ""),
    )


def content_type_of(name: str) -> str:
    """Return the media type that a file's name stands for, by what Python knows of its own."""
    ending = os.path.splitext(name)[1].lower()  # noqa: PTH122  pathlib costs start-up time
    known = mimetypes.MimeTypes(filenames=()).guess_type(name)[0]
    return _CONTENT_TYPES.get(ending) or known or _ANY_CONTENT


def _sent(item: Mapping[str, Any], stored: UploadedFile | None) -> dict[str, Any]:
    """Return an item as the API takes it."""
    if stored is None:
        return dict(item)
    inline = {"inline": item["inline"]} if "inline" in item else {}
    return {"key": stored.key, "filesize": stored.size, **inline}


def _reference(field: str) -> re.Pattern[str]:
    """Return what `[field: INDEX]` looks like in a text: the official Ruby SDK's convention."""
    return re.compile(rf"\[{field}:\s*0*([0-9]+)\s*\]")


def _inline_problems(request: Mapping[str, Any], known: Field, items: object) -> Iterator[Problem]:
    there = items if isinstance(items, list) else []
    if not there:
        return  # nothing to refer to, so it is nothing but text
    for index in _inline_indexes(request.get(known.shown_in), known.name):
        item = there[index] if index < len(there) else None
        if item is None:
            wrong = f"refers to [{known.name}: {index}], but there are {len(there)} items"
            yield Problem(f"request.{known.shown_in}", wrong, "Items are counted from 0.")
        elif isinstance(item, dict) and item.get("_destroy") is True:
            wrong = f"refers to [{known.name}: {index}], which is being removed"
            yield Problem(f"request.{known.shown_in}", wrong, "Show another item, or keep it.")


def _inline_indexes(value: object, field: str) -> Iterator[int]:
    if isinstance(value, str):
        yield from (int(number[:_MAX_DIGITS]) for number in _reference(field).findall(value))
    elif isinstance(value, list | dict):
        for member in value.values() if isinstance(value, dict) else value:
            yield from _inline_indexes(member, field)


def _show_inline(value: Any, field: str, items: list[dict[str, Any]]) -> Any:  # noqa: ANN401  any JSON value
    """Return a text, or the texts in a JSON value, with references turned into markdown."""
    if isinstance(value, list):
        return [_show_inline(member, field, items) for member in value]
    if isinstance(value, dict):
        return {name: _show_inline(member, field, items) for name, member in value.items()}
    if not isinstance(value, str):
        return value

    def show(match: re.Match[str]) -> str:
        item = items[int(match[1])]
        item["inline"] = True
        return f"![]({item['key']})"

    return _reference(field).sub(show, value)
