"""`fourme.redaction`: no secret leaves a run, in whatever spelling."""

from __future__ import annotations

import base64
import html
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from fourme.redaction import HIDDEN, Redactor, secrets_in_environment, secrets_in_spec

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = 'pä"ss/w\\ört 1'
TOKEN = ('Aa1+Bb2/Cc3=Dd4.Ee5-Ff6_Gg7&Hh8<Ii9"' * 4)[:120]


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


def each_other_char(write: Callable[[str], str]) -> str:
    """Return the token with all but its letters and digits written in another way."""
    return re.sub(r"[^A-Za-z0-9]", lambda match: write(match[0]), TOKEN)


@pytest.mark.parametrize(
    "spelling",
    [
        TOKEN,
        quote(TOKEN, safe=""),
        quote(TOKEN),
        quote(TOKEN, safe='=.-_&<"'),
        each_other_char(lambda char: f"%{ord(char):02x}"),
        each_other_char(lambda char: f"%{ord(char):02X}"),
        TOKEN.replace("+", "%2b"),
        json.dumps(TOKEN)[1:-1],
        json.dumps(TOKEN)[1:-1].replace("/", "\\/"),
        each_other_char(lambda char: "\\" + char),
        each_other_char(lambda char: f"\\u{ord(char):04x}"),
        each_other_char(lambda char: f"\\U{ord(char):04X}".replace("U", "u")),
        each_other_char(lambda char: f"\\x{ord(char):02x}"),
        repr(TOKEN + "'")[1:-3],
        html.escape(TOKEN),
        html.escape(TOKEN, quote=False),
        each_other_char(lambda char: f"&#x{ord(char):x};"),
        each_other_char(lambda char: f"&#x{ord(char):X};"),
        each_other_char(lambda char: f"&#x00{ord(char):x};"),
        each_other_char(lambda char: f"&#{ord(char)};"),
        each_other_char(lambda char: f"&#0{ord(char)};"),
    ],
)
@pytest.mark.parametrize(("before", "after"), [("", ""), ("Bearer ", "."), ("a=", "&b=c")])
def test_long_token(spelling: str, before: str, after: str) -> None:
    """A long token is hidden whole, however URLs, JSON, HTML or logs escape it, and no more."""
    found = redactor(TOKEN)

    assert found.hide(before + spelling + after) == before + HIDDEN + after
    assert found.hide_in([before + spelling + after]) == [before + HIDDEN + after]


@pytest.mark.parametrize("before", ["", "u", "us", "user:", "a-user:", "Bearer ", ":"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_token_in_base64(before: str, encode: Callable[[bytes], bytes]) -> None:
    """A token is hidden in base64 wherever it begins there; but its last bytes, too few to use."""
    encoded = encode(f"{before}{TOKEN}:after".encode()).decode()

    hidden = redactor(TOKEN).hide(encoded)
    rest = "".join(hidden.split(HIDDEN))
    assert HIDDEN in hidden
    assert len(rest) <= len(base64.b64encode(f"{before}:after".encode())) + 8


def test_tokens_alike() -> None:
    """What only resembles a token is left as it is."""
    text = f"{TOKEN[:-1]} {TOKEN[1:]} {TOKEN.replace('+', ' ')} {TOKEN.swapcase()}"

    assert redactor(TOKEN).hide(text) == text


def test_quoted_secret() -> None:
    """A secret that a URL holds in quoted spelling is hidden in its plain spelling, too."""
    found = redactor("ab%2Fc%20defgh")

    assert found.hide("ab/c defgh, ab%2Fc%20defgh") == f"{HIDDEN}, {HIDDEN}"
    assert found.hide("plain ab/c defgh alone") == f"plain {HIDDEN} alone"
    basic = base64.b64encode(b":ab/c defgh").decode()
    assert HIDDEN in found.hide(basic)


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
    """A JSON value keeps its shape and its names; its strings lose their secrets."""
    value = {"a long-token": ["long-token", 5, None, True, 1.5, {"b": "x long-token"}]}

    assert redactor("long-token").hide_in(value) == {
        "a long-token": [HIDDEN, 5, None, True, 1.5, {"b": f"x {HIDDEN}"}]
    }


def test_object() -> None:
    """An object stays an object, and keeps its names."""
    found = redactor("long-token").hide_in_object({"long-token": "long-token"})

    assert found == {"long-token": HIDDEN}


@pytest.mark.parametrize("secret", ["t", "id", "token", "1234567"])
def test_short_secret(secret: str) -> None:
    """A very short secret is kept out of logs, and does not tear outputs apart."""
    found = redactor(secret)

    assert found.hide(f"a {secret}.") == f"a {HIDDEN}."
    assert found.hide_in({"a": f"a {secret}."}) == {"a": f"a {secret}."}


def test_eight_characters() -> None:
    """A secret of eight characters is long enough to be looked for in outputs."""
    assert redactor("12345678").hide_in("a 12345678") == f"a {HIDDEN}"


def test_nothing_of_the_connection_but_the_token() -> None:
    """What a store keeps beside the token is no secret, and the output stays as it is."""
    connection = {
        "host": "https://api.4me.com",
        "account": "wdc",
        "accessToken": TOKEN,
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
    found.learn(secrets_in_spec({"connection": connection}))

    assert [*secrets_in_spec({"connection": connection})] == [TOKEN]
    assert found.hide_in_object(output) == output
    assert found.hide("http://127.0.0.1:8080, us, 4me") == "http://127.0.0.1:8080, us, 4me"


def test_conceal() -> None:
    """Notes are kept out of logs, where a server may quote them, but not out of outputs."""
    found = redactor("long-token")
    found.conceal(["Printed a page", "short"])
    found.conceal(["Another note"])
    text = "Printed a page is bad, so is Another note, short, long-token"

    assert found.hide(text) == f"{HIDDEN} is bad, so is {HIDDEN}, short, {HIDDEN}"
    assert found.hide_in(text) == text.replace("long-token", HIDDEN)


def test_conceal_as_quoted() -> None:
    """A note is kept out of logs as messages quote it: on one line, or as JSON."""
    note = 'Printed "two"\n  pages at B\u00fcro 5'
    found = Redactor()
    found.conceal([note])

    for quoted in (note, " ".join(note.split()), json.dumps(note)[1:-1]):
        assert found.hide(f"4me says {quoted}.") == f"4me says {HIDDEN}."


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


def test_a_note_that_holds_a_part_of_a_secret_does_not_uncover_the_rest() -> None:
    """Secrets are hidden first, in what is kept private as well."""
    redactor = Redactor()
    redactor.learn(["demo-token-12345"])
    redactor.conceal(["demo-token", "a note with demo-token-12345 in it"])
    said = redactor.hide("x demo-token-12345 y a note with demo-token-12345 in it z")
    assert said == f"x {HIDDEN} y {HIDDEN} z"
