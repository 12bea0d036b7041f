"""`spec.values`: single values become their documented types."""

from __future__ import annotations

import pytest

from spec.values import (
    coerce_boolean,
    coerce_duration,
    coerce_integer,
    coerce_reference,
    coerce_text,
    coerce_texts,
)


def same(found: object, expected: object) -> bool:
    """Return whether two values are equal and of one type; for Python True equals 1."""
    return type(found) is type(expected) and found == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (80339, 80339),
        ("80339", 80339),
        (" 80339\n", 80339),
        ("007", 7),
        (80339.0, 80339),
        (-3.0, -3),
        (2.0**53 - 1, 2**53 - 1),
        ("9" * 19, 10**19 - 1),
        # Left as they are:
        (9007199254740993.0, 2.0**53),  # a digit is lost already
        (-(2.0**53), -(2.0**53)),
        (2.0**54, 2.0**54),
        (1.5, 1.5),
        (float("inf"), float("inf")),
        ("9" * 20, "9" * 20),
        ("", ""),
        ("-5", "-5"),
        ("+5", "+5"),
        ("1_000", "1_000"),
        ("1e3", "1e3"),
        ("80339.0", "80339.0"),
        ("\uff18", "\uff18"),
        ("²", "²"),
        ("\u00a05", "\u00a05"),
        (True, True),
        (None, None),
        ([5], [5]),
    ],
)
def test_to_integer(value: object, expected: object) -> None:
    """Whole numbers and ASCII digits become integers; anything else stays as it is."""
    assert same(coerce_integer(value), expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *[(word, True) for word in ("true", "trUE", "1", "T", "y", "YES", "On", " on\n")],
        *[(word, False) for word in ("false", "0", "F", "n", "No", "OFF", "\toff ")],
        (True, True),
        (False, False),
        (1, True),
        (0, False),
        (1.0, True),
        (0.0, False),
        # Left as they are:
        (2, 2),
        (0.5, 0.5),
        ("", ""),
        ("maybe", "maybe"),
        ("1.0", "1.0"),
        ("tru", "tru"),
        (None, None),
        ([True], [True]),
    ],
)
def test_to_boolean(value: object, expected: object) -> None:
    """The documented spellings become booleans; anything else stays, and is not false."""
    assert same(coerce_boolean(value), expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (90, 90),
        (90.0, 90),
        ("90", 90),
        ("1:30", 90),
        ("01:05", 65),
        (" 0:00\n", 0),
        ("999999:59", 59_999_999),
        # Left as they are:
        ("1:60", "1:60"),
        ("1:5", "1:5"),
        (":30", ":30"),
        ("-1:30", "-1:30"),
        ("1:30:00", "1:30:00"),
        ("\uff11:30", "\uff11:30"),
        ("1000000:00", "1000000:00"),
        ("1h", "1h"),
        ([90], [90]),
    ],
)
def test_to_minutes(value: object, expected: object) -> None:
    """Minutes and h:mm become minutes; anything else stays as it is."""
    assert same(coerce_duration(value), expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (13, 13),
        ("13", 13),
        ({"id": 13, "name": "Unix"}, 13),
        ({"id": "13"}, 13),
        ({"id": 13.0}, 13),
        # Left as they are:
        ({"name": "Unix"}, {"name": "Unix"}),
        ({"id": {"id": 13}}, {"id": 13}),
        ([13], [13]),
        ("{", "{"),
        (True, True),
    ],
)
def test_to_reference(value: object, expected: object) -> None:
    """Ids, and objects with an id, become ids; anything else stays as it is."""
    assert same(coerce_reference(value), expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text", "text"),
        (" text ", " text "),
        (5, "5"),
        (5.0, "5"),
        (-0.0, "0"),
        (3.14, "3.14"),
        # Left as they are:
        (1e300, 1e300),
        (9007199254740993.0, 2.0**53),  # a digit is lost already
        (True, True),
        (None, None),
        (["text"], ["text"]),
    ],
)
def test_to_text(value: object, expected: object) -> None:
    """A number becomes its text; anything else stays as it is."""
    assert same(coerce_text(value), expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["a", 1, 2.0], ["a", "1", "2"]),
        ([True, ["a"]], [True, ["a"]]),
        ("a", "a"),
        (5, 5),
    ],
)
def test_to_texts(value: object, expected: object) -> None:
    """The numbers in a list become texts; anything else stays as it is."""
    assert same(coerce_texts(value), expected)
