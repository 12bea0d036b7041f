"""Whether the notes that an update would add are in the history of its request already.

A note is there when one has the same flag (internal or not) and the same text. Equal are texts that
differ only in the form of line ends, blanks at their ends, composition of accents (NFC), and in the
targets of images: an upload gets a new key each time. Nothing else is ignored, but for a
description of an image that was sent without one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from fourme.client import ErrorContext
from fourme.notes_api import NotesApi
from fourme.pages import named_errors
from operations.note_matching import IMAGE_LINK
from operations.texts import normalize_text
from process.errors import UnexpectedResponseError
from spec.attachments import inline_reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourme.client import ApiClient
    from operations.payload import ExpectedNote

_IMAGE = "![]()"
_FIX = (
    "Nothing was sent, since the note may be there already. Add it with `mode: update`, or to "
    "another request."
)


class NoteHistory(NamedTuple):
    """What a request's notes say about the ones expected.

    Attributes:
        found: the notes that are there, by the expected ones.
        ids: the IDs of all notes; of those that were read, where all expected ones are there.
    """

    found: Mapping[ExpectedNote, Mapping[str, Any]]
    ids: frozenset[int]


def read_note_history(
    request_id: int, expected: Sequence[ExpectedNote], api: ApiClient
) -> NoteHistory:
    """Read a request's notes, page by page, until all the expected ones are found.

    Raises:
        UnexpectedResponseError: there are too many, or the response is another one.
        TerminatedError: SIGTERM has come before the last page was asked for.
        StepError: they cannot be read.
    """
    texts = tuple(note.text for note in expected)
    purpose = f"read the notes of request {request_id}"
    context = ErrorContext(purpose, request_id, private_texts=texts, was_read=True)
    found: dict[ExpectedNote, Mapping[str, Any]] = {}
    ids: set[int] = set()
    with named_errors(context.purpose, _FIX):
        for page in NotesApi(api, request_id).pages(context):
            ids |= {note["id"] for note in page.records if isinstance(note.get("id"), int)}
            found |= {note: there for note in expected if (there := _find(note, page.records))}
            if len(found) == len(expected):
                break
            if page.next_query:
                api.context.raise_if_terminated()
    return NoteHistory(found, frozenset(ids))


def _find(expected: ExpectedNote, notes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the note that is the expected one; None if none is."""
    for note in notes:
        is_internal = note.get("internal")
        if is_internal is (not expected.internal):
            continue
        stored = note.get("text", 0)
        if stored is not None and not isinstance(stored, str):
            raise UnexpectedResponseError("a note has no text")
        if is_same_note(stored or "", expected.text):
            if is_internal is not expected.internal:
                raise UnexpectedResponseError("a note does not say whether it is internal")
            return note
    return None


def is_same_note(stored: str, sent: str) -> bool:
    """Return whether a stored text is the one sent, but for what does not count.

    Where the text sent has an image without a description, a server may have added one.
    """
    stored_parts, sent_parts = _parts_of(stored), _parts_of(sent)
    if stored_parts[::2] != sent_parts[::2]:
        return False
    pairs = zip(stored_parts[1::2], sent_parts[1::2], strict=True)
    return all(description in ("", found) for found, description in pairs)


def _parts_of(text: str) -> list[str]:
    """Return the texts between images, and between them the descriptions of the images."""
    return re.split(IMAGE_LINK, normalize_text(text))


def with_images(text: str, attachments_name: str) -> str:
    """Return the text of a note with its references to attachments as images, as it is stored."""
    return inline_reference(attachments_name).sub(_IMAGE, text)


def is_image(link: str) -> bool:
    """Return whether a text is the link of an image, as Markdown writes it."""
    return re.fullmatch(IMAGE_LINK, link) is not None


def is_recognisable(text: str) -> bool:
    """Return whether a note has more than images: another one of these would look the same."""
    return any(part.strip() for part in _parts_of(text)[::2])
