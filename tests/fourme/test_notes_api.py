"""`fourme.notes_api`: what is a list of notes; paging is tested with what relies on it."""

from __future__ import annotations

import pytest

from fourme.client import ErrorContext
from fourme.notes_api import NotesApi
from process.errors import UnexpectedResponseError
from tests.fourme.scripted_api import ScriptedApi, answer


@pytest.mark.parametrize("notes", [[{"id": 1}], []])
def test_notes(notes: list[object]) -> None:
    """A list of objects is a list of notes, and so is an empty one."""
    api = ScriptedApi(answer(notes))

    (page,) = NotesApi(api, 5).pages(ErrorContext("read the notes"), api.budget())
    assert page.records == notes
    assert (page.requested_at, page.responded_at) == (0.0, 0.0)


@pytest.mark.parametrize("value", [None, {}, "notes", [{"id": 1}, 5], [None]])
def test_no_notes(value: object) -> None:
    """Anything else is not."""
    api = ScriptedApi(answer(value))

    with pytest.raises(UnexpectedResponseError, match="not a list of notes"):
        list(NotesApi(api, 5).pages(ErrorContext("read the notes"), api.budget()))
