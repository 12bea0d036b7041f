"""`fourme.storage`: what is made of odd answers, and of files that change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fourme.attachments import File
from fourme.errors import (
    AccessError,
    ConfigError,
    RefusedError,
    SpecError,
    TryLaterError,
    UnexpectedAnswerError,
)
from fourme.storage import readable_size, upload_all
from tests.fourme.loopback import serve
from tests.fourme.scripted_api import ScriptedApi, answer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fourme.loopback import Connection

FILE = File("note_attachments", 0, "a.txt", "text/plain", b"content")
S3 = {"size_limit": 100, "allowed_extensions": None, "provider": "s3", "s3": {"key": "x"}}


def upload(value: object, *files: File, status: int = 200, retry_time: float = 0) -> object:
    """Upload files to the storage that an answer of 4me speaks of."""
    api = ScriptedApi(answer(value, status), retry_time=retry_time)
    return upload_all(files or (FILE,), api, api.budget())


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {**S3, "upload_uri": "http://elsewhere.example/"},
        {**S3, "upload_uri": "ftp://elsewhere.example/"},
        {**S3, "upload_uri": "https://[oops"},
        {**S3, "upload_uri": "https://s3.example/", "size_limit": "many"},
        {**S3, "upload_uri": "https://s3.example/", "provider": "s4"},
        {**S3, "upload_uri": "https://s3.example/", "s3": []},
    ],
)
def test_a_storage_that_makes_no_sense_is_unexpected(value: object) -> None:
    """Nothing is uploaded, and nothing was applied."""
    with pytest.raises(UnexpectedAnswerError) as caught:
        upload(value)
    assert caught.value.applied == "no"


@pytest.mark.parametrize(("status", "kind"), [(401, AccessError), (404, RefusedError)])
def test_a_refused_storage_is_an_error_of_4me(status: int, kind: type[Exception]) -> None:
    """The question where to upload can be refused like any other."""
    with pytest.raises(kind):
        upload({"message": "No"}, status=status)


def test_the_token_does_not_go_to_another_host() -> None:
    """A `local` storage elsewhere than at the connection's host is refused."""
    value = {"provider": "local", "upload_uri": "https://elsewhere.example/v1", "local": {}}
    with pytest.raises(ConfigError, match="does not send the access token there"):
        upload(value)


def test_a_file_that_goes_away_is_a_problem_of_the_spec(tmp_path: Path) -> None:
    """Whenever it goes: the error names it, and nothing was applied."""
    gone = File("note_attachments", 3, "gone.log", "text/plain", path=str(tmp_path / "gone.log"))
    with pytest.raises(SpecError, match=r"request.note_attachments\[3\] cannot be read any more"):
        upload({**S3, "upload_uri": "https://s3.example/"}, gone)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not XML",
        b"<PostResponse/>",
        b"<PostResponse><Key></Key></PostResponse>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><PostResponse><Key>&a;</Key></PostResponse>',
    ],
)
def test_an_answer_without_a_key_is_tried_again(body: bytes) -> None:
    """XML tricks count as no key; at the end of the budget it is: try later."""

    def turn(connection: Connection) -> None:
        connection.answer(body, status="201 Created")

    with serve(turn) as server, pytest.raises(TryLaterError, match="without a key"):
        upload({**S3, "upload_uri": server.url})


@pytest.mark.parametrize("tag", ["Key", 's:Key xmlns:s="urn:x"'])
def test_the_key_is_read_from_xml(tag: str) -> None:
    """With or without a namespace."""
    body = f"<PostResponse><{tag}>files/a.txt</{tag.split(maxsplit=1)[0]}></PostResponse>".encode()
    with serve(lambda connection: connection.answer(body, status="201 Created")) as server:
        stored = upload({**S3, "upload_uri": server.url})
    assert isinstance(stored, dict)
    assert [(place, file.key, file.size) for place, file in stored.items()] == [
        (("note_attachments", 0), "files/a.txt", 7)
    ]


@pytest.mark.parametrize(
    ("status", "kind"), [("403 Forbidden", AccessError), ("422 x", RefusedError)]
)
def test_4me_s_own_storage_refuses_like_4me(
    status: str, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A role is missing, or a value is wrong."""
    with serve(lambda connection: connection.answer(b"{}", status=status)) as server:
        monkeypatch.setattr("fourme.hosts.Host.address", server.url.removeprefix("http://"))
        monkeypatch.setattr("fourme.storage.urlsplit", _https)
        value = {"provider": "local", "upload_uri": server.url, "local": {}}
        with pytest.raises(kind):
            upload(value)


def _https(url: str) -> object:
    from urllib.parse import urlsplit  # noqa: PLC0415  the original of what is replaced

    return urlsplit(url)._replace(scheme="https")


def test_a_local_answer_that_is_no_object_has_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """A JSON list from 4me's own storage is tried again, then given up."""

    def turn(connection: Connection) -> None:
        connection.answer(b"[]", "Content-Type: application/json")

    with serve(turn) as server:
        monkeypatch.setattr("fourme.hosts.Host.address", server.url.removeprefix("http://"))
        monkeypatch.setattr("fourme.storage.urlsplit", _https)
        with pytest.raises(TryLaterError, match="without a key"):
            upload({"provider": "local", "upload_uri": server.url, "local": {}})


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (1, "1 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 KiB"),
        (1536 * 1024, "1.5 MiB"),
        (200 * 2**20, "200.0 MiB"),
        (5 * 2**40, "5120.0 GiB"),
    ],
)
def test_sizes_are_readable(size: int, text: str) -> None:
    """With the unit that fits."""
    assert readable_size(size) == text
