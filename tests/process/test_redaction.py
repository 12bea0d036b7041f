"""`process.redaction`: no secret leaves a run, in whatever spelling."""

from __future__ import annotations

import base64
import html
import json
import logging
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from process.redaction import (
    MASK,
    Redactor,
    access_secrets_in_environment,
    secrets_in_environment,
)
from spec.secrets import secrets_in_spec

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = 'pä"ss/w\\ört 1'
LARGE = 64 * 1024
TOKEN = ('Aa1+Bb2/Cc3=Dd4.Ee5-Ff6_Gg7&Hh8<Ii9"' * 4)[:120]


def as_form(text: str) -> str:
    """Return a text as a form sends it."""
    return quote_plus(text, errors="surrogatepass")


def as_url(text: str) -> str:
    """Return a text as a part of a URL."""
    return quote(text, safe="", errors="surrogatepass")


def as_json(text: str) -> str:
    """Return a text as JSON writes it."""
    return json.dumps(text)[1:-1]


def as_repr(text: str) -> str:
    """Return a text as Python shows it."""
    return repr(text)[1:-1]


def as_bytes(text: str) -> str:
    """Return a text as Python shows its bytes."""
    return repr(text.encode("utf-8", "surrogatepass"))[2:-1]


ESCAPES: list[Callable[[str], str]] = [as_url, as_json, as_repr, html.escape]


def redactor(*secrets: str) -> Redactor:
    """Return a redactor that knows some secrets."""
    found = Redactor()
    found.add_secrets(secrets)
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
    text = redactor(SECRET).redact(f"before {spelling} after")

    assert MASK in text
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

    assert found.redact(before + spelling + after) == before + MASK + after
    assert found.redact_value([before + spelling + after]) == [before + MASK + after]


@pytest.mark.parametrize("before", ["", "u", "us", "user:", "a-user:", "Bearer ", ":"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_token_in_base64(before: str, encode: Callable[[bytes], bytes]) -> None:
    """A token is hidden in base64 wherever it begins there; but its last bytes, too few to use."""
    encode_utf8 = encode(f"{before}{TOKEN}:after".encode()).decode()

    hidden = redactor(TOKEN).redact(encode_utf8)
    rest = "".join(hidden.split(MASK))
    assert MASK in hidden
    assert len(rest) <= len(base64.b64encode(f"{before}:after".encode())) + 8


def test_tokens_alike() -> None:
    """What only resembles a token is left as it is."""
    text = f"{TOKEN[:-1]} {TOKEN[1:]} {TOKEN.replace('+', ' ')} {TOKEN.swapcase()}"

    assert redactor(TOKEN).redact(text) == text


def test_quoted_secret() -> None:
    """A secret that a URL holds in quoted spelling is hidden in its plain spelling, too."""
    found = redactor("ab%2Fc%20defgh")

    assert found.redact("ab/c defgh, ab%2Fc%20defgh") == f"{MASK}, {MASK}"
    assert found.redact("plain ab/c defgh alone") == f"plain {MASK} alone"
    basic = base64.b64encode(b":ab/c defgh").decode()
    assert MASK in found.redact(basic)


def test_longest_first() -> None:
    """A secret that contains another is hidden whole."""
    assert redactor("token", "token-and-more").redact("token-and-more") == MASK


def test_learns_more() -> None:
    """What is learnt later does not make it forget what it knew."""
    found = redactor("first-one")
    found.add_secrets(["second-one"])

    assert found.redact("first-one second-one") == f"{MASK} {MASK}"


@pytest.mark.parametrize("secret", ["", " ", "\n"])
def test_empty_secret(secret: str) -> None:
    """An empty secret hides nothing."""
    assert redactor(secret).redact("some text") == "some text"


def test_half_a_character() -> None:
    """A secret that is not valid text is hidden, and is no crash."""
    assert redactor("to\ud800ken").redact("a to\ud800ken") == f"a {MASK}"


def test_values() -> None:
    """A JSON value keeps its shape; its strings and names lose their secrets.

    Names once stayed as they were, so that a field named after a token published it.
    """
    value = {"a long-token": ["long-token", 5, None, True, 1.5, {"b": "x long-token"}]}

    assert redactor("long-token").redact_value(value) == {
        f"a {MASK}": [MASK, 5, None, True, 1.5, {"b": f"x {MASK}"}]
    }
    assert value == {"a long-token": ["long-token", 5, None, True, 1.5, {"b": "x long-token"}]}


def test_object() -> None:
    """An object stays an object; a name that is a secret does not stay."""
    found = redactor("long-token").redact_object({"long-token": "long-token"})

    assert found == {MASK: MASK}


def test_names_that_would_become_one_stay_apart() -> None:
    """No value is lost because its name was hidden, and none that was harmless is renamed."""
    values = {"one-token": 1, "two-token": 2, MASK: 3, "other": 4}

    found = redactor("one-token", "two-token").redact_object(values)

    assert found[MASK] == 3
    assert sorted(map(str, found.values())) == ["1", "2", "3", "4"]
    assert "token" not in "".join(found)


def test_deep_values() -> None:
    """A value nested deeper than Python's stack is cleaned like any other."""
    value: object = "long-token"
    for _ in range(5_000):
        value = [{"a": value}]

    found = redactor("long-token").redact_value(value)

    while isinstance(found, list):
        found = found[0]["a"]
    assert found == MASK


def test_hidden_in_the_output_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """An output that is not what 4me answered never goes out without a word."""
    found = redactor("long-token")
    with caplog.at_level(logging.WARNING):
        found.redact_object({"a": "harmless"})
        assert caplog.messages == []
        found.redact_object({"long-token": 1})
        found.redact_object({"a": "long-token"})

    assert len(caplog.messages) == 1
    assert f"{MASK} stands in its place" in caplog.messages[0]
    assert "make a new one" in caplog.messages[0]


def test_what_gives_no_access_is_hidden_in_logs_alone(caplog: pytest.LogCaptureFixture) -> None:
    """An output is not torn apart by the secrets of others; `waiting_for_customer` stays."""
    found = redactor("long-token")
    found.add_log_secrets(["customer", "long-token"])
    values = {"status": "waiting_for_customer", "token": "long-token"}

    with caplog.at_level(logging.WARNING):
        assert found.redact_object(values) == {
            "status": "waiting_for_customer",
            "token": MASK,
        }
    assert found.redact("waiting_for_customer long-token") == f"waiting_for_{MASK} {MASK}"


def test_what_turns_out_to_give_access_is_hidden_in_outputs() -> None:
    """The same text may be a proxy's password and the access token."""
    found = Redactor()
    found.add_log_secrets(["long-token"])
    assert found.redact_value("long-token") == "long-token"
    found.add_secrets(["long-token"])
    assert found.redact_value("long-token") == MASK


@pytest.mark.parametrize("secret", ["t", "id", "token", "1234567"])
def test_short_secret(secret: str) -> None:
    """A very short secret is kept out of logs, and does not tear outputs apart."""
    found = redactor(secret)

    assert found.redact(f"a {secret}.") == f"a {MASK}."
    assert found.redact_value({"a": f"a {secret}."}) == {"a": f"a {secret}."}


def test_eight_characters() -> None:
    """A secret of eight characters is long enough to be looked for in outputs."""
    assert redactor("12345678").redact_value("a 12345678") == f"a {MASK}"


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
    found.add_secrets(secrets_in_spec({"connection": connection}))

    assert [*secrets_in_spec({"connection": connection})] == [TOKEN]
    assert found.redact_object(output) == output
    assert found.redact("http://127.0.0.1:8080, us, 4me") == "http://127.0.0.1:8080, us, 4me"


def test_conceal() -> None:
    """Notes are kept out of logs, where a server may quote them, but not out of outputs."""
    found = redactor("long-token")
    found.add_private_texts(["Printed a page", "short"])
    found.add_private_texts(["Another note"])
    text = "Printed a page is bad, so is Another note, short, long-token"

    assert found.redact(text) == f"{MASK} is bad, so is {MASK}, short, {MASK}"
    assert found.redact_value(text) == text.replace("long-token", MASK)


def test_conceal_as_quoted() -> None:
    """A note is kept out of logs as messages quote it: on one line, as JSON, HTML or in a URL."""
    note = 'Printed "two"\n  pages at <B\u00fcro> 5'
    line = " ".join(note.split())
    found = Redactor()
    found.add_private_texts([note])

    for quoted in (note, line, *(escape(text) for escape in ESCAPES for text in (note, line))):
        assert found.redact(f"4me says {quoted}.") == f"4me says {MASK}."


@pytest.mark.parametrize(
    ("environ", "access", "others"),
    [
        ({"METADATA_API_URL": "http://:TOKEN@10.0.0.1:7000"}, {"TOKEN"}, set()),
        ({"METADATA_API_URL": "http://TOKEN@10.0.0.1:7000"}, {"TOKEN"}, set()),
        ({"METADATA_API_URL": "http://relay:TOKEN@10.0.0.1:7000"}, {"TOKEN"}, set()),
        (
            {"METADATA_API_URL": "http://:TOKEN@10.0.0.1:7000/a@b"},
            {"TOKEN", "TOKEN@10.0.0.1:7000/a"},
            set(),
        ),
        ({"https_proxy": "http://me:p@ss@proxy:3128"}, set(), {"p@ss"}),
        ({"https_proxy": "http://me:p//s?@proxy:3128"}, set(), {"p//s?"}),
        ({"HTTP_PROXY": "me:pass@proxy"}, set(), {"pass"}),
        ({"HTTP_PROXY": "http://customer@proxy"}, set(), {""}),
        ({"ALL_PROXY": "socks5://proxy"}, set(), set()),
        (
            {"FOURME_ACCESS_TOKEN": "a", "INPUT_ACCESS_TOKEN": "b"},
            {"a", "b"},
            set(),
        ),
        (
            {"FOURME_CLIENT_SECRET": "a", "INPUT_CLIENT_SECRET": "b"},
            {"a", "b"},
            set(),
        ),
        ({"METADATA_API_URL": "http://10.0.0.1:7000", "OTHER": "http://a:b@c"}, set(), set()),
        ({}, set(), set()),
    ],
)
def test_environment(environ: dict[str, str], access: set[str], others: set[str]) -> None:
    """Tokens and passwords are secrets; a user name is none, and a proxy's password no access.

    A proxy's user name was once taken for a secret where it stood without a password.
    """
    assert set(access_secrets_in_environment(environ)) == access
    assert set(secrets_in_environment(environ)) == access | others


def test_a_note_that_holds_a_part_of_a_secret_does_not_uncover_the_rest() -> None:
    """Secrets are hidden first, in what is kept private as well."""
    redactor = Redactor()
    redactor.add_secrets(["demo-token-12345"])
    redactor.add_private_texts(["demo-token", "a note with demo-token-12345 in it"])
    quote = redactor.redact("x demo-token-12345 y a note with demo-token-12345 in it z")
    assert quote == f"x {MASK} y {MASK} z"


secrets = (
    st.text(min_size=1, max_size=30) | st.text(st.sampled_from("a1%\\&;'\"<25/"), min_size=1)
).filter(lambda text: "*" not in text and text == " ".join(text.split()))


@given(secrets, st.lists(st.sampled_from(ESCAPES), max_size=3))
def test_a_secret_is_hidden_however_it_is_escaped(
    secret: str, escapes: list[Callable[[str], str]]
) -> None:
    """Whatever the secret, and whatever escapes it, once or several times over: it is gone."""
    spelled = secret
    for escape in escapes:
        spelled = escape(spelled)

    hidden = redactor(secret).redact(f"a {spelled} z")

    assert MASK in hidden
    assert spelled not in hidden
    assert secret not in hidden


@given(secrets, st.sampled_from([as_form, as_bytes]))
def test_a_secret_is_hidden_in_forms_and_bytes(secret: str, escape: Callable[[str], str]) -> None:
    """A form writes a blank as `+`; Python shows bytes as UTF-8 octets."""
    spelled = escape(secret)
    hidden = redactor(secret).redact(f"({spelled})")

    assert MASK in hidden
    assert spelled not in hidden


def test_letters_may_be_escaped_too() -> None:
    """Nobody has to escape a letter, but everybody may."""
    found = redactor("secret-token")

    for spelled in (
        "".join(f"%{ord(char):02x}" for char in "secret-token"),
        "".join(f"\\u{ord(char):04x}" for char in "secret-token"),
        "".join(f"\\U{ord(char):08X}" for char in "secret-token"),
        "".join(f"&#{ord(char)};" for char in "secret-token"),
    ):
        assert found.redact(f"a={spelled}&b") == f"a={MASK}&b"


@pytest.mark.parametrize(
    "odd",
    [
        "%",
        "%e4 %f8 %ed%a0%80 %zz",
        "\\",
        "\\x \\u12 \\U0011ffff \\Uffffffff \\xe4",
        "&#x110000; &#9999999; &nosuch; &#xD800;",
    ],
)
def test_broken_escapes_do_no_harm(odd: str) -> None:
    """What is no escape stays as it is, and hides nothing but the secret."""
    assert redactor("long-token").redact(f"{odd} long-token{odd}") == f"{odd} {MASK}{odd}"


def test_a_secret_after_characters_of_several_units() -> None:
    """What escapes stand for may be shorter or longer than they are; a place is a place."""
    escaped = "%F0%9F%96%A8 \\ud83d\\udda8 &NotEqualTilde; sec%2Fret %C3%A4"

    assert redactor("sec/ret").redact(escaped) == escaped.replace("sec%2Fret", MASK)


@pytest.mark.parametrize("char", ["\\", "%", "&", "'", '"', "%25", "&amp;", "\\u005c", "\\%&"])
@pytest.mark.parametrize("times", [30, 200])
def test_hostile_texts_take_no_time(char: str, times: int) -> None:
    """Neither a token of escape characters nor an answer full of them holds up the log.

    A token of 30 backslashes once took minutes.
    """
    token = char * times
    texts = [
        char * LARGE,
        f"{token[:-1]}x" * (LARGE // len(token)),
        f"x{token[:-1]}" * (LARGE // len(token)),
        f"{token}{token[:-1]}x" * (LARGE // len(token) // 2),
    ]
    found = redactor(token)
    for text in texts:
        started = time.process_time()
        hidden = found.redact(text[:LARGE])
        assert time.process_time() - started < 2  # of tenths on a slow machine
        assert token not in hidden
