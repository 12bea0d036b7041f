"""`spec.secrets`: the secrets of a spec, before it is validated."""

from __future__ import annotations

import pytest

from process.redaction import Redactor
from spec.secrets import credentials_in_spec, secrets_in_spec


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        ({"accessToken": "t", "clientSecret": "s", "password": "p", "token": "x"}, {"t", "s"}),
        ('{"accessToken": "t", "secret": "s"}', {"t"}),
        (b'{"clientSecret": "s"}', {"s"}),
        ({"accessToken": ["t", 5]}, {"t", "5"}),
        ('{"accessToken": "t"', set()),
        (None, set()),
    ],
)
def test_access_secrets(connection: object, expected: set[str]) -> None:
    """Only the access token and the client secret give access."""
    assert set(credentials_in_spec({"connection": connection})) == expected


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        ({"host": "h", "account": "a", "accessToken": "t"}, {"t"}),
        ({"accessToken": b"t\xff", "password": "p"}, {"t\ufffd", "p"}),
        ({"accessToken": {"a": ["t"]}, "other": None}, {"t"}),
        ({"accessToken": None}, set()),
        ({"ACCESS_TOKEN": "t", "clientSecret": "s", "Password": ["p"]}, {"t", "s", "p"}),
        ({"accessToken": "t", "type": "4me", "name": "id", "port": 1, "verify": True}, {"t"}),
        ({"accessToken": 4711.0}, {"4711"}),
        ('{"accessToken": "t", "host": "h"}', {"t"}),
        (b'{"accessToken": "t"}', {"t"}),
        ('{"accessToken": "t"', {'{"accessToken": "t"'}),
        ("[" * 100_000, {"[" * 100_000}),
        ("5", set()),
        (5, set()),
        (None, set()),
        ([], set()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_secrets(connection: object, expected: set[str]) -> None:
    """A member whose name says token, secret or password is one, whatever its type."""
    assert set(secrets_in_spec({"connection": connection})) == expected


@pytest.mark.parametrize("spec", [None, 5, [], "connection", {}, {"request": {"note": "n"}}])
def test_no_connection(spec: object) -> None:
    """A spec without a connection has no secrets."""
    assert list(secrets_in_spec(spec)) == []


def test_other_members_are_no_secrets() -> None:
    """Other members of a connection are no secrets, and the output stays as it is."""
    connection = {
        "host": "https://api.4me.com",
        "account": "wdc",
        "accessToken": "demo-token",
        "type": "4me",
        "region": "us",
        "name": "id",
        "port": 1,
        "verify": True,
    }
    output = {
        "id": 11,
        "status": "assigned",
        "subject": "4me outage in us-east 1 of id True",
        "account": {"id": "wdc", "name": "wdc"},
        "urgent": True,
    }
    found = Redactor()
    found.add_secrets(secrets_in_spec({"connection": connection}))

    assert [*secrets_in_spec({"connection": connection})] == ["demo-token"]
    assert found.redact_value(output) == output
    assert found.redact("http://127.0.0.1:8080, us, 4me") == "http://127.0.0.1:8080, us, 4me"
