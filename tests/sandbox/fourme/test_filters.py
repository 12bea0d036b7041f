"""The filters of a collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox.fourme.filters import QueryError, condition

if TYPE_CHECKING:
    from sandbox.fourme.filters import Kind

#: A text filter, and the values out of these five that it finds.
TEXTS = ("Disk", "disk", "a!b", "", None)

#: Values of the other kinds.
VALUES: dict[Kind, tuple[object, ...]] = {
    "enumeration": ("assigned", "completed", None),
    "integer": (1, 2, 3, None),
    "reference": ({"id": 1, "name": "x"}, {"id": 2}, {"id": 3}, None),
    "time": (
        "2026-11-20T06:00:00-06:00",
        "2026-11-20T12:00:00Z",
        "2026-11-21T00:00:00Z",
        "best_effort",
        None,
    ),
}


def _found(kind: Kind, text: str, values: tuple[object, ...]) -> list[int]:
    is_met = condition("next_target_at", kind, text)
    return [place for place, value in enumerate(values) if is_met(value)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Disk", [0]),
        ("DISK", []),
        ("!Disk", [1, 2, 3, 4]),
        ("", [4]),
        ("!", [0, 1, 2, 3]),
        ("a!b", [2]),
        ("!a!b", [0, 1, 3, 4]),
        (" Disk", []),
    ],
)
def test_texts_are_equal_or_not(text: str, found: list[int]) -> None:
    """A text is equal with its case, blank or present; only a `!` in front is an operator."""
    assert _found("text", text, TEXTS) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [("DISK", [0, 1]), ("!DISK", [2, 3, 4]), ("A!B", [2]), ("", [4]), ("none", [])],
)
def test_a_server_may_ignore_the_case_of_texts(text: str, found: list[int]) -> None:
    """With `ignore_case`, case does not matter for texts."""
    is_met = condition("subject", "text", text, ignore_case=True)
    assert [place for place, value in enumerate(TEXTS) if is_met(value)] == found


def test_enumerations_keep_their_case() -> None:
    """`ignore_case` is for texts only."""
    assert not condition("status", "enumeration", "Assigned", ignore_case=True)("assigned")


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("enumeration", "completed", [1]),
        ("enumeration", "!completed", [0, 2]),
        ("enumeration", "assigned,completed", [0, 1]),
        ("enumeration", "!assigned,completed", [2]),
        ("enumeration", "", [2]),
        ("enumeration", "!", [0, 1]),
        ("enumeration", "unknown", []),
        ("integer", "2", [1]),
        ("integer", "!2", [0, 2, 3]),
        ("integer", "1,3", [0, 2]),
        ("integer", "!1,3", [1, 3]),
        ("integer", "<2", [0]),
        ("integer", "<=2", [0, 1]),
        ("integer", ">2", [2]),
        ("integer", ">=2", [1, 2]),
        ("integer", ">1<3", [1]),
        ("integer", ">=1<=2", [0, 1]),
        ("integer", "", [3]),
        ("integer", "!", [0, 1, 2]),
        ("reference", "2", [1]),
        ("reference", "!2", [0, 2, 3]),
        ("reference", "1,3", [0, 2]),
        ("reference", "!1,3", [1, 3]),
        ("reference", "", [3]),
        ("reference", "!", [0, 1, 2]),
        ("time", "2026-11-20T12:00:00Z", [0, 1]),
        ("time", "2026-11-20T06:00", [0, 1]),
        ("time", "!2026-11-20T13:00:00+01:00", [2, 3, 4]),
        ("time", ">2026-11-20T12:00:00Z", [2]),
        ("time", ">=2026-11-20T12:00:00Z<2026-11-21T00:00:00Z", [0, 1]),
        ("time", "best_effort", [3]),
        ("time", "!best_effort", [0, 1, 2, 4]),
        ("time", "", [4]),
        ("time", "!", [0, 1, 2, 3]),
    ],
)
def test_other_kinds(kind: Kind, text: str, found: list[int]) -> None:
    """Each operator on each kind that has it."""
    assert _found(kind, text, VALUES[kind]) == found


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("text", "End-User Support, Houston",
         "Cannot apply the '=' operator to a set of values for field 'f'"),
        ("text", "!a,b", "Cannot apply the '!=' operator to a set of values for field 'f'"),
        ("text", "<a>", "Cannot apply the '<' operator to field 'f'"),
        ("text", ">=", "Cannot apply the '>=' operator to field 'f'"),
        ("enumeration", ">assigned", "Cannot apply the '>' operator to field 'f'"),
        ("reference", "<=5", "Cannot apply the '<=' operator to field 'f'"),
        ("time", "2026-11-20,2026-11-21",
         "Cannot apply the '=' operator to a set of values for field 'f'"),
        ("time", "yesterday", "Invalid value for field f"),
        ("time", ">yesterday", "Invalid value for field f"),
        ("time", "best_effort", "Invalid value for field f"),
        ("integer", "x", "Invalid value for field f"),
        ("integer", "1,,2", "Invalid value for field f"),
        ("integer", ">1>2>3", "Invalid value for field f"),
        ("reference", "Unix Servers", "Invalid value for field f"),
    ],
)  # fmt: skip
def test_invalid_filters(kind: Kind, text: str, message: str) -> None:
    """An operator that the kind does not have, and a value of another kind, are errors."""
    with pytest.raises(QueryError) as caught:
        condition("f", kind, text)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", [">2026-11-01<best_effort", ">best_effort"])
def test_nothing_is_before_or_after_a_word(text: str) -> None:
    """The words for a target have no order."""
    assert _found("time", text, VALUES["time"]) == []
