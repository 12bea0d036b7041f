"""`spec.schema_errors`: what an error shows of values, and what it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from process.errors import ConfigError, SpecError
from process.redaction import Redactor
from tests.scenario_files import CONNECTION
from tests.update_specs import validate_update

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from spec.schema import SpecSchema

TOKEN = ("Aa1+Bb2/Cc3=Dd4.Ee5-Ff6_Gg7&Hh8<Ii9" * 4)[:120]
PIECES = [TOKEN[start : start + 8] for start in range(len(TOKEN) - 7)]


def error_text(schema: SpecSchema, spec: Mapping[str, object]) -> str:
    """Return the text of the error that a spec is rejected with."""
    with pytest.raises(SpecError) as caught:
        validate_update(spec, schema)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("team", TOKEN),
        ("team_id", TOKEN),
        ("request_id", TOKEN),
        ("request_id", f"Bearer {TOKEN}"),
        ("impact", TOKEN),
        ("urgent", TOKEN),
        ("waiting_until", TOKEN),
        ("time_spent", TOKEN),
        ("custom_fields", TOKEN),
        ("note_attachments", TOKEN),
    ],
)
def test_a_token_elsewhere_is_not_shown(name: str, value: str, schema: SpecSchema) -> None:
    """A long token in the wrong place is not shown, not even in part."""
    request = {"request_id": 1, name: value}

    text = error_text(schema, {"connection": dict(CONNECTION), "request": request})
    assert f"request.{name} is " in text
    assert [piece for piece in PIECES if piece in text] == []


@pytest.mark.parametrize("account", [f"Bearer {TOKEN}", f"{TOKEN} " + TOKEN])
def test_a_token_as_account_is_not_shown(account: str, schema: SpecSchema) -> None:
    """The likely mistake of a whole header's value is not shown, not even in part."""
    connection = {**CONNECTION, "account": account}

    text = error_text(schema, {"connection": connection, "request": {"request_id": 1}})
    assert "connection.account is str of " in text
    assert [piece for piece in PIECES if piece in text] == []


@pytest.mark.parametrize("length", [8, 20, 57, 58, 59, 60, 61, 119])
def test_a_token_of_any_length_is_whole_or_not_there(length: int, schema: SpecSchema) -> None:
    """What is shown of a token is recognised by the redaction of the logs."""
    token = TOKEN[:length]
    redactor = Redactor()
    redactor.add_secrets([token])
    spec = {"connection": dict(CONNECTION), "request": {"request_id": 1, "team": token}}

    text = redactor.redact(error_text(schema, spec))
    assert [piece for piece in PIECES[: length - 7] if piece in text] == []


def test_longest_shown(schema: SpecSchema) -> None:
    """A value is shown up to 60 characters with its quotes, and only its length beyond that."""
    spec = {"connection": dict(CONNECTION), "request": {"request_id": 1, "team": "x" * 58}}
    assert f"request.team is '{'x' * 58}'" in error_text(schema, spec)
    spec = {**spec, "request": {"request_id": 1, "team": "x" * 59}}
    assert "request.team is str of 61 characters, which" in error_text(schema, spec)


def test_null(schema: SpecSchema) -> None:
    """A null inside a list is shown as JSON writes it."""
    request = {"request_id": 1, "checked_items": [None]}

    text = error_text(schema, {"connection": dict(CONNECTION), "request": request})
    assert "request.checked_items[0] is null, which is not a string" in text


@pytest.mark.parametrize("host", ["http://api.4me.com", "https://api.4me.com/v2", "a b"])
def test_host_is_shown(host: str, schema: SpecSchema) -> None:
    """A bad host is shown, so that one knows which connection it is."""
    connection = {**CONNECTION, "host": host}

    with pytest.raises(ConfigError) as caught:
        validate_update({"connection": connection, "request": {"request_id": 1}}, schema)
    assert f"is {host!r}, which " in caught.value.what


@pytest.mark.parametrize("host", ["https://me:geheim@api.4me.com", "geheim@api.4me.com", "geheim@"])
def test_host_with_user_info_is_not_shown(host: str, schema: SpecSchema) -> None:
    """A host with a password in it is not shown."""
    connection = {**CONNECTION, "host": host}

    with pytest.raises(ConfigError) as caught:
        validate_update({"connection": connection, "request": {"request_id": 1}}, schema)
    assert "geheim" not in str(caught.value)
    assert "is not a host such as" in caught.value.what


@pytest.mark.parametrize(
    ("changes", "details"),
    [
        (
            {"request": {"requst_id": 1}},
            ["request.requst_id is not a known input. Did you mean `request_id`?"],
        ),
        (
            {"request": {"note": "a", "zzz": 1}},
            [
                "request.zzz is not a known input. See the README for the known inputs.",
                "request.request_id is missing. Give it, or `find`.",
            ],
        ),
        ({"requset": {}}, ["requset is not a known input. Did you mean `request`?"]),
        ({"team_id": 1}, ["team_id is not a known input. It belongs under `request`."]),
        (
            {"request": {"request_id": 1, "debug": True}},
            [
                "request.debug is not a known input. "  # noqa: ISC004  a long line
                "It belongs at the top of the spec, beside `request`."
            ],
        ),
        (
            {"spec": {"request": {"request_id": 1}}},
            ["spec is not a known input. Leave out `spec:`, and keep what is below it."],
        ),
        (
            {"request": {"request_id": 1}, "other": {"debug": True, "connection": {}}},
            ["other is not a known input. Write `debug`, `connection` at the top of the spec."],
        ),
        (
            {"request": {"request_id": 1}, "spec": {"x": 1}},
            ["spec is not a known input. See the README for the known inputs."],
        ),
    ],
)
def test_an_unknown_name_is_one_problem(
    changes: Mapping[str, object], details: Sequence[str], schema: SpecSchema
) -> None:
    """What is missing because of it is not a second one, and the hint leads out."""
    with pytest.raises(SpecError) as caught:
        validate_update({"connection": dict(CONNECTION), **changes}, schema)
    assert [*caught.value.details] == details


def test_a_misspelt_part_of_a_connection(schema: SpecSchema) -> None:
    """A connection may have other members: they are no problems, but what is missing is."""
    connection = {**CONNECTION, "access_token": "a"}
    del connection["accessToken"]
    text = error_text(schema, {"connection": connection, "request": {"request_id": 1}})
    assert "connection.accessToken is missing. Did you mean it by `access_token`?" in text


@pytest.mark.parametrize("token", ["two words", "t\u00f6ken"])
def test_a_token_with_other_characters(token: str, schema: SpecSchema) -> None:
    """The message says what is wrong with it, without showing it."""
    spec = {"connection": {**CONNECTION, "accessToken": token}, "request": {"request_id": 1}}
    text = error_text(schema, spec)
    assert "connection.accessToken contains characters that are not allowed. Give the" in text
    assert token not in text
