"""`fourme.uploads`: what is made of odd answers, and of files that change."""

from __future__ import annotations

import contextlib
import io
import os
import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests_toolbelt.multipart.encoder import MultipartEncoder, MultipartEncoderMonitor

from fourme.files import File, FilePortion, UploadedFile, describe
from fourme.upload_target import UploadTarget
from fourme.uploads import _Progress, _session_for, _Uploader, upload_all
from operations.attachments import files_of
from operations.update import OPERATION
from process.errors import (
    AccessError,
    ConfigError,
    RejectedError,
    SpecError,
    StepError,
    TemporaryError,
)
from process.exit_codes import ExitCode
from spec.schema import load_spec_schema
from spec.validation import validate
from tests.fourme.scripted_api import ScriptedApi, answer
from tests.scenario_files import CONNECTION
from tests.transport.loopback import Connection, Server, head, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

SCHEMA = load_spec_schema()
FILE = File("note_attachments", 0, "a.txt", "text/plain", b"content")
S3 = {"size_limit": 100, "allowed_extensions": None, "provider": "s3", "s3": {"key": "x"}}
KEY = b"<PostResponse><Key>files/a.txt</Key></PostResponse>"


def upload(
    value: object, *files: File, status: int = 200, host: str = "https://api.example.com"
) -> dict[tuple[str, int], UploadedFile]:
    """Upload files to the storage that an answer of 4me, at a host, speaks of."""
    api = ScriptedApi(answer(value, status), retry_time=0, host=host)
    return upload_all(files or (FILE,), api)


def upload_to_s3(body: bytes) -> dict[tuple[str, int], UploadedFile]:
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
def test_an_invalid_storage_is_a_wrong_host(value: object) -> None:
    """Nothing is uploaded and nothing was applied: somebody else answers in 4me's place."""
    with pytest.raises(ConfigError, match="does not say where to upload") as caught:
        upload(value)
    assert (caught.value.exit_code, caught.value.applied) == (ExitCode.CONFIG, "no")
    assert caught.value.details == ("The answer does not say where to upload.",)


def test_a_page_in_place_of_a_storage_is_a_wrong_host() -> None:
    """A login page is reported, with the id of the response, and nothing was applied."""
    page = answer(b"<p>Sign in</p>", Content_Type="text/html", X_Request_Id="trace-1")
    api = ScriptedApi(page)
    with pytest.raises(ConfigError) as caught:
        upload_all((FILE,), api)
    assert (caught.value.applied, caught.value.trace_id) == ("no", "trace-1")
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
        ({"allowed_extensions": [".PDF", "txtx"]}, "4me accepts: pdf, txtx."),
        ({"size_limit": 6}, "of 7 bytes. 4me accepts 6 bytes at most."),
        ({"size_limit": 0}, "of 7 bytes. 4me accepts 0 bytes at most."),
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


@pytest.mark.parametrize(("status", "kind"), [(401, AccessError), (404, RejectedError)])
def test_a_rejected_storage_call_is_an_error_of_4me(status: int, kind: type[Exception]) -> None:
    """The call can be rejected like any other."""
    with pytest.raises(kind):
        upload({"message": "No"}, status=status)


def test_the_token_does_not_go_to_another_host() -> None:
    """A `local` storage elsewhere than at the connection's host is an error."""
    value = {"provider": "local", "upload_uri": "https://elsewhere.example/v1", "local": {}}
    with pytest.raises(ConfigError, match="does not send the access token there"):
        upload(value)


def test_a_file_that_goes_away_is_a_problem_of_the_spec(tmp_path: Path) -> None:
    """Whenever it goes: the error names it, and nothing was applied."""
    gone = File("note_attachments", 3, "gone.log", "text/plain", path=str(tmp_path / "gone.log"))
    with pytest.raises(SpecError, match=r"request.note_attachments\[3\] cannot be read any more"):
        upload({**S3, "upload_uri": "https://s3.example/"}, gone)


def test_a_file_that_cannot_be_read_on_is_a_problem_of_the_spec() -> None:
    """The system's error is the file's, not the connection's: it is not tried again."""
    path = "/proc/self/mem"  # nothing is mapped at its beginning
    odd = File("note_attachments", 0, "core", "text/plain", path=path)
    with serve(lambda connection: connection.read()) as server:
        storage = UploadTarget("s3", server.url, {}, None, ())
        uploads = _Uploader(storage, ScriptedApi(host=server.url))
        with pytest.raises(SpecError, match=r"\[0\] cannot be read any more: Input") as caught:
            uploads.upload(odd, 5)
    assert caught.value.applied == "no"


class Changing:
    """A server of a storage that changes a file as soon as its upload has begun.

    Attributes:
        url: where it is.
        body: what came in of the upload.
        more: what came in behind it.
        again: what came in on the next connection.
    """

    def __init__(self, path: Path, change: Callable[[Path], None], answered: bytes) -> None:
        self.body = b""
        self.more = b""
        self.again = b""
        self._path = path
        self._change = change
        self._answered = answered

    def turn(self, connection: Connection) -> None:
        """Receive an upload; the client is stopped by full buffers until the file is changed."""
        while b"xxxx" not in connection.received:
            connection.read_some()
        self._change(self._path)
        try:
            connection.read()
        finally:
            self.body = connection.received.partition(b"\r\n\r\n")[2]
        connection.write(head("201 Created", f"Content-Length: {len(self._answered)}"))
        connection.write(self._answered)
        read = len(connection.received)
        with contextlib.suppress(ConnectionError):
            connection.read_some()  # until the client closes, as it does at the end
        self.more = connection.received[read:]

    def next_turn(self, connection: Connection) -> None:
        """Answer a call on another connection."""
        connection.answer(b"{}")
        self.again = connection.received


BIG = 8 * 2**20  # bytes; more than the buffers of a connection hold


def grow(path: Path) -> None:
    """Go on writing, as a build does."""
    with path.open("ab") as file:
        file.write(b"MORE" * 1000)


def changed(
    tmp_path: Path, provider: str, change: Callable[[Path], None]
) -> tuple[Changing, StepError | UploadedFile]:
    """Upload a big file that changes meanwhile; make one more call on the session of 4me."""
    path = tmp_path / "build.log"
    path.write_bytes(b"x" * BIG)
    key = b'{"key": "files/a.txt"}' if provider == "local" else KEY
    changing = Changing(path, change, key)
    file = File("note_attachments", 0, "build.log", "text/plain", path=str(path))
    with serve(changing.turn, changing.next_turn) as server:
        value = {"provider": provider, "upload_uri": server.url, provider: {"key": "x"}}
        api = ScriptedApi(answer(value), retry_time=300, host=server.url)
        outcome: StepError | UploadedFile
        try:
            outcome = upload_all((file,), api)["note_attachments", 0]
        except StepError as error:
            outcome = error
            api.session.get(f"{server.url}/next", timeout=5)
        api.session.close()
    return changing, outcome


@pytest.mark.parametrize("provider", ["s3", "local"])
def test_a_file_that_grows_is_sent_as_far_as_it_was_announced(
    provider: str, tmp_path: Path
) -> None:
    """What is written meanwhile is not sent: it would be read as the next call."""
    changing, outcome = changed(tmp_path, provider, grow)
    assert outcome == UploadedFile("files/a.txt", BIG)
    content = changing.body.rpartition(b"Content-Type: text/plain\r\n\r\n")[2]
    assert content.startswith(b"x" * BIG + b"\r\n--")
    assert content.endswith(b"--\r\n")
    assert b"MORE" not in changing.body
    assert changing.more == b""


@pytest.mark.parametrize("provider", ["s3", "local"])
@pytest.mark.parametrize("left", [0, 5 * 2**20])
def test_a_file_that_becomes_shorter_fails_and_nothing_else_is_sent_behind_it(
    left: int, provider: str, tmp_path: Path
) -> None:
    """The server never has the whole body; the next call is on another connection."""
    changing, outcome = changed(tmp_path, provider, lambda path: os.truncate(path, left))
    assert isinstance(outcome, SpecError)
    assert (outcome.exit_code, outcome.applied) == (ExitCode.DATA, "no")
    assert "request.note_attachments[0]: build.log has become shorter" in outcome.what
    assert f"of {BIG} bytes" in outcome.what
    assert "the request was not updated" in outcome.what
    assert "Copy the file first" in outcome.fix
    assert max(left, 1) <= len(changing.body) < BIG
    assert b"GET /next" not in changing.body
    assert changing.again.startswith(b"GET /next HTTP/1.1\r\n")


@pytest.mark.parametrize("size", [0, 1, 5])
def test_a_portion_is_never_more_than_was_announced(size: int) -> None:
    """Regardless of how much is read at once."""
    portion = FilePortion(FILE, io.BytesIO(b"content"), size)
    assert portion.len == size
    assert portion.read(1) + portion.read(-1) + portion.read(-1) == b"content"[:size]
    assert portion.len == 0


@pytest.mark.parametrize(
    ("uri", "host", "same"),
    [
        ("https://api.example.com/v1/attachments", "https://api.example.com:443", True),
        ("https://api.example.com:443/v1/attachments", "https://api.example.com", True),
        ("https://API.example.com:443/v1/attachments", "api.example.com", True),
        ("http://127.0.0.1:80/v1/attachments", "http://127.0.0.1", True),
        ("https://api.example.com:80/v1/attachments", "https://api.example.com", False),
        ("https://api.example.com:8443/v1/attachments", "https://api.example.com", False),
        ("https://x@api.example.com:443/v1/attachments", "https://api.example.com", False),
        ("https://127.0.0.1/v1/attachments", "http://127.0.0.1", False),
    ],
)
def test_the_token_goes_to_the_same_host_with_its_usual_port(
    uri: str,
    host: str,
    same: bool,  # noqa: FBT001  a table's column
) -> None:
    """A port that is written out but the usual one makes no other host."""
    api = ScriptedApi(host=host)
    stack = contextlib.ExitStack()
    session = _session_for(UploadTarget("local", uri, {}, None, ()), api)
    if same:
        assert stack.enter_context(session) is api.session
    else:
        with pytest.raises(ConfigError, match="does not send the access token there"):
            stack.enter_context(session)


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
    with pytest.raises(TemporaryError, match="without a key"):
        upload_to_s3(body)


@pytest.mark.parametrize("tag", ["Key", 's:Key xmlns:s="urn:x"'])
def test_the_key_is_read_from_xml(tag: str) -> None:
    """With or without a namespace."""
    body = f"<PostResponse><{tag}>files/a.txt</{tag.split(maxsplit=1)[0]}></PostResponse>".encode()
    assert upload_to_s3(body) == {("note_attachments", 0): UploadedFile("files/a.txt", 7)}


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
def test_s3_errors_are_quoted(body: bytes, details: str) -> None:
    """Control characters are escaped; nothing was applied."""
    with serve(lambda connection: connection.answer(body, status="400 Bad Request")) as server:
        with pytest.raises(RejectedError) as caught:
            upload({**S3, "upload_uri": server.url}, host=server.url)
        assert b"Authorization" not in server.connections[0].received
    assert caught.value.details == (details,)
    assert (caught.value.status, caught.value.applied) == (400, "no")


def test_of_a_huge_answer_of_s3_nothing_is_read() -> None:
    """Its answers have some hundred bytes; parsing millions would last minutes."""
    body = s3_error("RequestTimeout", "&#65;" * 500_000)
    with (
        serve(lambda connection: connection.answer(body, status="400 Bad Request")) as server,
        pytest.raises(RejectedError),
    ):
        upload({**S3, "upload_uri": server.url}, host=server.url)


def s3_error(code: str, message: str = "No.") -> bytes:
    """Return an error as S3 words it."""
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("400 Bad Request", "RequestTimeout"),
        ("503 Slow Down", "SlowDown"),
        ("500 Internal Server Error", "InternalError"),
    ],
)
def test_s3_s_transient_errors_are_tried_again(status: str, code: str) -> None:
    """The whole file is sent anew; at the end of the budget it is: try later."""

    def fail(connection: Connection) -> None:
        connection.answer(s3_error(code), "Connection: close", status=status)

    with serve(fail, lambda connection: connection.answer(KEY, status="201 Created")) as server:
        api = ScriptedApi(answer({**S3, "upload_uri": server.url}), host=server.url)
        assert upload_all((FILE,), api)["note_attachments", 0].size == 7
        assert all(b"content" in connection.received for connection in server.connections)
        assert len(server.connections) == 2
    with serve(fail) as server, pytest.raises(TemporaryError, match=f"it answered {status[:3]}"):
        upload({**S3, "upload_uri": server.url}, host=server.url)


EXPIRED = s3_error("AccessDenied", "Invalid according to Policy: Policy expired.")


def uploaded_under_policies(
    turns: Sequence[Callable[[Connection], None]], *files: File
) -> tuple[ScriptedApi, Server, dict[tuple[str, int], UploadedFile] | StepError]:
    """Upload files; each question for a storage is answered with the next policy."""
    with serve(*turns) as server:
        policies = [{"key": "x", "policy": f"policy-{number}"} for number in range(4)]
        answers = [answer({**S3, "upload_uri": server.url, "s3": policy}) for policy in policies]
        api = ScriptedApi(*answers, host=server.url)
        try:
            return api, server, upload_all(files, api)
        except StepError as error:
            return api, server, error


def expired(connection: Connection) -> None:
    """Reject a policy."""
    connection.answer(EXPIRED, "Connection: close", status="403 Forbidden")


def taken(connection: Connection) -> None:
    """Accept a file."""
    connection.answer(KEY, "Connection: close", status="201 Created")


def test_an_expired_policy_is_asked_for_anew() -> None:
    """Once for a file; what comes behind it is uploaded with the new one."""
    second = FILE._replace(position=1)
    api, server, stored = uploaded_under_policies((expired, taken, taken), FILE, second)
    assert stored == {
        ("note_attachments", 0): UploadedFile("files/a.txt", 7),
        ("note_attachments", 1): UploadedFile("files/a.txt", 7),
    }
    assert api.asked == ["GET /attachments/storage"] * 2
    policies = [re.findall(b"policy-[0-9]", each.received) for each in server.connections]
    assert policies == [[b"policy-0"], [b"policy-1"], [b"policy-1"]]


def test_each_file_may_find_the_policy_expired() -> None:
    """A long upload may outlive the policy for the next one."""
    second = FILE._replace(position=1)
    api, _, stored = uploaded_under_policies((expired, taken, expired, taken), FILE, second)
    assert isinstance(stored, dict)
    assert len(stored) == 2
    assert api.asked == ["GET /attachments/storage"] * 3


def test_a_policy_that_expires_twice_for_a_file_is_an_error() -> None:
    """Somebody's clock is wrong, and asking on would not end."""
    api, server, error = uploaded_under_policies((expired, expired), FILE)
    assert isinstance(error, RejectedError)
    assert "Policy expired" in error.details[0]
    assert (len(api.asked), len(server.connections)) == (2, 2)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("403 Forbidden", s3_error("AccessDenied", "Access Denied")),
        ("400 Bad Request", EXPIRED),
        ("400 Bad Request", s3_error("EntityTooLarge", "RequestTimeout")),
        ("403 Forbidden", s3_error("RequestTimeout")),
    ],
)
def test_other_errors_of_s3_are_final(status: str, body: bytes) -> None:
    """They are neither tried again nor a reason to ask 4me again."""
    turn = [lambda connection: connection.answer(body, status=status)]
    api, server, error = uploaded_under_policies(turn, FILE)
    assert isinstance(error, RejectedError)
    assert (len(api.asked), len(server.connections)) == (1, 1)


def test_an_s3_error_of_4me_s_own_storage_is_an_error_of_4me() -> None:
    """Only S3 has errors of this kind."""
    with serve(lambda connection: connection.answer(EXPIRED, status="403 Forbidden")) as server:
        with pytest.raises(AccessError):
            upload({"provider": "local", "upload_uri": server.url, "local": {}}, host=server.url)
        assert len(server.connections) == 1


names = st.text(min_size=1, max_size=40) | st.text(
    st.sampled_from("a.\"'%;=\\\r\n\t\0\x85\u2028\u00a0\u202e\u00fc\U0001f5a8"),
    min_size=1,
    max_size=9,
)


@given(names, st.text(max_size=30) | st.sampled_from(["text/plain", "a/b; c=d", 'a/b; c="; d"']))
def test_a_file_s_name_and_type_cannot_become_headers(name: str, content_type: str) -> None:
    """Whatever is accepted of both comes back from the form as it was, and nothing beside it."""
    item = {"name": name, "content": "x", "content_type": content_type}
    request = {"request_id": 5, "note_attachments": [item]}
    try:
        spec = validate(
            {"connection": dict(CONNECTION), "request": request}, SCHEMA, OPERATION.problems
        )
    except SpecError:
        return
    (file,) = files_of(spec.values["request"], SCHEMA)
    form = MultipartEncoder([("file", (file.name, b"x", file.content_type))], boundary="b")
    lines = form.read().decode("utf-8").split("\r\n")
    assert lines == [
        "--b",
        f'Content-Disposition: form-data; name="file"; filename="{name}"',
        f"Content-Type: {content_type.strip()}",
        "",
        "x",
        "--b--",
        "",
    ]
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("status", "kind"), [("403 Forbidden", AccessError), ("422 x", RejectedError)]
)
def test_errors_of_4me_s_own_storage_are_4me_s(status: str, kind: type[Exception]) -> None:
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
        assert upload(value, host=server.url) == {("note_attachments", 0): UploadedFile("a  b", 7)}
        received = server.connections[0].received
    assert received.index(b'name="n"\r\n\r\n5\r\n') < received.index(b'filename="a.txt"')
    assert b"content" in received


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"key": ""}', b'{"key": 5}'])
def test_a_local_answer_without_a_key_is_tried_again(body: bytes) -> None:
    """At the end of the budget it is: try later."""
    with serve(lambda connection: connection.answer(body)) as server:
        value = {"provider": "local", "upload_uri": server.url, "local": {}}
        with pytest.raises(TemporaryError, match="without a key"):
            upload(value, host=server.url)


def test_progress_is_logged_every_few_seconds(caplog: pytest.LogCaptureFixture) -> None:
    """A line for each upload, and one more whenever five seconds have passed."""
    api = ScriptedApi(answer({}), retry_time=0)
    monitor = MultipartEncoderMonitor(MultipartEncoder({"file": "x" * 100}))
    progress = _Progress("a.txt (100 bytes)", api.clock)
    with caplog.at_level("INFO", "step.uploads"):
        for seconds in (4.9, 0.1, 4.9, 0.1):
            api.clock.advance(seconds)
            progress.log(monitor)
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
    assert describe(FILE, size) == f"a.txt ({text})"
