"""With the 4me API served, no call of a step leaves the machine, whatever the spec."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import pytest
import requests
from relay_sdk import Interface

from sandbox import FOURME_HOST, FourMeOptions, Sandbox, document_for, parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox import Document

DOCUMENT = """
connections:
  4me/main: {{host: https://api.4me.com, account: wdc}}
  xurrent/main: {{host: https://api.xurrent.com, account: wdc}}
secrets:
  host: api.4me.com
  text: '{{"host": "https://api.4me.com", "account": "wdc"}}'
  binary: !!binary aHR0cHM6Ly9hcGkuNG1lLmNvbQ==
runs:
  1:
    parameters:
      host: https://api.4me.com
      connection: {{host: https://api.4me.com, account: wdc}}
    steps:
      earlier:
        outputs: {{host: https://api.4me.com, account: wdc, text: '{{"host": "api.4me.com"}}'}}
      default:
        spec: {{connection: {connection}, request: {{request_id: 80339}}}}
"""

#: Connections as YAML within a document, by how they come to their host.
MAPPINGS = {
    "written": "{host: https://api.4me.com, account: wdc}",
    "no scheme": "{host: api.4me.com, account: wdc}",
    "of type 4me": "!Connection [4me, main]",
    "of another type": "!Connection [xurrent, main]",
    "an expression": '"${connections.xurrent.main}"',
    "one member": '{host: "${connections.xurrent.main.host}", account: wdc}',
    "a template": '{host: "https://${secrets.host}/v1", account: wdc}',
    "a secret": "{host: !Secret host, account: wdc}",
    "bytes": "{host: !Secret binary, account: wdc}",
    "a parameter": "{host: !Parameter host, account: wdc}",
    "a whole parameter": "!Parameter connection",
    "an output": "{host: !Output [earlier, host], account: wdc}",
    "base64": "{host: {$encoding: base64, data: YXBpLjRtZS5jb20=}, account: wdc}",
    "user info": "{host: https://127.0.0.1@api.4me.com, account: wdc}",
    "loopback elsewhere": "{host: http://127.0.0.1:9, account: wdc}",
    "empty": "{host: '', account: wdc}",
    "a token's address": "{host: api.4me.com, account: wdc, tokenURL: https://oauth.4me.com/token}",
}
TEXTS = {
    "JSON text": '\'{"host": "https://api.4me.com", "account": "wdc"}\'',
    "JSON text with blanks": '\' {"host": "https://api.4me.com", "account": "wdc"}\n \'',
    "the host twice": '\'{"host": "a", "account": "wdc", "host": "api.4me.com"}\'',
    "a secret of JSON": "!Secret text",
    "a template of JSON": '\'{"host": "${secrets.host}", "account": "wdc"}\'',
    "a mapping in a template": '"\\n${connections.xurrent.main}"',
}


def _document(connection: str) -> Document:
    return parse(DOCUMENT.format(connection=connection))


def _spec(sandbox: Sandbox, query: str = "") -> requests.Response:
    """Get the spec without the SDK, which would convert it."""
    url = sandbox.metadata_url.replace(f":{sandbox.metadata_token}@", "")
    with requests.Session() as session:
        session.trust_env = False
        headers = {"Authorization": f"Bearer {sandbox.metadata_token}"}
        return session.get(f"{url}/spec", params={"q": query}, headers=headers)


def _value(sandbox: Sandbox, query: str = "") -> object:
    response = _spec(sandbox, query)
    assert "4me.com" not in response.text
    assert "xurrent.com" not in response.text
    return response.json()["value"]


@pytest.mark.parametrize("name", MAPPINGS)
def test_the_host_of_a_connection_is_replaced(start: Callable[..., Sandbox], name: str) -> None:
    """Whatever the source of a host, it is replaced in the spec and in each part of it."""
    sandbox = start(document=_document(MAPPINGS[name]))
    connection = {"host": sandbox.fourme_url, "account": "wdc"}
    if "tokenURL" in MAPPINGS[name]:
        connection["tokenURL"] = f"{sandbox.fourme_url}/token"
        assert _value(sandbox, "connection.tokenURL") == f"{sandbox.fourme_url}/token"
    assert _value(sandbox) == {"connection": connection, "request": {"request_id": 80339}}
    assert _value(sandbox, "connection") == connection
    assert _value(sandbox, "connection.host") == sandbox.fourme_url
    assert _value(sandbox, "connection['host']") == sandbox.fourme_url
    assert _value(sandbox, "connection.account") == "wdc"
    assert _value(sandbox, "request.request_id") == 80339
    assert Interface(sandbox.metadata_url).get()["connection"]["host"] == sandbox.fourme_url


@pytest.mark.parametrize("name", TEXTS)
def test_the_host_in_json_text_is_replaced(start: Callable[..., Sandbox], name: str) -> None:
    """A connection that is JSON text stays JSON text, with the host replaced."""
    sandbox = start(document=_document(TEXTS[name]))
    spec = _value(sandbox)
    assert isinstance(spec, dict)
    for text in (spec["connection"], _value(sandbox, "connection")):
        assert isinstance(text, str)
        assert json.loads(text) == {"host": sandbox.fourme_url, "account": "wdc"}
    assert _spec(sandbox, "connection.host").status_code == 422


@pytest.mark.parametrize(
    "connection",
    [
        {"host": "https://api.4me.com"},
        {"host": f"{FOURME_HOST}@api.4me.com"},
        {"host": f"{FOURME_HOST}.4me.com"},
        {"host": 134744072},  # an IPv4 address to a resolver, once it is text
        {"host": 134744072.0},
        {"host": {"$encoding": "", "data": "api.4me.com"}},
        {"host": {"$encoding": "", "data": {"$encoding": "base64", "data": "YXBpLjRtZS5jb20="}}},
        {"$encoding": "", "data": {"host": "api.4me.com"}},
        json.dumps({"host": "api.4me.com"}),
        json.dumps({"host": "api.4me.com"}).encode(),
        {"$encoding": "base64", "data": base64.b64encode(b'{"host": "api.4me.com"}').decode()},
    ],
)
@pytest.mark.parametrize("wrapped", [False, True])
def test_the_host_of_a_literal_spec_is_replaced(
    start: Callable[..., Sandbox], connection: object, *, wrapped: bool
) -> None:
    """It is the same without any expression, in each of Relay's representations of text."""
    spec: object = {"connection": connection}
    sandbox = start(document=document_for({"$encoding": "", "data": spec} if wrapped else spec))
    served = Interface(sandbox.metadata_url).get()["connection"]
    served = json.loads(served) if isinstance(served, str | bytes) else served
    assert served == {"host": sandbox.fourme_url}


@pytest.mark.parametrize(
    "connection",
    [
        {"account": "wdc"},
        {"host": True},
        {"host": None},
        {"host": ["api.4me.com"]},
        {"host": {"$encoding": "base64", "data": 5}},
        {"host": {"$encoding": "base64", "data": "x"}},
        "no JSON",
        "[" * 100_000,
        "5",
        None,
        [1],
    ],
)
def test_a_connection_without_a_host_is_unchanged(
    start: Callable[..., Sandbox], connection: object
) -> None:
    """A connection without a host that is text is unchanged: the step reports the mistake."""
    spec = {"connection": connection, "request": {"host": "https://api.4me.com"}}
    assert _spec(start(document=document_for(spec))).json()["value"] == spec


@pytest.mark.parametrize("spec", [{"request": 1}, [1], None, "x"])
def test_a_spec_without_a_connection_is_unchanged(
    start: Callable[..., Sandbox], spec: object
) -> None:
    """There is nothing to replace."""
    assert _spec(start(document=document_for(spec))).json()["value"] == spec


def test_a_missing_connection_stays_unresolved(start: Callable[..., Sandbox]) -> None:
    """A missing connection is listed; other parts of the spec are not affected."""
    sandbox = start(document=_document("{host: '${secrets.gone}', account: wdc}"))
    assert _spec(sandbox).json()["unresolvable"] == {"secrets": [{"name": "gone"}]}
    assert _spec(sandbox, "connection.account").json() == {
        "value": "wdc",
        "unresolvable": {},
        "complete": True,
    }


def test_without_fourme_the_host_is_unchanged() -> None:
    """The spec has the host of the document."""
    document = _document(MAPPINGS["of another type"])
    with Sandbox(document) as sandbox:
        assert _spec(sandbox, "connection.host").json()["value"] == "https://api.xurrent.com"
    with Sandbox(document, fourme=FourMeOptions()) as sandbox:
        assert _spec(sandbox, "connection.host").json()["value"] == sandbox.fourme_url
