"""The calls that a step is expected to make before it sends an update."""

from __future__ import annotations

import pytest

from sandbox.expected_calls import reading_calls, upload_count

REQUEST = {"request_id": 1, "status": "accepted"}
FIND = {"source": "s", "sourceID": "i"}


@pytest.mark.parametrize(
    ("spec", "calls"),
    [
        (None, ""),
        ({}, ""),
        ({"request": REQUEST}, ""),
        ({"request": {**REQUEST, "note": "x", "ci_id": 1}, "mode": "update"}, ""),
        ({"request": REQUEST, "find": FIND}, "search"),
        ({"request": REQUEST, "mode": "ensure"}, "read"),
        ({"request": REQUEST, "mode": "preview", "find": FIND}, "search read"),
        ({"request": REQUEST, "only_if": {"status": ["assigned"]}}, "read"),
        ({"request": {**REQUEST, "note": "x"}, "mode": "ensure"}, "read verification"),
        ({"request": {**REQUEST, "internal_note": "x"}, "mode": "ensure"}, "read verification"),
        ({"request": {**REQUEST, "ci_id": 1}, "mode": "ensure"}, "read linked"),
        (
            {"request": {"knowledge_article": 1, "note": "x"}, "mode": "ensure", "find": FIND},
            "search read linked verification",
        ),
        ({"request_id": 1}, "read"),
        ({"find": FIND, "notes": True}, "search read verification"),
    ],
)
def test_what_is_read_first(spec: object, calls: str) -> None:
    """What a spec compares or searches for is read; a plain update reads nothing."""
    assert reading_calls(spec) == tuple(calls.split())


@pytest.mark.parametrize(
    ("request_fields", "count"),
    [
        ({}, 0),
        ({"note_attachments": [{"key": "k"}, {"name": "a", "content": "x"}]}, 1),
        ({"note_attachments": {"path": "a"}, "internal_note_attachments": [{"path": "b"}]}, 2),
    ],
)
def test_what_is_uploaded(request_fields: object, count: int) -> None:
    """Files are uploaded, and those that were uploaded before are not."""
    assert upload_count({"request": request_fields}) == count
    assert upload_count("text") == 0
