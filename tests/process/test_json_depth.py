"""`process.json_depth`: the limit of nested values, beyond what Python can walk."""

from __future__ import annotations

import pytest

from process.json_depth import MAX_DEPTH, exceeds_depth, path_beyond_depth


def nested(depth: int, kind: type) -> object:
    """Return a value with something `depth` levels below it."""
    value: object = 1
    for _ in range(depth):
        value = [value] if kind is list else {"a": value}
    return value


@pytest.mark.parametrize("kind", [list, dict])
@pytest.mark.parametrize(
    ("depth", "expected"), [(0, False), (1, False), (100, False), (101, True), (100_000, True)]
)
def test_too_deep(depth: int, kind: type, expected: bool) -> None:  # noqa: FBT001  a table's column
    """A value with members more than 100 levels below it is too deep."""
    assert MAX_DEPTH == 100
    assert exceeds_depth(nested(depth, kind)) is expected
    assert (path_beyond_depth(nested(depth, kind)) is not None) is expected


@pytest.mark.parametrize("value", [None, "text", 1.5, [], {}, [{}, []], b"[["])
def test_no_members(value: object) -> None:
    """Scalars and empty values have no depth; texts are no lists."""
    assert not exceeds_depth(value, 1)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (
            {"debug": 1, "request": {"note": "a", "custom_fields": [1, nested(200, dict)]}},
            "request.custom_fields[1].a",
        ),
        ([nested(5, list), nested(200, list)], "[1][0][0][0]"),
        (nested(101, dict), "a.a.a.a"),
    ],
)
def test_path(value: object, path: str) -> None:
    """The path has the first four levels."""
    assert path_beyond_depth(value) == path


def test_wide_value() -> None:
    """Only levels count, not members."""
    assert not exceeds_depth([[0] * 1000] * 100, 2)
