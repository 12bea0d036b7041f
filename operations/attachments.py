"""The attachments of an update: its files, and how its body refers to them once uploaded."""

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
_DEFAULT_CONTENT_TYPE = "application/octet-stream"


def files_of(body: Mapping[str, Any], schema: SpecSchema) -> tuple[File, ...]:
    """Return the files to upload for an update, in the order of the spec."""
    return tuple(
        _file_of(field.name, index, item)
        for field, items in attachment_fields(body, schema)
        for index, item in enumerate(items)
        if "key" not in item
    )


def attach(
    body: Mapping[str, Any],
    uploaded: Mapping[tuple[str, int], UploadedFile],
    schema: SpecSchema,
) -> dict[str, Any]:
    """Return the body of an update with the keys of its uploaded files, by field and index."""
    attached = dict(body)
    for field, items in attachment_fields(body, schema):
        sent = [_sent(item, uploaded.get((field.name, index))) for index, item in enumerate(items)]
        attached[field.name] = sent
        if sent and field.inline_in in attached:
            attached[field.inline_in] = _show_inline(attached[field.inline_in], field.name, sent)
    return attached


def _file_of(field: str, index: int, item: Mapping[str, Any]) -> File:
    name = file_name_of(item)
    content: bytes | None = None
    if "content" in item:
        content = item["content"].encode()
    elif "content_base64" in item:
        content = decode_base64(item["content_base64"])
    content_type = item.get("content_type") or content_type_of(name)
    return File(field, index, name, content_type, content, item.get("path", ""))


def content_type_of(name: str) -> str:
    """Return the media type for a file name, independent of the machine's own tables."""
    extension = os.path.splitext(name)[1].lower()  # noqa: PTH122  pathlib costs start-up time
    known = mimetypes.MimeTypes(filenames=()).guess_type(name)[0]
    return _CONTENT_TYPES.get(extension) or known or _DEFAULT_CONTENT_TYPE


def _sent(item: Mapping[str, Any], uploaded: UploadedFile | None) -> dict[str, Any]:
    """Return an item as the API accepts it."""
    if uploaded is None:
        return dict(item)
    inline = {"inline": item["inline"]} if "inline" in item else {}
    return {"key": uploaded.key, "filesize": uploaded.size, **inline}


def _show_inline(value: Any, field: str, items: list[dict[str, Any]]) -> Any:  # noqa: ANN401  any JSON value
    """Return a text, or the texts in a JSON value, with references replaced by Markdown images."""
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
