"""`spec.validation`: what is rejected, and what the error contains."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from process.errors import ConfigError, SpecError, StepError
from process.exit_codes import ExitCode
from tests.scenario_files import CONNECTION
from tests.update_specs import update_in, validate_update

if TYPE_CHECKING:
    from spec.schema import SpecSchema


def problems_of(schema: SpecSchema, **request: object) -> tuple[str, ...]:
    """Return the problems of a request, its request_id being fine unless given."""
    spec = {"connection": dict(CONNECTION), "request": {"request_id": 1, **request}}
    with pytest.raises(SpecError) as caught:
        validate_update(spec, schema)
    return caught.value.details


def body(schema: SpecSchema, **request: object) -> dict[str, Any]:
    """Return the body of a request that is fine."""
    spec = {"connection": dict(CONNECTION), "request": {"request_id": 1, **request}}
    return dict(update_in(validate_update(spec, schema)).body)


def test_a_valid_spec(schema: SpecSchema) -> None:
    """It has the connection, the request and the debug switch, converted."""
    spec = validate_update(
        {
            "connection": {"host": "api.4me.com/v1", "accessToken": "t", "account": "wdc"},
            "request": {"request_id": "5", "impact": "low"},
            "debug": "yes",
        },
        schema,
    )

    assert spec.values == {
        "connection": {"host": "api.4me.com/v1", "accessToken": "t", "account": "wdc"},
        "request": {"request_id": 5, "impact": "low"},
        "debug": True,
    }
    assert (update_in(spec).request_id, update_in(spec).body) == (5, {"impact": "low"})
    assert spec.debug is True


def test_token_has_no_repr(schema: SpecSchema) -> None:
    """The access token is not in the repr of a spec."""
    request = {"request_id": 5, "impact": "low"}
    spec = validate_update({"connection": dict(CONNECTION), "request": request}, schema)

    assert repr(spec) == "Spec(connection, request)"
    assert spec.debug is False


@pytest.mark.parametrize(
    ("name", "limit"),
    [("subject", 255), ("supplier_requestID", 255), ("source", 30), ("sourceID", 128)],
)
def test_characters(name: str, limit: int, schema: SpecSchema) -> None:
    """A text may have its documented number of characters, of whatever size, and not one more."""
    assert body(schema, **{name: "ü" * limit}) == {name: "ü" * limit}
    (problem,) = problems_of(schema, **{name: "ü" * (limit + 1)})
    assert f"request.{name} has {limit + 1} characters" in problem
    assert f"At most {limit} " in problem


@pytest.mark.parametrize("name", ["note", "internal_note"])
@pytest.mark.parametrize("char", ["a", "ü", "€", "🖨"])
def test_bytes(name: str, char: str, schema: SpecSchema) -> None:
    """A note may have 65,536 bytes of UTF-8 and not one more; the error does not show it."""
    fits = char * (65_536 // len(char.encode()))
    fits += "." * (65_536 - len(fits.encode()))

    assert body(schema, **{name: fits}) == {name: fits}
    (problem,) = problems_of(schema, **{name: fits + "."})
    assert f"request.{name} has 65537 bytes" in problem
    assert char * 4 not in problem


@pytest.mark.parametrize("value", [10**18 + 0.5, "abc", "", True, [], {}, -1, 0, 2**63])
def test_request_id(value: object, schema: SpecSchema) -> None:
    """A request_id that is no id is exactly one problem, at its path."""
    (problem,) = problems_of(schema, request_id=value)

    assert problem.startswith("request.request_id is ")


@pytest.mark.parametrize(
    "name", ["team", "planned_effort", "impact", "urgent", "subject", "status"]
)
@pytest.mark.parametrize("value", [[1], {"a": 1}, [], [None]])
def test_shape(name: str, value: object, schema: SpecSchema) -> None:
    """A list or an object where a scalar belongs is a problem that says which of both it is."""
    problems = problems_of(schema, **{name: value})

    assert (
        f"request.{name} is {'an object' if isinstance(value, dict) else 'a list'}" in problems[0]
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("waiting_until", "2026-13-01T10:00"), ("category", True), ("status", 5.5), ("impact", [])],
)
def test_one_value_one_problem(name: str, value: object, schema: SpecSchema) -> None:
    """One wrong value is one problem, however many rules it breaks."""
    assert len(problems_of(schema, **{name: value})) == 1


def test_long_value_is_not_shown(schema: SpecSchema) -> None:
    """A message says of a long value how long it is, and shows no part of it."""
    (problem,) = problems_of(schema, team="x" * 10_000)

    assert len(problem) < 400
    assert "xx" not in problem
    assert "is str of 10002 characters" in problem


@pytest.mark.parametrize("subject", [" ", "\n\t ", "\u00a0"])
def test_blank_subject(subject: str, schema: SpecSchema) -> None:
    """A subject of blanks alone is rejected as one problem: 4me requires one."""
    (problem,) = problems_of(schema, subject=subject)

    assert problem.startswith("request.subject is ")


@pytest.mark.parametrize("name", ["note", "internal_note"])
@pytest.mark.parametrize(
    ("note", "wrong"),
    [("", "is empty. "), (" \n\t", "is blank. "), (b"", "is empty. "), ("\u00a0", "is blank. ")],
)
def test_an_empty_note(name: str, note: object, wrong: str, schema: SpecSchema) -> None:
    """A note without text is an error, which says what it usually comes from."""
    (problem,) = problems_of(schema, impact="low", **{name: note})

    assert problem == (
        f"request.{name} {wrong}A variable in the workflow was probably empty. "
        "Leave it out to add nothing."
    )


@pytest.mark.parametrize(("value", "wrong"), [("", "is empty. "), (" ", "is blank. ")])
def test_an_empty_time_spent(value: str, wrong: str, schema: SpecSchema) -> None:
    """A time that is not there is an error; no minutes are a value, which adds nothing."""
    (problem,) = problems_of(schema, impact="low", time_spent=value)

    assert problem.startswith(f"request.time_spent {wrong}")
    assert "A variable in the workflow was probably empty. Give minutes" in problem
    assert body(schema, time_spent=0) == {"time_spent": 0}
    assert body(schema, time_spent="0:00") == {"time_spent": 0}


def test_problems_in_order_and_once(schema: SpecSchema) -> None:
    """Each problem is reported once."""
    problems = problems_of(schema, subjct=1, team="x", team_id="x", urgent="maybe")

    assert len(set(problems)) == len(problems) == 3


def test_counts(schema: SpecSchema) -> None:
    """The error says how many problems there are."""
    with pytest.raises(SpecError, match=r"^The spec has 1 problem;"):
        validate_update({"connection": dict(CONNECTION), "request": {}}, schema)
    with pytest.raises(SpecError, match=r"^The spec has 2 problems;"):
        validate_update({}, schema)


@pytest.mark.parametrize(
    "host", ["http://api.4me.com", "https://a b", "", "https://x:99999", "::1"]
)
def test_host(host: str, schema: SpecSchema) -> None:
    """A host that is the only problem is a matter of configuration; beside others it is one."""
    connection = {**CONNECTION, "host": host}

    with pytest.raises(ConfigError) as caught:
        validate_update({"connection": connection, "request": {"request_id": 1}}, schema)
    assert caught.value.exit_code is ExitCode.CONFIG
    assert "connection.host" in str(caught.value)
    with pytest.raises(SpecError) as both:
        validate_update({"connection": connection, "request": {}}, schema)
    assert len(both.value.details) == 2


@pytest.mark.parametrize("host", [True, ["https://api.4me.com"], {}])
def test_host_of_another_type(host: object, schema: SpecSchema) -> None:
    """A host that is no text is rejected."""
    with pytest.raises(StepError) as caught:
        validate_update(
            {"connection": {**CONNECTION, "host": host}, "request": {"request_id": 1}}, schema
        )
    assert caught.value.exit_code in (ExitCode.DATA, ExitCode.CONFIG)


@pytest.mark.parametrize("account", ["w dc", "", "wdc\nX-Evil: 1", "wdç", True, []])
def test_account(account: object, schema: SpecSchema) -> None:
    """An account that could not be a header is rejected."""
    with pytest.raises(SpecError) as caught:
        validate_update(
            {"connection": {**CONNECTION, "account": account}, "request": {"request_id": 1}}, schema
        )
    assert [line for line in caught.value.details if line.startswith("connection.account is ")]


@pytest.mark.parametrize(
    "token",
    ["geheim es", "", "geheim\r\nX: y", "gehéim", ["geheim"], {"a": "geheim"}, b"\xff"],
)
def test_token(token: object, schema: SpecSchema) -> None:
    """A token that could not be a header is rejected, and not shown."""
    with pytest.raises(SpecError) as caught:
        validate_update(
            {"connection": {**CONNECTION, "accessToken": token}, "request": {"request_id": 1}},
            schema,
        )
    assert "connection.accessToken" in str(caught.value)
    assert not re.search("geh|xff", str(caught.value))


def test_path_of_an_item(schema: SpecSchema) -> None:
    """A problem inside a list has its index, and inside an attachment its member."""
    problems = problems_of(
        schema,
        checked_items=["a", ["b"]],
        note_attachments=[{"key": ""}, {"key": "a", "filesize": -1}, "a.txt"],
    )

    assert [line.split(" ")[0] for line in problems] == [
        "request.checked_items[1]",
        "request.note_attachments[0].key",
        "request.note_attachments[1].filesize",
        "request.note_attachments[2]",
    ]


@pytest.mark.parametrize("value", ["[", "{", "[1", "text"])
def test_broken_json_text(value: str, schema: SpecSchema) -> None:
    """Broken JSON text where a list belongs is a problem with a hint at what to give."""
    (problem,) = problems_of(schema, custom_fields=value)

    assert problem.startswith("request.custom_fields is ")
    assert "Give a list of {id, value}" in problem


def test_unforeseen_rule(schema: SpecSchema) -> None:
    """A rule that has no words of its own still makes a problem at its path."""
    document = {
        **schema.document,
        "properties": {
            **schema.document["properties"],
            "debug": {"type": "boolean", "x-4me-type": "boolean", "const": False},
        },
    }
    strict = schema._replace(document=document)

    with pytest.raises(SpecError) as caught:
        validate_update(
            {"connection": dict(CONNECTION), "request": {"request_id": 1}, "debug": True}, strict
        )
    assert caught.value.details[0].startswith("debug is true, which is not valid. Give true")
