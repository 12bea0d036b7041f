"""Inputs of which exactly one has to be given: `x-4me-unless` and `x-4me-one-of`."""

from __future__ import annotations

from typing import Any

import pytest

from operations import load_operation
from process.errors import SpecError
from spec.coercion import coerce
from spec.schema import load_spec_schema
from spec.validation import validate
from tests.scenario_files import CONNECTION

GET = load_operation("get")
SCHEMA = load_spec_schema(GET.schema_folder)
UPDATE = load_operation("update")
UPDATE_SCHEMA = load_spec_schema()
FIND = {"source": "Monitoring", "sourceID": "alert-1187"}
GROUPS = "Give `source` and `sourceID`, or `supplier_requestID`."


def problems_of_get(**inputs: Any) -> tuple[str, ...]:  # noqa: ANN401  a spec's values
    """Return what is wrong with a spec of get."""
    with pytest.raises(SpecError) as caught:
        validate({"connection": dict(CONNECTION), **inputs}, SCHEMA, GET.problems)
    return caught.value.details


def problems_of_update(**inputs: Any) -> tuple[str, ...]:  # noqa: ANN401  likewise
    """Return what is wrong with a spec of update."""
    with pytest.raises(SpecError) as caught:
        validate({"connection": dict(CONNECTION), **inputs}, UPDATE_SCHEMA, UPDATE.problems)
    return caught.value.details


@pytest.mark.parametrize(
    ("given", "find"),
    [
        (FIND, FIND),
        (
            {"sourceID": 1187.0, "source": b"Monitoring"},
            {"source": "Monitoring", "sourceID": "1187"},
        ),
        ({**FIND, "state": "open", "supplier_requestID": None}, {**FIND, "state": "open"}),
        ({"supplier_requestID": 5}, {"supplier_requestID": "5"}),
        ('{"supplier_requestID": "!"}', {"supplier_requestID": "!"}),
        (b'{"supplier_requestID": ","}', {"supplier_requestID": ","}),
    ],
)
def test_find(given: object, find: dict[str, str]) -> None:
    """One group of values, whole, stands in for the number."""
    connection = dict(CONNECTION)
    spec = validate({"connection": connection, "find": given}, SCHEMA, GET.problems)
    assert spec.values["find"] == find

    update = {"connection": connection, "find": given, "request": {"impact": "low"}}
    assert validate(update, UPDATE_SCHEMA, UPDATE.problems).values["find"] == find


@pytest.mark.parametrize(
    ("find", "problems"),
    [
        ({}, [f"find is incomplete. {GROUPS}"]),
        ({"state": "open"}, [f"find is incomplete. {GROUPS}"]),
        ({"source": None}, [f"find is incomplete. {GROUPS}"]),
        ({"source": "a"}, [f"find.sourceID is missing. {GROUPS}"]),
        ({"sourceID": "a"}, [f"find.source is missing. {GROUPS}"]),
        (
            {**FIND, "supplier_requestID": "a"},
            [
                "find.supplier_requestID cannot be given together with `source` and `sourceID`. "
                + GROUPS
            ],
        ),
        (
            {"sourceID": "b", "supplier_requestID": "a"},
            [f"find.supplier_requestID cannot be given together with `sourceID`. {GROUPS}"],
        ),
        (
            {"source": "", "sourceID": "a"},
            ["find.source is empty. A variable in the workflow was probably empty."],
        ),
        (
            {"sorce": "a", "sourceID": "b"},
            ["find.sorce is not a known input. Did you mean `source`?"],
        ),
        (
            {"source_id": "b"},
            [
                "find.source_id is not a known input. Did you mean `sourceID`?",
                f"find.source is missing. {GROUPS}",
            ],
        ),
        (["a"], ["find is a list, which is not an object. Give an object."]),
    ],
)
def test_wrong_groups(find: object, problems: list[str]) -> None:
    """Half a group, none, or two of them: each problem is reported at its path, for any step."""
    assert sorted(problems_of_get(find=find)) == sorted(problems)
    assert sorted(problems_of_update(find=find, request={"impact": "low"})) == sorted(problems)


def test_neither() -> None:
    """The hint names the alternative."""
    assert problems_of_get() == ("request_id is missing. Give it, or `find`.",)
    assert problems_of_get(request_id=None, find=None) == (
        "request_id is missing. Give it, or `find`.",
    )
    assert problems_of_update(request={"impact": "low"}) == (
        "request.request_id is missing. Give it, or `find`.",
    )


def test_both() -> None:
    """One of them would be ignored silently."""
    assert problems_of_get(find=FIND, request_id=5) == (
        "request_id and find are both given. Keep `request_id` or `find`.",
    )
    assert problems_of_update(find=FIND, request={"request_id": 5, "impact": "low"}) == (
        "request.request_id and find are both given. Keep `request_id` or `find`.",
    )


def test_no_problem_is_reported_twice() -> None:
    """What is missing because of a misspelt name or a missing object is no second problem."""
    misspelt = "fnd is not a known input. Did you mean `find`?"

    assert problems_of_get(fnd=FIND) == (misspelt,)
    assert problems_of_update(fnd=FIND, request={"impact": "low"}) == (misspelt,)
    assert problems_of_update(find=FIND) == ("request is missing.",)
    assert problems_of_update() == ("request is missing.",)
    assert problems_of_update(request="x") == (
        "request is a text of length 1, which is not an object.",
    )
    assert problems_of_update(request={"find": FIND}) == (
        "request.find is not a known input. It belongs at the top of the spec, beside `request`.",
    )


@pytest.mark.parametrize(
    ("schema", "needed"),
    [
        (SCHEMA, "`connection` and `request_id` (or `find`)"),
        (UPDATE_SCHEMA, "`connection` and `request`"),
    ],
)
def test_no_spec(schema: Any, needed: str) -> None:  # noqa: ANN401  a schema
    """An empty spec is told what it needs."""
    assert str(coerce(None, schema).problems[0]) == f"The spec is empty. It needs {needed}."
