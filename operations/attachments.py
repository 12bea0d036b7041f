"""The attachments of a valid request: files to upload, and how the request refers to them."""

from __future__ import annotations

import mimetypes
import os
from typing import TYPE_CHECKING, Any

from fourme.files import File, UploadedFile
from spec.attachments import attachment_fields, decode_base64, file_name_of, inline_reference

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from spec.schema import SpecSchema

_CONTENT_TYPES = {".log": "text/plain", ".yaml": "application/yaml", ".yml": "application/yaml"}
_ANY_CONTENT = "application/octet-stream"


def files_of(request: Mapping[str, Any], schema: SpecSchema) -> tuple[File, ...]:
    """Return the files to upload for a valid request, in the order of the spec."""
    return tuple(
        _file_of(known.name, index, item)
        for known, items in attachment_fields(request, schema)
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
    for known, items in attachment_fields(body, schema):
        sent = [_sent(item, stored.get((known.name, index))) for index, item in enumerate(items)]
        attached[known.name] = sent
        if sent and known.inline_in in attached:
            attached[known.inline_in] = _show_inline(attached[known.inline_in], known.name, sent)
    return attached


def _file_of(field: str, index: int, item: Mapping[str, Any]) -> File:
    name = file_name_of(item)
    content: bytes | None = None
    if "content" in item:
        content = item["content"].encode()
    elif "content_base64" in item:
        content = decode_base64(item["content_base64"])
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

    return inline_reference(field).sub(show, value)
