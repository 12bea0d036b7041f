"""`operations.note_history`: whether notes are there already."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.note_history import (
    is_recognisable,
    is_same_note,
    read_note_history,
    with_images,
)
from operations.payload import ExpectedNote
from process.errors import AccessError, TerminatedError, UnexpectedResponseError
from process.settings import MAX_NOTES, NOTES_PER_PAGE
from tests.fourme.scripted_api import ScriptedApi, answer

OURS = ExpectedNote("Release 1.12", internal=False)
INTERNAL = ExpectedNote("Release 1.12", internal=True)
THERE = {"id": 9, "text": "Release 1.12", "internal": False}
OTHER = {"id": 8, "text": "Release 11.2", "internal": False}
NEXT = {"Link": '<https://x/?search_after=1>; rel="next"'}


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("Done", "Done"),
        ("Done\r\nand\rdusted", "Done\nand\ndusted"),
        (" Done\n\n", "Done"),
        ("Caf\u00e9", "Cafe\u0301"),
        ("See ![](a/b.png)", "See ![b.png](https://files.example/a/b.png?x=1)"),
        ("See ![](a(1).png) there", "See ![](b) there"),
        ("See ![a](b)", "See ![a](c)"),
    ],
)
def test_equal_texts(text: str, stored: str) -> None:
    """Line ends, blanks at the ends, composition and the targets of images do not count."""
    assert is_same_note(stored, text)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("![Release 1.12](a)!", "![Release 11.2](a)!"),
        ("![Release 1.12](a)!", "![](a)!"),
        ("Release 1.12", "Release 11.2"),
        ("Release 1.12", "Release 1.1"),
        ("Release 1.12", "Release 1.12."),
        ("Release 1.12", "release 1.12"),
        ("a b", "a  b"),
        ("a\nb", "a b"),
        ("a\nb", "a\n\nb"),
        ("<b>", "&lt;b&gt;"),
        ("See ![](a)", "See"),
        ("![](a) first", "first ![](a)"),
    ],
)
def test_other_texts(text: str, stored: str) -> None:
    """Nothing else is ignored."""
    assert not is_same_note(stored, text)


@given(st.text(), st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from(["NFC", "NFD"]))
def test_what_servers_do_is_ignored(text: str, line_end: str, form: str) -> None:
    """A text with other line ends, composition and blanks at its ends is the same one."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    stored = f" \n{unicodedata.normalize(form, text).replace(chr(10), line_end)}\t"  # type: ignore[arg-type]
    assert is_same_note(stored, text)


def test_with_images() -> None:
    """References to the attachments of the field become images; others stay."""
    text = "[note_attachments: 0] [note_attachments:12] [internal_note_attachments: 0]"
    assert with_images(text, "note_attachments") == "![]() ![]() [internal_note_attachments: 0]"


@pytest.mark.parametrize(
    ("text", "expected"), [("![](a) ![x](b)", False), ("a ![](b)", True), ("a", True)]
)
def test_is_recognisable(text: str, *, expected: bool) -> None:
    """A note of nothing but images is like any other one."""
    assert is_recognisable(text) is expected


def test_all_notes_are_there() -> None:
    """No page is read after the last one that is looked for."""
    api = ScriptedApi(answer([OTHER, {**THERE, "internal": True}, THERE], given=NEXT))

    history = read_note_history(5, [OURS, INTERNAL], api)

    assert [note["internal"] for note in history.found.values()] == [False, True]
    assert api.asked == ["GET /requests/5/notes"]


def test_a_missing_note() -> None:
    """The whole history is read, and the IDs of all its notes are known."""
    page = [{**OTHER, "id": number} for number in range(NOTES_PER_PAGE)]
    api = ScriptedApi(answer(page, given=NEXT), answer([{**THERE, "id": 100}]))

    history = read_note_history(5, [OURS, INTERNAL], api)

    assert [*history.found] == [OURS]
    assert history.ids == {*range(101)}
    assert api.transport.queries == ["sort=-id&per_page=100", "search_after=1"]


def test_notes_without_ids_and_texts() -> None:
    """Odd notes are other ones."""
    api = ScriptedApi(answer([{"id": "9", "text": None}, {"text": "x"}, {"text": ""}]))

    assert read_note_history(5, [OURS], api) == ({}, frozenset())


def test_too_many_notes() -> None:
    """It is unknown whether the note is there, so nothing may be sent."""
    pages = [
        answer([OTHER] * 100, given={"Link": f'<https://x/?search_after={n}>; rel="next"'})
        for n in range(MAX_NOTES // 100)
    ]

    with pytest.raises(UnexpectedResponseError, match="more than 2000 notes") as caught:
        read_note_history(5, [OURS], ScriptedApi(*pages))
    assert (caught.value.exit_code, caught.value.applied) == (76, "no")
    caught.value.repeatable = True
    assert caught.value.run_again == "after a fix"
    assert "Nothing was sent" in caught.value.fix


def test_a_note_without_its_flag() -> None:
    """It is unknown whether it is the one that is looked for."""
    with pytest.raises(UnexpectedResponseError, match="whether it is internal"):
        read_note_history(5, [OURS], ScriptedApi(answer([{"id": 9, "text": OURS.text}])))


@pytest.mark.parametrize("note", [{"id": 9}, {"id": 9, "text": {"a": "b"}}])
def test_a_note_without_its_text(note: dict[str, object]) -> None:
    """It is unknown whether it is the one that is looked for, unless its flag is another one."""
    assert not read_note_history(5, [OURS], ScriptedApi(answer([{**note, "internal": True}]))).found
    with pytest.raises(UnexpectedResponseError, match="a note has no text"):
        read_note_history(5, [OURS], ScriptedApi(answer([{**note, "internal": False}])))


@pytest.mark.parametrize("status", [403, 404])
def test_notes_that_may_not_be_read(status: int) -> None:
    """The error says what the token's user may not do: a 404 may mean the same."""
    api = ScriptedApi(answer({"message": "Forbidden"}, status))
    with pytest.raises(AccessError, match="may not read the notes of request 5") as caught:
        read_note_history(5, [OURS], api)
    assert "Specialist" in caught.value.cause


def test_sigterm_between_pages() -> None:
    """The run ends before the next page."""
    api = ScriptedApi(answer([OTHER] * 100, given=NEXT))
    api.clock.terminate_at = 0
    with pytest.raises(TerminatedError):
        read_note_history(5, [OURS], api)
