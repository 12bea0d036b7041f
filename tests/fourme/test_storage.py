"""`fourme.storage`: what is made of odd answers, and of files that change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from requests_toolbelt.multipart.encoder import MultipartEncoder, MultipartEncoderMonitor

from fourme.attachments import File, Stored
from fourme.errors import (
    AccessError,
    ConfigError,
    ExitCode,
    RefusedError,
    SpecError,
    TryLaterError,
)
from fourme.storage import _Progress, readable_size, upload_all
from tests.fake_clock import FakeClock
from tests.fourme.loopback import serve
from tests.fourme.scripted_api import ScriptedApi, answer

if TYPE_CHECKING:
    from pathlib import Path

FILE = File("note_attachments", 0, "a.txt", "text/plain", b"content")
S3 = {"size_limit": 100, "allowed_extensions": None, "provider": "s3", "s3": {"key": "x"}}
KEY = b"<PostResponse><Key>files/a.txt</Key></PostResponse>"


def upload(
    value: object, *files: File, status: int = 200, host: str = "https://api.example.com"
) -> dict[tuple[str, int], Stored]:
    """Upload files to the storage that an answer of 4me, at a host, speaks of."""
    api = ScriptedApi(answer(value, status), retry_time=0, host=host)
    return upload_all(files or (FILE,), api, api.budget())


def upload_to_s3(body: bytes) -> dict[tuple[str, int], Stored]:
    """Upload a file to an S3 storage that answers with a body."""
    with serve(lambda connection: connection.answer(body, status="201 Created")) as server:
        return upload({**S3, "upload_uri": server.url}, host=server.url)


@pytest.mark.parametrize(
    "value",
    [
        [],
        {},
        {**S3, "upload_uri": "http://elsewhere.example/"},
        {**S3, "upload_uri": "ftp://elsewhere.example/"},
        {**S3, "upload_uri": "https://[oops"},
        {**S3, "upload_uri": "http://127.0.0.1:8080/"},
        {**S3, "upload_uri": 5},
        {"upload_uri": "https://s3.example/", "provider": 3},
        {**S3, "upload_uri": "https://s3.example/", "size_limit": True},
        {**S3, "upload_uri": "https://s3.example/", "size_limit": 1.5},
        {**S3, "upload_uri": "https://s3.example/", "allowed_extensions": "txt"},
        {**S3, "upload_uri": "https://s3.example/", "allowed_extensions": {"txt": 1}},
        {**S3, "upload_uri": "https://s3.example/", "allowed_extensions": ["txt", 5]},
        {**S3, "upload_uri": "https://s3.example/", "s3": {"key": None}},
        {**S3, "upload_uri": "https://s3.example/", "s3": {"key": True}},
        {**S3, "upload_uri": "https://s3.example/", "s3": {"key": {"b": 1}}},
        {**S3, "upload_uri": "https://s3.example/", "size_limit": "many"},
        {**S3, "upload_uri": "https://s3.example/", "provider": "s4"},
        {**S3, "upload_uri": "https://s3.example/", "s3": []},
    ],
)
def test_a_storage_that_makes_no_sense_is_a_wrong_host(value: object) -> None:
    """Nothing is uploaded and nothing was applied: somebody else answers in 4me's place."""
    with pytest.raises(ConfigError, match="does not say where to upload") as caught:
        upload(value)
    assert (caught.value.exit_code, caught.value.applied) == (ExitCode.CONFIG, "no")
    assert caught.value.details == ("The answer does not say where to upload.",)


def test_a_page_in_place_of_a_storage_is_a_wrong_host() -> None:
    """A login page is told, with the id of the answer, and nothing was applied."""
    page = answer(b"<p>Sign in</p>", Content_Type="text/html", X_Request_Id="trace-1")
    api = ScriptedApi(page)
    with pytest.raises(ConfigError) as caught:
        upload_all((FILE,), api, api.budget())
    assert (caught.value.applied, caught.value.trace) == ("no", "trace-1")
    assert "text/html where JSON was expected" in caught.value.details[0]


@pytest.mark.parametrize("allowed", [["TXT"], [".txt"], [".TXT", "pdf"], ["..txt"], [], None])
def test_extensions_are_read_with_and_without_dots(allowed: list[str] | None) -> None:
    """In capitals, too; none at all means that all are taken."""
    with serve(lambda connection: connection.answer(KEY, status="201 Created")) as server:
        value = {**S3, "upload_uri": server.url, "allowed_extensions": allowed}
        assert len(upload(value, host=server.url)) == 1


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        ({"allowed_extensions": [".PDF", "txtx"]}, "4me takes: pdf, txtx."),
        ({"size_limit": 6}, "of 7 bytes. 4me takes 6 bytes at most."),
        ({"size_limit": 0}, "of 7 bytes. 4me takes 0 bytes at most."),
    ],
)
def test_what_the_storage_does_not_take_is_a_problem_of_the_spec(
    limits: dict[str, object], says: str
) -> None:
    """All files are looked at, and nothing is uploaded."""
    with pytest.raises(SpecError) as caught:
        upload({**S3, "upload_uri": "https://s3.example/", **limits}, FILE, FILE)
    assert len(caught.value.details) == 2
    assert says in caught.value.details[0]


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


def test_a_file_that_cannot_be_sought_is_a_problem_of_the_spec() -> None:
    """Its size cannot be told: the error names it, and nothing was applied."""
    path = "/proc/self/status"
    odd = File("note_attachments", 0, "status.txt", "text/plain", path=path)
    with pytest.raises(SpecError, match=r"note_attachments\[0\] cannot be read") as caught:
        upload({**S3, "upload_uri": "https://s3.example/"}, odd)
    assert caught.value.applied == "no"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'<?xml version="1.0" encoding="bogus"?><PostResponse><Key>a</Key></PostResponse>',
        b'<?xml version="1.0" encoding="idna"?><PostResponse><Key>a</Key></PostResponse>',
        b"not XML",
        b"<PostResponse/>",
        b"<PostResponse><Key>a</Key>",
        b"<PostResponse>a<Bucket>b</Bucket></PostResponse>",
        b"<PostResponse><Key></Key></PostResponse>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><PostResponse><Key>&a;</Key></PostResponse>',
    ],
)
def test_an_answer_without_a_key_is_tried_again(body: bytes) -> None:
    """XML tricks count as no key; at the end of the budget it is: try later."""
    with pytest.raises(TryLaterError, match="without a key"):
        upload_to_s3(body)


@pytest.mark.parametrize("tag", ["Key", 's:Key xmlns:s="urn:x"'])
def test_the_key_is_read_from_xml(tag: str) -> None:
    """With or without a namespace."""
    body = f"<PostResponse><{tag}>files/a.txt</{tag.split(maxsplit=1)[0]}></PostResponse>".encode()
    assert upload_to_s3(body) == {("note_attachments", 0): Stored("files/a.txt", 7)}


def test_the_key_is_not_what_stands_around_it() -> None:
    """The answer may be indented, and says other things, too."""
    body = b"<PostResponse>\n <Bucket>b</Bucket>\n <Key>files/a.txt</Key>\n</PostResponse>\n"
    assert upload_to_s3(body)["note_attachments", 0].key == "files/a.txt"


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("files/a  b.txt", "files/a  b.txt"),
        ("files/a&amp;b.txt", "files/a&b.txt"),
        ("files/&lt;a&gt;.txt", "files/<a>.txt"),
        (" a ", " a "),
        ("b\u00fcro\u200b.txt", "b\u00fcro\u200b.txt"),
    ],
)
def test_the_key_is_taken_as_it_is(written: str, key: str) -> None:
    """4me must find the file under it: nothing is trimmed, folded or escaped."""
    body = f"<PostResponse><Key>{written}</Key></PostResponse>".encode()
    assert upload_to_s3(body)["note_attachments", 0].key == key


@pytest.mark.parametrize(
    ("body", "details"),
    [
        (b"<Error><Message>Too  large\x0a\xe2\x80\x8b</Message></Error>", "Too large \\u200b"),
        (b"<Error/>", "<Error/>"),
    ],
)
def test_s3_refuses_in_its_own_words(body: bytes, details: str) -> None:
    """They are made harmless where they are quoted; nothing was applied."""
    with serve(lambda connection: connection.answer(body, status="400 Bad Request")) as server:
        with pytest.raises(RefusedError) as caught:
            upload({**S3, "upload_uri": server.url}, host=server.url)
        assert b"Authorization" not in server.connections[0].received
    assert caught.value.details == (details,)
    assert (caught.value.status, caught.value.applied) == (400, "no")


@pytest.mark.parametrize(
    ("status", "kind"), [("403 Forbidden", AccessError), ("422 x", RefusedError)]
)
def test_4me_s_own_storage_refuses_like_4me(status: str, kind: type[Exception]) -> None:
    """A role is missing, or a value is wrong."""
    with serve(lambda connection: connection.answer(b"{}", status=status)) as server:
        value = {"provider": "local", "upload_uri": server.url, "local": {}}
        with pytest.raises(kind):
            upload(value, host=server.url)
        assert b"Authorization: Bearer a-token\r\n" in server.connections[0].received


def test_4me_s_own_storage_says_the_key_in_json() -> None:
    """The form has the parameters, as text, before the file."""
    with serve(lambda connection: connection.answer(b'{"key": "a  b"}')) as server:
        value = {"provider": "local", "upload_uri": server.url, "local": {"n": 5}}
        assert upload(value, host=server.url) == {("note_attachments", 0): Stored("a  b", 7)}
        received = server.connections[0].received
    assert received.index(b'name="n"\r\n\r\n5\r\n') < received.index(b'filename="a.txt"')
    assert b"content" in received


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"key": ""}', b'{"key": 5}'])
def test_a_local_answer_without_a_key_is_tried_again(body: bytes) -> None:
    """At the end of the budget it is: try later."""
    with serve(lambda connection: connection.answer(body)) as server:
        value = {"provider": "local", "upload_uri": server.url, "local": {}}
        with pytest.raises(TryLaterError, match="without a key"):
            upload(value, host=server.url)


def test_progress_is_told_every_few_seconds(caplog: pytest.LogCaptureFixture) -> None:
    """A line for each upload, and one more whenever five seconds have passed."""
    api = ScriptedApi(answer({}), retry_time=0)
    monitor = MultipartEncoderMonitor(MultipartEncoder({"file": "x" * 100}))
    clock = api.transport.clock
    assert isinstance(clock, FakeClock)
    progress = _Progress("a.txt (100 bytes)", clock)
    with caplog.at_level("INFO", "step.storage"):
        for seconds in (4.9, 0.1, 4.9, 0.1):
            clock.advance(seconds)
            progress.show(monitor)
            monitor.bytes_read = monitor.len
    assert [record.getMessage() for record in caplog.records] == [
        "Uploading a.txt (100 bytes): 100 %.",
        "Uploading a.txt (100 bytes): 100 %.",
    ]


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
