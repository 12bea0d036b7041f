"""`fourme.redaction`: no secret leaves a run, in whatever spelling."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest

from fourme.redaction import HIDDEN, Redactor, secrets_in_environment, secrets_in_spec

SECRET = 'pä"ss/w\\ört 1'


def redactor(*secrets: str) -> Redactor:
    """Return a redactor that knows some secrets."""
    found = Redactor()
    found.learn(secrets)
    return found


@pytest.mark.parametrize(
    "spelling",
    [
        SECRET,
        f" {SECRET}\n",
        quote(SECRET, safe=""),
        json.dumps(SECRET),
        repr(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.b64encode(f":{SECRET}".encode()).decode(),
    ],
)
def test_spellings(spelling: str) -> None:
    """A secret is hidden as it is, and as URLs, JSON, repr and Basic credentials write it."""
    text = redactor(SECRET).hide(f"before {spelling} after")

    assert HIDDEN in text
    assert spelling.strip("\n '\"=") not in text
    assert text.startswith("before ")
    assert text.endswith(" after")


def test_quoted_secret() -> None:
    """A secret that a URL holds in quoted spelling is hidden in its plain spelling, too."""
    assert redactor("a%2Fb%20c").hide("a/b c, a%2Fb%20c") == f"{HIDDEN}, {HIDDEN}"


def test_longest_first() -> None:
    """A secret that contains another is hidden whole."""
    assert redactor("token", "token-and-more").hide("token-and-more") == HIDDEN


def test_learns_more() -> None:
    """What is learnt later does not make it forget what it knew."""
    found = redactor("first-one")
    found.learn(["second-one"])

    assert found.hide("first-one second-one") == f"{HIDDEN} {HIDDEN}"


@pytest.mark.parametrize("secret", ["", " ", "\n"])
def test_empty_secret(secret: str) -> None:
    """An empty secret hides nothing."""
    assert redactor(secret).hide("some text") == "some text"


def test_half_a_character() -> None:
    """A secret that is not valid text is hidden, and is no crash."""
    assert redactor("to\ud800ken").hide("a to\ud800ken") == f"a {HIDDEN}"


def test_values() -> None:
    """A JSON value keeps its shape; its strings and names lose their secrets."""
    value = {"a token": ["token", 5, None, True, 1.5, {"b": "x token"}]}

    assert redactor("token").hide_in(value) == {
        f"a {HIDDEN}": [HIDDEN, 5, None, True, 1.5, {"b": f"x {HIDDEN}"}]
    }


def test_object() -> None:
    """An object stays an object."""
    assert redactor("token").hide_in_object({"token": "token"}) == {HIDDEN: HIDDEN}


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"METADATA_API_URL": "http://:TOKEN@10.0.0.1:7000"}, ["TOKEN"]),
        ({"METADATA_API_URL": "http://TOKEN@10.0.0.1:7000"}, ["TOKEN"]),
        ({"https_proxy": "http://me:p@ss@proxy:3128"}, ["p@ss"]),
        ({"HTTP_PROXY": "me:pass@proxy"}, ["pass"]),
        ({"ALL_PROXY": "socks5://proxy"}, []),
        ({"FOURME_ACCESS_TOKEN": "a", "INPUT_ACCESS_TOKEN": "a"}, ["a", "a"]),
        ({"METADATA_API_URL": "http://10.0.0.1:7000", "OTHER": "http://a:b@c"}, []),
        ({}, []),
    ],
)
def test_environment(environ: dict[str, str], expected: list[str]) -> None:
    """The passwords in the URLs of the environment are secrets."""
    assert list(secrets_in_environment(environ)) == expected


@pytest.mark.parametrize(
    ("connection", "expected"),
    [
        ({"host": "h", "account": "a", "accessToken": "t"}, {"t"}),
        ({"accessToken": b"t\xff", "password": "p"}, {"t\ufffd", "p"}),
        ({"accessToken": {"a": ["t"]}, "other": None}, {"t"}),
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
    """Every text in the connection but host and account is a secret, whatever its shape."""
    assert set(secrets_in_spec({"connection": connection})) == expected


@pytest.mark.parametrize("spec", [None, 5, [], "connection", {}, {"request": {"note": "n"}}])
def test_no_connection(spec: object) -> None:
    """A spec without a connection has no secrets."""
    assert list(secrets_in_spec(spec)) == []
