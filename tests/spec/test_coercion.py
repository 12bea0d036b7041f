"""`spec.coercion`: a whole spec as engines deliver it, to its documented types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from spec.coercion import coerce
from spec.problems import Problem

if TYPE_CHECKING:
    from spec.schema import SpecSchema


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("checked_items", '["a", 1]', ["a", "1"]),
        ("checked_items", '\n["a"]', ["a"]),
        ("additional_fields", '{"a": 1}', {"a": 1}),
        ("team", ' {"id": "13"}', 13),
        ("team", "[13]", [13]),
        ("team", '{"name": "Unix"}', {"name": "Unix"}),
        ("custom_fields", '{"a": "[1]"}', [{"id": "a", "value": "[1]"}]),
        # Not parsed: text that is not JSON, and fields that are text.
        ("checked_items", "[a", "[a"),
        ("checked_items", "[" + "9" * 5000 + "]", "[" + "9" * 5000 + "]"),
        ("subject", '{"id": 1}', '{"id": 1}'),
        ("note", "[1]", "[1]"),
        ("request_id", "[1]", "[1]"),
        ("urgent", "[1]", "[1]"),
    ],
)
def test_json_text(name: str, value: str, expected: object, schema: SpecSchema) -> None:
    """JSON text becomes what it says where an object or a list may stand, and nowhere else."""
    coerced = coerce({"request": {name: value}}, schema)

    assert repr(coerced.spec["request"][name]) == repr(expected)
    assert coerced.problems == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([{"key": "a"}], [{"key": "a"}]),
        ({"key": "a"}, [{"key": "a"}]),
        ('{"key": "a"}', [{"key": "a"}]),
        ('[{"key": "a"}]', [{"key": "a"}]),
        (
            [{"key": 5, "filesize": "16", "inline": "yes", "_destroy": 0, "content": 1.0}],
            [{"key": "5", "filesize": 16, "inline": True, "_destroy": False, "content": "1"}],
        ),
        ([{"key": "a", "filesize": None, "extra": 1}], [{"key": "a", "extra": 1}]),
        (["a.txt", {"key": "a"}], ["a.txt", {"key": "a"}]),
        ("a.txt", "a.txt"),
        (5, 5),
    ],
)
@pytest.mark.parametrize("name", ["note_attachments", "custom_fields_attachments"])
def test_attachments(name: str, value: object, expected: object, schema: SpecSchema) -> None:
    """Attachments become a list, also one alone, and their members the documented types."""
    coerced = coerce({"request": {name: value}}, schema)

    assert repr(coerced.spec["request"][name]) == repr(expected)


@pytest.mark.parametrize("items", [[{"content": b"\xff\x00"}], {"content": b"\xff\x00"}])
def test_binary_content(items: object, schema: SpecSchema) -> None:
    """An attachment's content that travelled as base64 stays as it is, text or not."""
    coerced = coerce({"request": {"note_attachments": items}}, schema)

    assert coerced.spec["request"]["note_attachments"] == [{"content_base64": "/wA="}]
    assert coerced.problems == []


def test_problem_with_hint() -> None:
    """A problem reads as path, what is wrong, and the hint where there is one."""
    assert str(Problem("request.team", "is wrong", "Fix it.")) == "request.team is wrong. Fix it."
    assert str(Problem("request.team", "is wrong")) == "request.team is wrong."
    assert str(Problem("", "is wrong")) == "The spec is wrong."


def test_coerced_spec(schema: SpecSchema) -> None:
    """It holds converted values, and apart from them what is cleared and how it is spelled."""
    coerced = coerce(
        {"request": {"request_id": "5", "team_id": "13", "impact": "", "note": None, "id": 1}},
        schema,
    )

    assert coerced.spec == {"request": {"request_id": 5, "team": 13}}
    assert coerced.cleared == ["impact"]
    assert coerced.ignored == ["id"]
    assert coerced.aliases_used == {"team": "team_id"}
    assert coerced.problems == []


def test_unknown_names_stay(schema: SpecSchema) -> None:
    """A name that the schema lacks stays, with its value, for the validation."""
    coerced = coerce({"request": {"subjct": 1}, "other": {"a": 1}}, schema)

    assert coerced.spec == {"request": {"subjct": 1}, "other": {"a": 1}}


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 500 + "]" * 500])
def test_json_text_that_is_nested_too_deeply(text: str, schema: SpecSchema) -> None:
    """It stays as it is, and is a problem at its path: a place inside it says nothing."""
    coerced = coerce({"request": {"checked_items": text}}, schema)

    assert coerced.spec["request"]["checked_items"] == text
    assert [str(problem) for problem in coerced.problems] == [
        "request.checked_items is nested deeper than 100 levels."
    ]


@pytest.mark.parametrize(("levels", "problems"), [(98, 0), (99, 1), (100_000, 1)])
def test_depth_counts_from_the_spec(levels: int, problems: int, schema: SpecSchema) -> None:
    """The place is named by its first four levels."""
    coerced = coerce({"request": {"custom_fields": {"a": nested(levels - 1)}}}, schema)

    assert [str(problem) for problem in coerced.problems] == [
        "request.custom_fields.a[0] is nested deeper than 100 levels."
    ] * problems


def test_given_values_are_not_changed(schema: SpecSchema) -> None:
    """Conversion leaves what it was given as it was."""
    spec = {
        "connection": {"host": " h "},
        "request": {"custom_fields": [{"id": 1, "value": b"x"}], "checked_items": [b"a"]},
    }
    before = repr(spec)

    coerce(spec, schema)

    assert repr(spec) == before


def nested(depth: int) -> object:
    """Return a list within a list, and so on."""
    value: object = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        (float("nan"), "not a number in JSON"),
        (float("-inf"), "not a number in JSON"),
        (nested(200), "nested deeper than 100"),
        (nested(100_000), "nested deeper than 100"),
        (10**5000, "more than 1000 digits"),
        (-(10**5000), "more than 1000 digits"),
        (b"\xff\xfe", "is not text"),
        ("\ud800", "is not text"),
        ({b"\xff": 1}, "is not text"),
        ({1: "a"}, "a key that is not text"),
        ({None: "a"}, "a key that is not text"),
        ({"a"}, "a set, which is not a JSON value"),
        (object(), "a object, which is not a JSON value"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_no_json_value(value: object, wrong: str, schema: SpecSchema) -> None:
    """What JSON cannot carry is a problem at its path, and the rest is converted all the same."""
    hidden: dict[str, Any] = {"team": "13", "additional_fields": {"newer": [value]}}

    coerced = coerce({"request": hidden}, schema)

    problems = coerced.problems
    assert coerced.spec["request"]["team"] == 13
    assert [problem.path for problem in problems if wrong in problem.message]
    assert all(
        problem.path.startswith("request.additional_fields.newer[0]") for problem in problems
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"additional_fields": {"newer": NaN}}',
        '{"additional_fields": "[Infinity]"}',
        '{"note": "\\ud800"}',
        '{"subject": NaN}',
    ],
)
def test_no_json_value_in_json_text(text: str, schema: SpecSchema) -> None:
    """What JSON cannot carry is a problem inside JSON text, too."""
    assert coerce({"connection": {}, "request": text}, schema).problems


@pytest.mark.parametrize("value", [None, [], "text", 5, True, b"\xff"])
def test_no_object(value: object, schema: SpecSchema) -> None:
    """A spec that is no object is one problem."""
    coerced = coerce(value, schema)

    assert [problem.path for problem in coerced.problems] == [""]
    assert coerced.spec == {}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": 1}, [{"id": "a", "value": 1}]),
        ({"a": None, "b": ""}, [{"id": "b", "value": ""}]),
        ([{"id": 7, "value": 1}], [{"id": "7", "value": 1}]),
        ([{"id": "a", "value": None}], []),
        ([{"id": "a"}], [{"id": "a"}]),
        ([{"value": 1}, 5], [{"value": 1}, 5]),
        ({"id": "a"}, [{"id": "id", "value": "a"}]),
        ({"id": 1, "value": 2, "c": 3}, None),
        ("text", "text"),
    ],
)
def test_custom_fields(value: object, expected: object, schema: SpecSchema) -> None:
    """Custom fields become the list that the API accepts, without those that are null."""
    coerced = coerce({"request": {"custom_fields": value}}, schema)

    found = coerced.spec["request"]["custom_fields"]
    assert coerced.problems == []
    if expected is not None:
        assert found == expected
    else:
        assert [item["id"] for item in found] == ["id", "value", "c"]


def test_custom_fields_in_two_ways(schema: SpecSchema) -> None:
    """An object of exactly id and value is a problem in the user's own spelling."""
    coerced = coerce({"request": {"custom_fields": {"id": "a", "value": "b"}}}, schema)

    assert [problem.path for problem in coerced.problems] == ["request.custom_fields"]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"team": 1, "team_id": "1"}, None),
        ({"team": "", "team_id": ""}, None),
        ({"change": 1, "workflow_id": {"id": 1}}, None),
        ({"team": None, "team_id": 2}, None),
        ({"team": 1, "team_id": 2}, "request.team_id"),
        ({"team_id": "", "team": 2}, "request.team"),
        ({"team": 2, "team_id": ""}, "request.team_id"),
        ({"workflow": 1, "change": 2}, "request.change"),
        ({"team": 1, "team_id": True}, "request.team_id"),
    ],
)
def test_two_values(request_: object, expected: str | None, schema: SpecSchema) -> None:
    """Two spellings of one reference are fine while they say the same, and else a problem."""
    paths = [problem.path for problem in coerce({"request": request_}, schema).problems]

    assert paths == ([] if expected is None else [expected])


def test_a_problem_is_one_line() -> None:
    """Whatever a name in its path holds."""
    assert str(Problem("request.a\n::b\x1b", "is odd")) == "request.a\\n::b\\x1b is odd."
    assert str(Problem("", "is odd")) == "The spec is odd."
