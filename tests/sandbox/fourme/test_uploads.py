"""The attachment storage, with both providers."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest
import requests

from sandbox import FourMeOptions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Sandbox
    from sandbox.fourme.uploads import Provider

Fields = list[tuple[str, str]]

CONTENT = b"one\ntwo\n"


@pytest.fixture
def bare() -> Iterator[requests.Session]:
    """Send no credentials."""
    with requests.Session() as session:
        session.trust_env = False
        yield session


def _granted(client: requests.Session, sandbox: Sandbox) -> tuple[str, Fields]:
    storage = client.get(f"{sandbox.fourme_url}/v1/attachments/storage").json()
    fields = storage[storage["provider"]]
    return storage["upload_uri"], [(name, str(value)) for name, value in fields.items()]


def _form(fields: Fields, *, file_at: int | None = None) -> list[tuple[str, object]]:
    """Return a form with Content-Type first and the file last, or at another place."""
    form: list[tuple[str, object]] = [("Content-Type", (None, "text/plain"))]
    form += [(name, (None, value)) for name, value in fields]
    form.insert(len(form) if file_at is None else file_at, ("file", ("log ü.txt", CONTENT)))
    return form


def _post(session: requests.Session, url: str, form: list[tuple[str, object]]) -> requests.Response:
    return session.post(url, files=form)  # type: ignore[arg-type]  # wider than the stubs say


def test_the_s3_response_is_as_documented(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """The response has the documented fields, in the documented order."""
    storage = client.get(f"{start().fourme_url}/v1/attachments/storage").json()
    assert list(storage) == ["size_limit", "allowed_extensions", "provider", "upload_uri", "s3"]
    assert list(storage["s3"]) == [
        "acl",
        "key",
        "policy",
        "success_action_status",
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-server-side-encryption",
        "x-amz-signature",
    ]
    assert storage["s3"]["success_action_status"] == 201
    assert storage["s3"]["key"].endswith("/${filename}")


def test_the_local_response_is_as_documented(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """The response has the documented fields; limits can be set."""
    options = FourMeOptions(storage="local", size_limit=5, allowed_extensions=())
    sandbox = start(fourme=options)
    storage = client.get(f"{sandbox.fourme_url}/v1/attachments/storage").json()
    assert list(storage["local"]) == ["key", "x-4me-expiration", "x-4me-signature"]
    assert storage["upload_uri"] == f"{sandbox.fourme_url}/v1/attachments"
    assert (storage["size_limit"], storage["allowed_extensions"]) == (5, [])


def test_s3_stores_a_file_and_returns_its_key(
    start: Callable[..., Sandbox], client: requests.Session, bare: requests.Session
) -> None:
    """The response is XML with the key, and the file exists until the sandbox closes."""
    sandbox = start()
    url, fields = _granted(client, sandbox)
    response = _post(bare, url, _form(fields))
    assert response.status_code == 201
    key = ET.fromstring(response.content).findtext("Key")  # noqa: S314 - the sandbox's own XML
    assert key == dict(fields)["key"].replace("${filename}", "log ü.txt")
    (upload,) = sandbox.store.uploads
    assert (upload.key, upload.filename, upload.content_type) == (key, "log ü.txt", "text/plain")
    assert upload.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert (upload.size, upload.path.read_bytes()) == (len(CONTENT), CONTENT)
    sandbox.__exit__(None, None, None)
    assert not upload.path.exists()


def test_local_storage_needs_credentials(
    start: Callable[..., Sandbox], client: requests.Session, bare: requests.Session
) -> None:
    """The response is JSON with the key; without credentials it is a 401."""
    sandbox = start(fourme=FourMeOptions(storage="local"))
    url, fields = _granted(client, sandbox)
    assert _post(bare, url, _form(fields)).status_code == 401
    response = _post(client, url, _form(fields))
    assert response.status_code == 200
    assert response.json() == {"key": sandbox.store.uploads[0].key}


def test_s3_rejects_other_credentials(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """An Authorization header is an error: 4me's token is not for the storage provider."""
    sandbox = start()
    url, fields = _granted(client, sandbox)
    response = _post(client, url, _form(fields))
    assert (response.status_code, sandbox.store.uploads) == (400, ())
    assert ET.fromstring(response.content).findtext("Code") == "InvalidArgument"  # noqa: S314 - the sandbox's own XML


@pytest.mark.parametrize(
    ("spoil", "status"),
    [
        pytest.param(lambda form: form[1:], 403, id="no content type"),
        pytest.param(lambda form: [*form[1:2], form[0], *form[2:]], 403, id="content type second"),
        pytest.param(lambda form: [*form[:3], *form[4:]], 403, id="a field is missing"),
        pytest.param(
            lambda form: [*form[:3], ("policy", (None, "x")), *form[4:]], 403, id="other value"
        ),
        pytest.param(lambda form: [*form[:-2], form[-1], form[-2]], 403, id="file before a field"),
        pytest.param(lambda form: [form[0], ("x", (None, "y")), *form[1:]], 403, id="extra field"),
        pytest.param(lambda form: form[:-1], 400, id="no file"),
        pytest.param(lambda form: [*form, form[-1]], 403, id="two files"),
        pytest.param(lambda form: [*form[:-1], ("file", (None, "x"))], 400, id="file without name"),
        pytest.param(
            lambda form: [*form[:-1], ("file", ("a", b"x" * 101))], 400, id="file too large"
        ),
        pytest.param(
            lambda form: [*form[:2], ("key", (None, "x" * 70_000)), *form[3:]], 400, id="long field"
        ),
    ],
)
@pytest.mark.parametrize("provider", ["s3", "local"])
def test_an_invalid_form_is_rejected(
    start: Callable[..., Sandbox],
    client: requests.Session,
    bare: requests.Session,
    provider: str,
    spoil: Callable[[list[tuple[str, object]]], list[tuple[str, object]]],
    status: int,
) -> None:
    """Missing, changed, misordered or extra fields, and invalid files, are errors."""
    options = FourMeOptions(storage="s3" if provider == "s3" else "local", size_limit=100)
    sandbox = start(fourme=options)
    url, fields = _granted(client, sandbox)
    response = _post(bare if provider == "s3" else client, url, spoil(_form(fields)))
    assert (response.status_code, sandbox.store.uploads) == (status, ())


@pytest.mark.parametrize("body", [b"", b"--x\r\n\r\n"])
def test_another_body_than_a_form_is_rejected(
    start: Callable[..., Sandbox], bare: requests.Session, client: requests.Session, body: bytes
) -> None:
    """A body of another type, or an incomplete one, is an error in XML."""
    url, _ = _granted(client, start())
    headers = {"Content-Type": "multipart/form-data; boundary=x"} if body else {}
    response = bare.post(url, data=body, headers=headers)
    assert response.status_code in (400, 412)
    assert ET.fromstring(response.content).tag == "Error"  # noqa: S314 - the sandbox's own XML


@pytest.mark.parametrize("provider", ["s3", "local"])
def test_a_policy_expires(
    start: Callable[..., Sandbox],
    client: requests.Session,
    bare: requests.Session,
    provider: Provider,
) -> None:
    """An upload after the expiration is rejected with S3's message; before, it is stored."""
    session = bare if provider == "s3" else client
    for seconds, status in ((0.0, 403), (60.0, 201 if provider == "s3" else 200)):
        sandbox = start(fourme=FourMeOptions(storage=provider, policy_seconds=seconds))
        url, fields = _granted(client, sandbox)
        response = _post(session, url, _form(fields))
        assert response.status_code == status
        assert len(sandbox.store.uploads) == int(status != 403)
        assert ("Invalid according to Policy: Policy expired." in response.text) is (status == 403)
        if (provider, status) == ("s3", 403):
            assert "<Code>AccessDenied</Code>" in response.text


def test_a_policy_has_its_expiration(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """The S3 policy and the field of the local storage have the time of expiration."""
    now = datetime.now(UTC)
    s3 = start(fourme=FourMeOptions(policy_seconds=600))
    policy = json.loads(base64.b64decode(dict(_granted(client, s3)[1])["policy"]))
    local = start(fourme=FourMeOptions(storage="local", policy_seconds=600))
    for text in (policy["expiration"], dict(_granted(client, local)[1])["x-4me-expiration"]):
        assert 598 <= (datetime.fromisoformat(text) - now).total_seconds() <= 660


def _uploaded(
    sandbox: Sandbox, client: requests.Session, bare: requests.Session
) -> tuple[str, str]:
    """Upload a file; return its key, and the address of a request to attach it to."""
    url, fields = _granted(client, sandbox)
    _post(bare, url, _form(fields))
    return sandbox.store.uploads[0].key, f"{sandbox.fourme_url}/v1/requests/80339"


def test_an_uploaded_file_can_be_attached_and_removed(
    start: Callable[..., Sandbox], client: requests.Session, bare: requests.Session
) -> None:
    """A PATCH attaches uploads to the note that it adds; `_destroy` removes them."""
    key, request = _uploaded(start(), client, bare)
    item = {"key": key, "filesize": len(CONTENT), "inline": True}
    body = {
        "note": f"see ![]({key})",
        "note_attachments": [item],
        "custom_fields_attachments": [item],
    }
    assert client.patch(request, json=body).status_code == 200
    (attached,) = client.get(f"{request}/notes").json()[-1]["attachments"]
    assert (attached["key"], attached["name"], attached["inline"]) == (key, "log ü.txt", True)
    gone = {"note_attachments": [{"key": key, "_destroy": True}]}
    assert client.patch(request, json=gone).json()["attachments"] == []
    assert client.get(f"{request}/notes").json()[-1]["attachments"] == []


def test_an_attachment_alone_adds_a_note(
    start: Callable[..., Sandbox], client: requests.Session, bare: requests.Session
) -> None:
    """Attachments without a text are added to a note without text; a wrong size is an error."""
    key, request = _uploaded(start(), client, bare)
    wrong = {"internal_note_attachments": [{"key": key, "filesize": 1}]}
    assert client.patch(request, json=wrong).status_code == 422
    right = {"internal_note_attachments": [{"key": key, "filesize": str(len(CONTENT))}]}
    assert client.patch(request, json=right).status_code == 200
    note = client.get(f"{request}/notes").json()[-1]
    assert (note["text"], note["internal"], len(note["attachments"])) == ("", True, 1)
