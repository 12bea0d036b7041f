"""`spec.secrets`: what is secret in a spec of any shape."""

from __future__ import annotations

import pytest

from spec.secrets import access_secrets_in_spec, secrets_in_spec


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
def test_what_gives_access_in_a_spec(connection: object, expected: set[str]) -> None:
    """The access token and a client secret are hidden in outputs; what else a store has is not."""
    assert set(access_secrets_in_spec({"connection": connection})) == expected


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
def test_spec(connection: object, expected: set[str]) -> None:
    """What the connection calls a token, a secret or a password is one, whatever its shape."""
    assert set(secrets_in_spec({"connection": connection})) == expected


@pytest.mark.parametrize("spec", [None, 5, [], "connection", {}, {"request": {"note": "n"}}])
def test_no_connection(spec: object) -> None:
    """A spec without a connection has no secrets."""
    assert list(secrets_in_spec(spec)) == []
