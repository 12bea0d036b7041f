"""`spec.validation`: what is refused, and what its user is told."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from fourme.hosts import Host
from process.errors import ConfigError, SpecError, StepError
from process.exit_codes import ExitCode
from spec.validation import validate
from tests.scenario_files import CONNECTION

if TYPE_CHECKING:
    from spec.schema import SpecSchema


def error_from_response(schema: SpecSchema, **request: object) -> tuple[str, ...]:
    """Return the problems of a request, its request_id being fine unless given."""
    spec = {"connection": dict(CONNECTION), "request": {"request_id": 1, **request}}
    with pytest.raises(SpecError) as caught:
        validate(spec, schema)
    return caught.value.details


def body(schema: SpecSchema, **request: object) -> dict[str, Any]:
    """Return the body of a request that is fine."""
    spec = {"connection": dict(CONNECTION), "request": {"request_id": 1, **request}}
    return dict(validate(spec, schema).update.body)


def test_order(schema: SpecSchema) -> None:
    """A valid spec becomes an order: connection, update and debug switch."""
    order = validate(
        {
            "connection": {"host": "api.4me.com/v1", "accessToken": "t", "account": "wdc"},
            "request": {"request_id": "5", "impact": "low"},
            "debug": "yes",
        },
        schema,
    )

    assert order.connection.host == Host("https", "api.4me.com", None)
    assert (order.connection.access_token, order.connection.account) == ("t", "wdc")
    assert (order.update.request_id, order.update.body) == (5, {"impact": "low"})
    assert order.debug is True


def test_token_has_no_repr(schema: SpecSchema) -> None:
    """The access token is not in the repr of an order."""
    request = {"request_id": 5, "impact": "low"}
    order = validate({"connection": dict(CONNECTION), "request": request}, schema)

    assert str(CONNECTION["accessToken"]) not in repr(order)
    assert order.debug is False


@pytest.mark.parametrize(
    ("name", "limit"),
    [("subject", 255), ("supplier_requestID", 255), ("source", 30), ("sourceID", 128)],
)
def test_characters(name: str, limit: int, schema: SpecSchema) -> None:
    """A text may have its documented number of characters, of whatever size, and not one more."""
    assert body(schema, **{name: "ü" * limit}) == {name: "ü" * limit}
    (problem,) = error_from_response(schema, **{name: "ü" * (limit + 1)})
    assert f"request.{name} has {limit + 1} characters" in problem
    assert f"At most {limit} " in problem


@pytest.mark.parametrize("name", ["note", "internal_note"])
@pytest.mark.parametrize("char", ["a", "ü", "€", "🖨"])
def test_bytes(name: str, char: str, schema: SpecSchema) -> None:
    """A note may have 65,536 bytes of UTF-8 and not one more; the error does not show it."""
    fits = char * (65_536 // len(char.encode()))
    fits += "." * (65_536 - len(fits.encode()))

    assert body(schema, **{name: fits}) == {name: fits}
    (problem,) = error_from_response(schema, **{name: fits + "."})
    assert f"request.{name} has 65537 bytes" in problem
    assert char * 4 not in problem


@pytest.mark.parametrize("value", [10**18 + 0.5, "abc", "", True, [], {}, -1, 0, 2**63])
def test_request_id(value: object, schema: SpecSchema) -> None:
    """A request_id that is no id is exactly one problem, at its path."""
    (problem,) = error_from_response(schema, request_id=value)

    assert problem.startswith("request.request_id is ")


@pytest.mark.parametrize(
    "name", ["team", "planned_effort", "impact", "urgent", "subject", "status"]
)
@pytest.mark.parametrize("value", [[1], {"a": 1}, [], [None]])
def test_shape(name: str, value: object, schema: SpecSchema) -> None:
    """A list or an object where a scalar belongs is a problem that says which of both it is."""
    problems = error_from_response(schema, **{name: value})

    assert (
        f"request.{name} is {'an object' if isinstance(value, dict) else 'a list'}" in problems[0]
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [("waiting_until", "2026-13-01T10:00"), ("category", True), ("status", 5.5), ("impact", [])],
)
def test_one_value_one_problem(name: str, value: object, schema: SpecSchema) -> None:
    """One wrong value is one problem, however many rules it breaks."""
    assert len(error_from_response(schema, **{name: value})) == 1


def test_long_value_is_not_shown(schema: SpecSchema) -> None:
    """A message says of a long value how long it is, and shows no part of it."""
    (problem,) = error_from_response(schema, team="x" * 10_000)

    assert len(problem) < 400
    assert "xx" not in problem
    assert "is str of 10002 characters" in problem


@pytest.mark.parametrize("subject", [" ", "\n\t ", "\u00a0"])
def test_blank_subject(subject: str, schema: SpecSchema) -> None:
    """A subject of blanks alone is refused as one problem: 4me requires one."""
    (problem,) = error_from_response(schema, subject=subject)

    assert problem.startswith("request.subject is ")


@pytest.mark.parametrize("name", ["note", "internal_note"])
@pytest.mark.parametrize(
    ("note", "wrong"),
    [("", "is empty. "), (" \n\t", "is blank. "), (b"", "is empty. "), ("\u00a0", "is blank. ")],
)
def test_an_empty_note(name: str, note: object, wrong: str, schema: SpecSchema) -> None:
    """A note without text is an error, which says what it usually comes from."""
    (problem,) = error_from_response(schema, impact="low", **{name: note})

    assert problem.startswith(f"request.{name} {wrong}")
    assert "Usually a variable was empty." in problem


@pytest.mark.parametrize(("value", "wrong"), [("", "is empty. "), (" ", "is blank. ")])
def test_an_empty_time_spent(value: str, wrong: str, schema: SpecSchema) -> None:
    """A time that is not there is an error; no minutes are a value, which adds nothing."""
    (problem,) = error_from_response(schema, impact="low", time_spent=value)

    assert problem.startswith(f"request.time_spent {wrong}")
    assert "Usually a variable was empty." in problem
    assert body(schema, time_spent=0) == {"time_spent": 0}
    assert body(schema, time_spent="0:00") == {"time_spent": 0}


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"subject": None, "note": None, "time_spent": None},
        {"id": 5, "grouping": "none", "feedback": None},
        {"additional_fields": {}},
        {"additional_fields": "{}"},
        {"custom_fields": {"cost_center": None}},
        {"custom_fields": []},
        {"note_attachments": [], "internal_note_attachments": "[]"},
    ],
)
def test_an_update_that_would_change_nothing(request_: dict[str, Any], schema: SpecSchema) -> None:
    """It is refused, by the name of the step for whoever only wants to read the request."""
    (problem,) = error_from_response(schema, **request_)

    assert problem.startswith("request would change nothing. ")
    assert "`get` step" in problem


@pytest.mark.parametrize(
    "request_",
    [
        {"team": ""},
        {"checked_items": []},
        {"urgent": False},
        {"planned_effort": 0},
        {"additional_fields": {"newer": None}},
        {"additional_fields": {"newer": []}},
        {"note_attachments": [{"key": "a"}]},
        {"custom_fields_attachments": [{"name": "a.txt", "content": ""}]},
        {"custom_fields": {"cost_center": ""}},
    ],
)
def test_the_least_change(request_: dict[str, Any], schema: SpecSchema) -> None:
    """Clearing a field, an empty list that replaces another, and attachments alone are changes."""
    assert body(schema, **request_)


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        " text/plain\n",
        "text/plain; charset=utf-8",
        "text/plain;charset=utf-8 ; format=flowed",
        'multipart/mixed; boundary="a b=;c"',
        "application/vnd.oasis.opendocument.text",
        "image/svg+xml",
        "x/!#$%&'*+.^_`|~",
    ],
)
def test_content_type(content_type: str, schema: SpecSchema) -> None:
    """A media type may have parameters, and what surrounds it is trimmed."""
    item = {"name": "a", "content": "", "content_type": content_type}
    spec = {
        "connection": dict(CONNECTION),
        "request": {"request_id": 1, "note_attachments": [item]},
    }
    (file,) = validate(spec, schema).update.files
    assert file.content_type == content_type.strip()


@pytest.mark.parametrize(
    "content_type",
    [
        *(
            "",
            " ",
            "text",
            "text/",
            "/plain",
            "text/plain/x",
            "text /plain",
            "text/plain;",
            "a/b c",
        ),
        *(
            "text/plain; charset",
            "text/plain; charset=",
            'a/b; c="d',
            'a/b; c="d"e',
            'a/b; c="\\""',
        ),
        *(
            "a/b\r\nX-Evil: 1",
            "a/b\nX: 1",
            "a/b; c=d\r\n\r\nbody",
            'a/b; c="\n"',
            "a/b\0",
            "a/b\x7f",
        ),
        *("a/b\u2028c", "a/\u00fc", 'a/b; c="\u00fc"', "a/b\x85", "a/b;\tc=d", 5, ["a/b"], True),
    ],
)
def test_bad_content_type(content_type: object, schema: SpecSchema) -> None:
    """Anything else is refused: it would be a header of the upload, or several."""
    item = {"name": "a", "content": "", "content_type": content_type}
    (problem,) = error_from_response(schema, note_attachments=[item])

    assert problem.startswith("request.note_attachments[0].content_type is ")
    assert "Give a media type such as text/plain" in problem


def test_problems_in_order_and_once(schema: SpecSchema) -> None:
    """Each problem is reported once."""
    problems = error_from_response(schema, subjct=1, team="x", team_id="x", urgent="maybe")

    assert len(set(problems)) == len(problems) == 3


def test_counts(schema: SpecSchema) -> None:
    """The error says how many problems there are."""
    with pytest.raises(SpecError, match=r"^The spec has 1 problem;"):
        validate({"connection": dict(CONNECTION), "request": {}}, schema)
    with pytest.raises(SpecError, match=r"^The spec has 2 problems;"):
        validate({}, schema)


@pytest.mark.parametrize(
    "host", ["http://api.4me.com", "https://a b", "", "https://x:99999", "::1"]
)
def test_host(host: str, schema: SpecSchema) -> None:
    """A host that is the only problem is a matter of configuration; beside others it is one."""
    connection = {**CONNECTION, "host": host}

    with pytest.raises(ConfigError) as caught:
        validate({"connection": connection, "request": {"request_id": 1}}, schema)
    assert caught.value.exit_code is ExitCode.CONFIG
    assert "connection.host" in str(caught.value)
    with pytest.raises(SpecError) as both:
        validate({"connection": connection, "request": {}}, schema)
    assert len(both.value.details) == 2


@pytest.mark.parametrize("host", [True, ["https://api.4me.com"], {}])
def test_host_of_another_type(host: object, schema: SpecSchema) -> None:
    """A host that is no text is refused."""
    with pytest.raises(StepError) as caught:
        validate({"connection": {**CONNECTION, "host": host}, "request": {"request_id": 1}}, schema)
    assert caught.value.exit_code in (ExitCode.DATA, ExitCode.CONFIG)


@pytest.mark.parametrize("account", ["w dc", "", "wdc\nX-Evil: 1", "wdç", True, []])
def test_account(account: object, schema: SpecSchema) -> None:
    """An account that could not be a header is refused."""
    with pytest.raises(SpecError) as caught:
        validate(
            {"connection": {**CONNECTION, "account": account}, "request": {"request_id": 1}}, schema
        )
    assert [line for line in caught.value.details if line.startswith("connection.account is ")]


@pytest.mark.parametrize(
    "token",
    ["geheim es", "", "geheim\r\nX: y", "gehéim", ["geheim"], {"a": "geheim"}, b"\xff"],
)
def test_token(token: object, schema: SpecSchema) -> None:
    """A token that could not be a header is refused, and not shown."""
    with pytest.raises(SpecError) as caught:
        validate(
            {"connection": {**CONNECTION, "accessToken": token}, "request": {"request_id": 1}},
            schema,
        )
    assert "connection.accessToken" in str(caught.value)
    assert not re.search("geh|xff", str(caught.value))


def test_path_of_an_item(schema: SpecSchema) -> None:
    """A problem inside a list has its index, and inside an attachment its member."""
    problems = error_from_response(
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
    (problem,) = error_from_response(schema, custom_fields=value)

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
    strict = type(schema)(document, schema.fields)

    with pytest.raises(SpecError) as caught:
        validate(
            {"connection": dict(CONNECTION), "request": {"request_id": 1}, "debug": True}, strict
        )
    assert caught.value.details[0].startswith("debug is true, which is not valid. Give true")
