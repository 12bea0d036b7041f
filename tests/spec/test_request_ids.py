"""`request_id`: a number, a number after `#`, or the address of a request's page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from operations import load_operation
from process.errors import SpecError, StepError
from spec.coercion import coerce
from spec.schema import load_spec_schema
from spec.validation import validate
from spec.values import split_request_id
from tests.scenario_files import CONNECTION

ROOT = Path(__file__).resolve().parent.parent.parent
GET = load_operation("get")
SCHEMA = load_spec_schema(GET.schema_folder)
WRITTEN = Draft7Validator(json.loads((ROOT / "steps/get/spec.schema.json").read_text("utf-8")))
PAGE = "https://wdc.4me.com"


@pytest.mark.parametrize(
    ("value", "number", "host"),
    [
        (80339, 80339, ""),
        (80339.0, 80339, ""),
        (" 80339\n", 80339, ""),
        ("#80339", 80339, ""),
        (" #0080339 ", 80339, ""),
        ("https://wdc.4me.com/requests/80339", 80339, PAGE),
        ("\thttps://wdc.4me.com/requests/80339/\n", 80339, PAGE),
        ("https://wdc.4me.com/requests/80339?a=b&c=/requests/1#d", 80339, PAGE),
        ("https://wdc.4me.com/requests/80339/#note-5", 80339, PAGE),
        ("wdc.4me.com/requests/80339", 80339, "wdc.4me.com"),
        ("HTTPS://WDC.4me.com:8443/requests/80339", 80339, "HTTPS://WDC.4me.com:8443"),
        ("http://[::1]:8080/requests/5", 5, "http://[::1]:8080"),
    ],
)
def test_spellings(value: object, number: int, host: str) -> None:
    """Each is the number, and the host of the page where one is named."""
    assert split_request_id(value) == (number, host)
    assert WRITTEN.is_valid({"connection": dict(CONNECTION), "request_id": value})


@pytest.mark.parametrize(
    "value",
    [
        "",
        "#",
        "# 5",
        "##5",
        "#5a",
        "#-5",
        "#\uff15",
        "#" + "9" * 20,
        "/requests/5",
        "//wdc.4me.com/requests/5",
        "https:///requests/5",
        "ftp://wdc.4me.com/requests/5",
        "https://me:secret@wdc.4me.com/requests/5",
        "https://wdc.4me.com@evil.example/requests/5",
        "https://evil.example\\@wdc.4me.com/requests/5",
        "https://wdc.4me.com/requests/",
        "https://wdc.4me.com/requests/5a",
        "https://wdc.4me.com/requests/5/notes",
        "https://wdc.4me.com/v1/requests/5",
        "https://wdc.4me.com//requests/5",
        "https://wdc.4me.com/Requests/5",
        "https://wdc.4me.com/requests/5?a b",
        "https://wdc.4me.com /requests/5",
        "https://wdc.4me.com:123456/requests/5",
        "https://wdc.4me.com/requests/5\nhttps://wdc.4me.com/requests/6",
        "https://wd\u212a.4me.com/requests/5",
    ],
)
def test_no_spellings(value: str) -> None:
    """Anything else stays as it is, and is invalid already as it is written."""
    assert split_request_id(value) == (value, "")
    assert not WRITTEN.is_valid({"connection": dict(CONNECTION), "request_id": value})


def refusal(host: str, request_id: object, account: str = "wdc") -> str:
    """Return what is wrong with a request_id; nothing when it is fine."""
    spec = {"connection": {**CONNECTION, "host": host, "account": account}}
    try:
        valid = validate({**spec, "request_id": request_id}, SCHEMA, GET.problems)
    except StepError as error:
        return str(error)
    assert valid.values["request_id"] == 5
    return ""


@pytest.mark.parametrize(
    ("host", "page"),
    [
        ("api.4me.com", "https://wdc.4me.com"),
        ("api.4me.com", "HTTP://WDC.4ME.COM"),
        ("api.4me.com", "https://wdc.xurrent.com:443"),
        ("api.xurrent.com", "wdc.4me.com"),
        ("api.au.4me.com", "wdc.au.xurrent.com"),
        ("api.xurrent.qa", "wdc.4me.qa"),
        ("api.4me-demo.com", "wdc.xurrent-demo.com"),
        ("4me.example.com", "https://4me.example.com"),
        ("api.example.com", "wdc.example.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:80", "localhost"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_pages_of_the_account(host: str, page: str) -> None:
    """The page has to be the connection's own; both brands are one."""
    assert refusal(host, f"{page}/requests/5") == ""


@pytest.mark.parametrize(
    ("host", "page"),
    [
        ("api.4me.com", "https://other.4me.com"),
        ("api.4me.com", "https://wdc.au.4me.com"),
        ("api.au.4me.com", "https://wdc.xurrent.com"),
        ("api.4me.com", "https://wdc.4me.qa"),
        ("api.4me.qa", "https://wdc.4me-demo.com"),
        ("api.4me.com", "https://api.4me.com"),
        ("api.4me.com", "https://wdc.4me.com.evil.example"),
        ("api.4me.com", "https://wdc.not4me.com"),
        ("api.4me.com", "https://wdc.4me.com:8443"),
        ("api.4me.com", "https://4me.com"),
        ("api.4me.example", "https://wdc.xurrent.example"),
        ("4me.example.com", "https://wdc.4me.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8081"),
        ("http://127.0.0.1:8080", "https://wdc.4me.com"),
    ],
)
def test_pages_of_others(host: str, page: str) -> None:
    """Another account, region, environment or host is an error that names both."""
    text = refusal(host, f"{page}/requests/5")

    assert f"request_id is the address of a page at {page}, but " in text
    assert "of the connection's account 'wdc' are at " in text
    assert "Correct the connection's account or host, or " in text


def test_a_wrong_host_is_the_only_problem_of_a_page() -> None:
    """Where the host of the connection is unknown, no page can be compared with it."""
    assert "connection.host" in refusal("http://api.4me.com", f"{PAGE}/requests/5")
    assert "request_id" not in refusal("http://api.4me.com", f"{PAGE}/requests/5")


def test_the_page_of_an_update() -> None:
    """Under `request` it is checked, too, also within JSON text and base64."""
    update = load_operation("update")
    schema = load_spec_schema()
    request = {"request_id": b"https://other.4me.com/requests/5", "impact": "low"}
    text = json.dumps(request, default=bytes.decode)
    for given_as in (request, text, text.encode()):
        spec = {"connection": {**CONNECTION, "host": "api.4me.com"}, "request": given_as}
        with pytest.raises(SpecError) as caught:
            validate(spec, schema, update.problems)
        assert caught.value.details[0].startswith("request.request_id is the address of a page at ")


@given(
    st.text()
    | st.from_regex(
        r"[ \t]?(#|(https?://)?[a-z0-9.-]{0,9}(:[0-9]{1,4})?/requests/)?[0-9]{1,20}/?([?#].?)?\n?"
    )
)
def test_texts(text: str) -> None:
    """What is accepted of any text is its digits; Relay accepts it, too; no host is forgotten."""
    number, host = split_request_id(text)

    if not isinstance(number, int):
        assert (number, host) == (text, "")
        return
    digits = re.findall("[0-9]+", text.partition("/requests/")[2] if host else text)
    assert number == int(digits[0])
    assert bool(host) is ("/requests/" in text)
    assert host in text
    if number > 0:
        spec: Any = {"connection": dict(CONNECTION), "request_id": text}
        assert WRITTEN.is_valid(spec) or number >= 2**63
        assert coerce(spec, SCHEMA).page_hosts == ({"request_id": host} if host else {})
