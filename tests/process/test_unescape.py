"""`process.unescape`, as redaction uses it: secrets are found however they are escaped."""

from __future__ import annotations

import base64
import html
import json
import re
import time
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from process.redaction import MASK, Redactor

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
    "escaped",
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
def test_encodings(escaped: str) -> None:
    """A secret is redacted as it is, and as in URLs, JSON, repr and Basic credentials."""
    text = redactor(SECRET).redact(f"before {escaped} after")

    assert MASK in text
    assert escaped.strip("\n '\"=") not in text
    assert text.startswith("before ")
    assert text.endswith(" after")


def each_other_char(write: Callable[[str], str]) -> str:
    """Return the token with all but its letters and digits escaped."""
    return re.sub(r"[^A-Za-z0-9]", lambda match: write(match[0]), TOKEN)


@pytest.mark.parametrize(
    "escaped",
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
def test_long_token(escaped: str, before: str, after: str) -> None:
    """A long token is redacted whole, however it is escaped, and nothing around it."""
    found = redactor(TOKEN)

    assert found.redact(before + escaped + after) == before + MASK + after
    assert found.redact_value([before + escaped + after]) == [before + MASK + after]


@pytest.mark.parametrize("before", ["", "u", "us", "user:", "a-user:", "Bearer ", ":"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_token_in_base64(before: str, encode: Callable[[bytes], bytes]) -> None:
    """A token is redacted in base64 at any offset, except for a few of its last characters."""
    encoded = encode(f"{before}{TOKEN}:after".encode()).decode()

    redacted = redactor(TOKEN).redact(encoded)
    rest = "".join(redacted.split(MASK))
    assert MASK in redacted
    assert len(rest) <= len(base64.b64encode(f"{before}:after".encode())) + 8


def test_similar_texts() -> None:
    """A text that only resembles a token stays."""
    text = f"{TOKEN[:-1]} {TOKEN[1:]} {TOKEN.replace('+', ' ')} {TOKEN.swapcase()}"

    assert redactor(TOKEN).redact(text) == text


def test_percent_encoded_secret() -> None:
    """A secret that was added percent-encoded is redacted where it is not, too."""
    found = redactor("ab%2Fc%20defgh")

    assert found.redact("ab/c defgh, ab%2Fc%20defgh") == f"{MASK}, {MASK}"
    assert found.redact("plain ab/c defgh alone") == f"plain {MASK} alone"
    basic = base64.b64encode(b":ab/c defgh").decode()
    assert MASK in found.redact(basic)


def test_escaped_private_text() -> None:
    """A note is redacted as messages quote it: on one line, as JSON, HTML or in a URL."""
    note = 'Printed "two"\n  pages at <B\u00fcro> 5'
    line = " ".join(note.split())
    found = Redactor()
    found.add_private_texts([note])

    for quoted in (note, line, *(escape(text) for escape in ESCAPES for text in (note, line))):
        assert found.redact(f"4me says {quoted}.") == f"4me says {MASK}."


secrets = (
    st.text(min_size=1, max_size=30) | st.text(st.sampled_from("a1%\\&;'\"<25/"), min_size=1)
).filter(lambda text: "*" not in text and text == " ".join(text.split()))


@given(secrets, st.lists(st.sampled_from(ESCAPES), max_size=3))
def test_nested_escapes(secret: str, escapes: list[Callable[[str], str]]) -> None:
    """Any secret is redacted, escaped by any of these, up to three times."""
    escaped = secret
    for escape in escapes:
        escaped = escape(escaped)

    redacted = redactor(secret).redact(f"a {escaped} z")

    assert MASK in redacted
    assert escaped not in redacted
    assert secret not in redacted


@given(secrets, st.sampled_from([as_form, as_bytes]))
def test_forms_and_bytes(secret: str, escape: Callable[[str], str]) -> None:
    """A form encodes a blank as `+`; the repr of bytes escapes the bytes of UTF-8."""
    escaped = escape(secret)
    redacted = redactor(secret).redact(f"({escaped})")

    assert MASK in redacted
    assert escaped not in redacted


def test_escaped_letters() -> None:
    """Letters may be escaped, though they need not."""
    found = redactor("secret-token")

    for escaped in (
        "".join(f"%{ord(char):02x}" for char in "secret-token"),
        "".join(f"\\u{ord(char):04x}" for char in "secret-token"),
        "".join(f"\\U{ord(char):08X}" for char in "secret-token"),
        "".join(f"&#{ord(char)};" for char in "secret-token"),
    ):
        assert found.redact(f"a={escaped}&b") == f"a={MASK}&b"


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
def test_invalid_escapes(odd: str) -> None:
    """Invalid escapes stay; only the secret is redacted."""
    assert redactor("long-token").redact(f"{odd} long-token{odd}") == f"{odd} {MASK}{odd}"


def test_offsets_after_escapes() -> None:
    """Offsets are right after escapes that are longer or shorter than their characters."""
    escaped = "%F0%9F%96%A8 \\ud83d\\udda8 &NotEqualTilde; sec%2Fret %C3%A4"

    assert redactor("sec/ret").redact(escaped) == escaped.replace("sec%2Fret", MASK)


@pytest.mark.parametrize("char", ["\\", "%", "&", "'", '"', "%25", "&amp;", "\\u005c", "\\%&"])
@pytest.mark.parametrize("times", [30, 200])
def test_worst_case_time(char: str, times: int) -> None:
    """Tokens of escape characters, and texts full of them, are redacted in linear time."""
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
        redacted = found.redact(text[:LARGE])
        assert time.process_time() - started < 2  # of tenths on a slow machine
        assert token not in redacted
