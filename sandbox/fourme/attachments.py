"""The attachments of a request and of its notes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sandbox.fourme.changes import Problem

Object = dict[str, object]


@dataclass(frozen=True)
class Upload:
    """One uploaded file.

    Attributes:
        key: Its key in the storage.
        filename: The file name in the upload.
        content_type: The content type in the upload.
        size: Its size, in bytes.
        sha256: Its digest, in hexadecimal.
        path: Where it is until the sandbox closes.
    """

    key: str
    filename: str
    content_type: str
    size: int
    sha256: str
    path: Path


def items_of(owner: Mapping[str, object]) -> list[Object]:
    """Return the attachments of a request or a note."""
    value = owner.get("attachments")
    return value if isinstance(value, list) else []


def added(items: Sequence[Object], uploads: Iterable[Upload], now: str) -> list[Object]:
    """Return the attachments that the items of a PATCH add, as 4me returns them.

    Args:
        items: The items of one field.
        uploads: The uploaded files.
        now: The time of the change, as a timestamp.
    """
    by_key = {upload.key: upload for upload in uploads}
    return [
        {
            "key": item["key"],
            "name": by_key[str(item["key"])].filename,
            "size": by_key[str(item["key"])].size,
            "inline": bool(item.get("inline")),
            "created_at": now,
        }
        for item in items
        if not item.get("_destroy")
    ]


def remove(owners: Iterable[Object], fields: Mapping[str, Sequence[Object]]) -> None:
    """Remove the attachments whose items have `_destroy` from a request and its notes."""
    keys = {item["key"] for items in fields.values() for item in items if item.get("_destroy")}
    for owner in owners if keys else []:
        owner["attachments"] = [item for item in items_of(owner) if item["key"] not in keys]


def problems(
    fields: Mapping[str, Sequence[Object]], owners: Iterable[Object], uploads: Iterable[Upload]
) -> Iterator[Problem]:
    """Yield what is wrong with the attachments of a PATCH.

    Args:
        fields: The items of each attachments field.
        owners: The request and its notes.
        uploads: The uploaded files.
    """
    by_key = {upload.key: upload for upload in uploads}
    attached = {item["key"] for owner in owners for item in items_of(owner)}
    for name, items in fields.items():
        for item in items:
            problem = _problem(item, attached, by_key.get(str(item["key"])))
            if problem is not None:
                yield name, f"{item['key']} {problem}"


def _problem(item: Object, attached: set[object], upload: Upload | None) -> str | None:
    if item.get("_destroy"):
        return None if item["key"] in attached else "is not attached"
    if upload is None:
        return "was not uploaded"
    if str(item.get("filesize", upload.size)) != str(upload.size):
        return f"has {upload.size} bytes"
    return None
