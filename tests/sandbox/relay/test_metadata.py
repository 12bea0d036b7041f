"""The metadata service, called by Relay's own SDK and by plain HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests
from relay_sdk import Interface
from relay_sdk.interface import UnresolvableException

from sandbox import parse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Sandbox

DOCUMENT = parse(
    """
connections:
  4me/main: {host: https://api.4me.com, accessToken: demo-token, account: wdc}
  other/main: {host: https://other.example}
secrets: {blob: !!binary /w==}
runs:
  1:
    parameters: {request_id: '80339'}
    steps:
      default:
        spec:
          connection: !Connection [4me, main]
          other: ${connections.other.main.host}
          request: {request_id: !Parameter request_id, blob: !Secret blob}
      incomplete:
        spec: {note: "${secrets.gone}", done: 1}
      earlier:
        outputs: {key: {deep: [1]}}
"""
)


@pytest.fixture
def relay(start: Callable[..., Sandbox]) -> Sandbox:
    """Serve the step `default` of the document above."""
    return start(document=DOCUMENT)


@pytest.fixture
def by_hand() -> Iterator[requests.Session]:
    """Send no headers but those of a test."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


def _bare(sandbox: Sandbox) -> str:
    return sandbox.metadata_url.replace(f":{sandbox.metadata_token}@", "")


def _bearer(sandbox: Sandbox) -> dict[str, str]:
    return {"Authorization": f"Bearer {sandbox.metadata_token}"}


def test_the_sdk_reads_the_spec(relay: Sandbox) -> None:
    """The SDK gets the evaluated spec, bytes included, with the sandbox's host."""
    spec = Interface(relay.metadata_url).get()
    assert spec["request"] == {"request_id": "80339", "blob": b"\xff"}
    assert spec["connection"]["host"] == relay.fourme_url
    assert spec["other"] == "https://other.example"


def test_the_sdk_queries_a_part(relay: Sandbox) -> None:
    """`?q=` returns the part that the path selects."""
    assert Interface(relay.metadata_url).get("request.request_id") == "80339"
    assert Interface(relay.metadata_url).get('connection["account"]') == "wdc"


def test_the_sdk_publishes_outputs_and_links(relay: Sandbox) -> None:
    """Outputs that the SDK sets are published, and can be read like any step's."""
    interface = Interface(relay.metadata_url)
    interface.outputs.set("request", {"id": 80339})
    interface.decorators.set_link("request", "Open it", "https://wdc.4me.com/requests/80339")
    assert relay.outputs == {"request": {"id": 80339}}
    assert relay.decorators["request"] == {
        "type": "link",
        "description": "Open it",
        "uri": "https://wdc.4me.com/requests/80339",
    }


def test_an_incomplete_spec_lists_what_is_unresolvable(by_hand: requests.Session) -> None:
    """An incomplete spec is served with a list of the unresolved values; the SDK rejects it."""
    from sandbox import Sandbox  # noqa: PLC0415 - only this test serves another step

    with Sandbox(DOCUMENT, step="incomplete") as sandbox:
        response = by_hand.get(f"{_bare(sandbox)}/spec", headers=_bearer(sandbox))
        with pytest.raises(UnresolvableException):
            Interface(sandbox.metadata_url).get()
    assert response.json() == {
        "value": {"note": "${secrets.gone}", "done": 1},
        "unresolvable": {"secrets": [{"name": "gone"}]},
        "complete": False,
    }


def test_a_complete_spec_has_relays_envelope(relay: Sandbox, by_hand: requests.Session) -> None:
    """The envelope and the content type are Relay's, and the connection is closed."""
    response = by_hand.get(f"{_bare(relay)}/spec", headers=_bearer(relay))
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Connection"] == "close"
    assert sorted(response.json()) == ["complete", "unresolvable", "value"]
    assert (response.json()["complete"], response.json()["unresolvable"]) == (True, {})


@pytest.mark.parametrize(
    "authorization", [None, "Bearer wrong", "Basic !!", "Basic Ondyb25n", "Digest x"]
)
def test_the_token_is_required(
    relay: Sandbox, by_hand: requests.Session, authorization: str | None
) -> None:
    """No token, a wrong one and an invalid header get a plain 401."""
    headers = {"Authorization": authorization} if authorization else {}
    response = by_hand.get(f"{_bare(relay)}/spec", headers=headers)
    assert (response.status_code, response.text) == (401, "401 unauthorized\n")
    assert response.headers["Content-Type"].startswith("text/plain")


def test_the_token_may_be_a_basic_password(relay: Sandbox, by_hand: requests.Session) -> None:
    """An empty user with the token as password is authorized."""
    response = by_hand.get(f"{_bare(relay)}/spec", auth=("", relay.metadata_token))
    assert response.status_code == 200


@pytest.mark.parametrize(
    ("content_type", "body", "value"),
    [
        ("application/json", b'{"a": [1]}', {"a": [1]}),
        ("text/plain", b"text", "text"),
        ("application/octet-stream", b"\xff", {"$encoding": "base64", "data": "/w=="}),
        (None, b"text", "text"),
    ],
)
def test_outputs_have_three_content_types(
    relay: Sandbox,
    by_hand: requests.Session,
    content_type: str | None,
    body: bytes,
    value: object,
) -> None:
    """JSON is stored as its value, anything else as text, or as base64 if it is not UTF-8."""
    headers = {**_bearer(relay), **({"Content-Type": content_type} if content_type else {})}
    response = by_hand.put(f"{_bare(relay)}/outputs/a%20b", data=body, headers=headers)
    assert (response.status_code, response.content) == (201, b"")
    read = by_hand.get(f"{_bare(relay)}/outputs/default/a%20b", headers=_bearer(relay))
    assert read.json() == {"task_name": "default", "key": "a b", "value": value}


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("application/json; charset=utf-8", b"{}", "rma_api_unknown_request_media_type_error"),
        ("application/xml", b"<a/>", "rma_api_unknown_request_media_type_error"),
        ("application/json", b"{", "rma_api_malformed_request_error"),
    ],
)
def test_other_content_types_are_rejected(
    relay: Sandbox, by_hand: requests.Session, content_type: str, body: bytes, code: str
) -> None:
    """A content type with a parameter, another one, and bad JSON get Relay's 422."""
    headers = {**_bearer(relay), "Content-Type": content_type}
    response = by_hand.put(f"{_bare(relay)}/outputs/x", data=body, headers=headers)
    assert (response.status_code, response.json()["error"]["code"]) == (422, code)
    assert relay.outputs == {}


def test_outputs_are_limited_to_one_mebibyte(relay: Sandbox, by_hand: requests.Session) -> None:
    """All outputs together are limited; one above the limit is not stored."""
    url, headers = _bare(relay), {**_bearer(relay), "Content-Type": "application/json"}
    half = b'"' + b"x" * 600_000 + b'"'
    assert by_hand.put(f"{url}/outputs/a", data=half, headers=headers).status_code == 201
    refused = by_hand.put(f"{url}/outputs/b", data=half, headers=headers)
    assert (refused.status_code, list(relay.outputs)) == (500, ["a"])
    assert refused.json()["error"]["code"] == "rma_model_write_error"


def test_an_earlier_steps_outputs_can_be_read(relay: Sandbox, by_hand: requests.Session) -> None:
    """The output of another step is returned; an unknown one gets Relay's 404."""
    url = _bare(relay)
    found = by_hand.get(f"{url}/outputs/earlier/key", headers=_bearer(relay))
    assert found.json()["value"] == {"deep": [1]}
    missing = by_hand.get(f"{url}/outputs/earlier/nope", headers=_bearer(relay))
    assert missing.status_code == 404
    assert missing.json()["error"]["code"] == "rma_model_not_found_error"


def test_outputs_can_be_marked_sensitive(relay: Sandbox, by_hand: requests.Session) -> None:
    """Metadata of a published output is stored; of an unknown one, or invalid, it is an error."""
    url, headers = f"{_bare(relay)}/outputs", _bearer(relay)
    assert by_hand.put(f"{url}/x", data=b"x", headers=headers).status_code == 201
    for name, body, status in (
        ("x", {"sensitive": True}, 201),
        ("y", {"sensitive": True}, 404),
        ("x", {"sensitive": "yes"}, 422),
        ("x", [], 422),
    ):
        response = by_hand.put(f"{url}/{name}/metadata", json=body, headers=headers)
        assert response.status_code == status


@pytest.mark.parametrize(
    "body", [{}, {"type": "link"}, {"type": "card", "description": "d", "uri": "u"}, [], None]
)
def test_a_decorator_must_be_a_link(
    relay: Sandbox, by_hand: requests.Session, body: object
) -> None:
    """A decorator that is not a complete link gets a 422 and is not stored."""
    response = by_hand.post(f"{_bare(relay)}/decorators/x", json=body, headers=_bearer(relay))
    assert (response.status_code, relay.decorators) == (422, {})


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("q=request.nope", "rma_expression_evaluation_error"),
        ("lang=jsonpath", "rma_expression_unsupported_language_error"),
    ],
)
def test_invalid_queries_are_rejected(
    relay: Sandbox, by_hand: requests.Session, query: str, code: str
) -> None:
    """A path without a value, or an unknown language, gets Relay's 422."""
    response = by_hand.get(f"{_bare(relay)}/spec?{query}", headers=_bearer(relay))
    assert (response.status_code, response.json()["error"]["code"]) == (422, code)


def test_unknown_paths_are_not_found(relay: Sandbox, by_hand: requests.Session) -> None:
    """An unknown path gets a plain 404."""
    response = by_hand.post(f"{_bare(relay)}/events", json={}, headers=_bearer(relay))
    assert (response.status_code, response.text) == (404, "404 page not found\n")
