"""Whether the notes that an update would add are in the history of its request already.

A note is there when one has the same flag (internal or not) and the same text. Equal are texts that
differ only in the form of line ends, blanks at their ends, composition of accents (NFC), and in the
targets of images: an upload gets a new key each time. Nothing else is ignored.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from fourme.client import ErrorContext
from fourme.notes_api import NotesApi
from operations.comparison import normalize_text
from operations.note_matching import IMAGE_LINK
from process.errors import UnexpectedResponseError
from spec.attachments import inline_reference

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fourme.client import ApiClient
    from operations.payload import ExpectedNote

_IMAGE = "![]()"


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
    context = ErrorContext(f"read the notes of request {request_id}", request_id, (), texts)
    found: dict[ExpectedNote, Mapping[str, Any]] = {}
    ids: set[int] = set()
    try:
        for page in NotesApi(api, request_id).pages(context):
            ids |= {note["id"] for note in page.notes if isinstance(note.get("id"), int)}
            found |= {note: there for note in expected if (there := _find(note, page.notes))}
            if len(found) == len(expected):
                break
            if page.next_query:
                api.context.raise_if_terminated()
    except UnexpectedResponseError as error:
        error.what = f"The step could not {context.purpose}: {error.what.removesuffix('.')}."
        error.fix = error.fix or (
            "Nothing was sent, since the note may be there already. Add it with `mode: update`, or "
            "to another request."
        )
        error.applied = "no"
        raise
    return NoteHistory(found, frozenset(ids))


def _find(expected: ExpectedNote, notes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the note that is the expected one; None if none is."""
    text = note_form(expected.text)
    for note in notes:
        stored = note.get("text")
        if not isinstance(stored, str) or note_form(stored) != text:
            continue
        if not isinstance(note.get("internal"), bool):
            raise UnexpectedResponseError("a note does not say whether it is internal")
        if note["internal"] is expected.internal:
            return note
    return None


def note_form(text: str) -> str:
    """Return the form of a note's text in which texts are equal."""
    return normalize_text(re.sub(IMAGE_LINK, _IMAGE, text))


def with_images(text: str, attachments_name: str) -> str:
    """Return the text of a note with its references to attachments as images, as it is stored."""
    return inline_reference(attachments_name).sub(_IMAGE, text)


def is_recognisable(text: str) -> bool:
    """Return whether a note has more than images: another one of these would look the same."""
    return bool(note_form(text).replace(_IMAGE, "").strip())
