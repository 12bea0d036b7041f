"""Fuzz tests: whatever bytes the two services send, the result is correct or a StepError."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engines.relay import RelayEngine
from fourme.client import ApiClient
from fourme.files import File
from fourme.hosts import Connection as FourMeConnection
from fourme.hosts import parse_host
from fourme.uploads import upload_all
from operations.payload import UpdatePayload
from operations.update import OPERATION, update_request
from process.errors import StepError
from process.settings import Settings
from spec.schema import load_spec_schema
from spec.validation import validate
from tests.fake_clock import FakeClock
from tests.fourme.scripted_api import ScriptedApi, answer
from tests.transport.loopback import Connection, serve
from transport.context import RunContext

if TYPE_CHECKING:
    from collections.abc import Callable

SCHEMA = load_spec_schema()
NON_IDEMPOTENT = UpdatePayload(5, {"note": "Done"}, ("note",))
TOKEN = "fuzz-access-token"
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
bodies = (
    st.binary(max_size=60)
    | values.map(lambda value: json.dumps(value).encode())
    | st.sampled_from(
        [b'{"id": 5', b'{"id": 5}', b"\xef\xbb\xbf{}", b"\x1f\x8b\x08\x00", b"[" * 20_000, b"1e999"]
    )
)
texts = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20
)
headers = st.dictionaries(
    st.sampled_from(
        [
            "Content-Type",
            "Content-Encoding",
            "Retry-After",
            "Date",
            "Location",
            "X-Request-Id",
            "Link",
        ]
    ),
    st.sampled_from(
        [
            "application/json",
            "text/html",
            "gzip",
            "deflate",
            "br",
            "5",
            "-1",
            "9" * 30,
            "soon",
            "",
            "Sat, 21 Nov 2026 12:00:00 GMT",
            "Fri, 31 Dec 9999 23:59:59 GMT",
            "https://[oops",
            "//x",
        ]
    )
    | texts,
    max_size=4,
)
statuses = st.sampled_from(
    [200, 201, 204, 301, 400, 401, 403, 404, 409, 422, 429, 500, 502, 503, 504, 599]
)


@st.composite
def raw_answers(draw: st.DrawFn) -> bytes:
    """Return bytes that a server, or a proxy, may send."""
    if draw(st.integers(0, 5)) == 0:
        return draw(st.binary(max_size=80))
    body = draw(bodies)
    length = len(body) + draw(st.sampled_from([0, 0, 0, 0, 7, -1]))
    lines = [f"HTTP/1.1 {draw(statuses)} OK", f"Content-Length: {length}"]
    lines += [f"{name}: {value}" for name, value in draw(headers).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def handlers(answers: list[bytes]) -> list[Callable[[Connection], None]]:
    """Return handlers that send these answers, one for each connection."""

    def handler(data: bytes) -> Callable[[Connection], None]:
        def handle(connection: Connection) -> None:
            connection.read()
            connection.write(data)

        return handle

    return [handler(data) for data in answers]


def context() -> RunContext:
    """Return the context of a run that never retries."""
    return RunContext(
        Settings(retry_time=0, rate_limit_time=0, connect_timeout=2, read_timeout=2), FakeClock()
    )


def check(error: StepError) -> None:
    """Check that an error has no secret and no control character."""
    assert TOKEN not in str(error)
    assert all(line.isprintable() for line in str(error).splitlines())


@settings(max_examples=200, suppress_health_check=SLOW)
@given(st.lists(raw_answers(), min_size=4, max_size=4))
def test_whatever_4me_answers(answers: list[bytes]) -> None:
    """An update ends in the request that was asked for, or in an error of the step."""
    with serve(*handlers(answers)) as server:
        connection = FourMeConnection(parse_host(server.url), TOKEN, "wdc")
        api = ApiClient(connection, context())
        try:
            assert update_request(NON_IDEMPOTENT, SCHEMA, api)["id"] == 5
        except StepError as error:
            check(error)


@settings(max_examples=200, suppress_health_check=SLOW)
@given(raw_answers())
def test_whatever_the_metadata_service_answers(data: bytes) -> None:
    """Reading a spec ends in a value that can be validated, or in an error of the step."""
    with serve(*handlers([data])) as server:
        engine = RelayEngine(server.url.replace("//", f"//:{TOKEN}@"), context())
        try:
            validate(engine.read_spec(), SCHEMA, OPERATION.problems)
        except StepError as error:
            check(error)


@settings(max_examples=200, suppress_health_check=SLOW)
@given(values)
def test_whatever_the_notes_are(notes: object) -> None:
    """The verification finds the note, misses it, or cannot tell."""
    lost = answer({}, 500)
    api = ScriptedApi(lost, answer(notes), answer({"id": 5}), retry_time=0)
    try:
        assert update_request(NON_IDEMPOTENT, SCHEMA, api)["id"] == 5
    except StepError as error:
        check(error)


@settings(max_examples=200, suppress_health_check=SLOW)
@given(
    values | st.fixed_dictionaries({"provider": st.just("s3"), "upload_uri": values, "s3": values})
)
def test_whatever_the_storage_is(value: object) -> None:
    """An invalid upload target is an error of the step, and nothing is sent to it."""
    api = ScriptedApi(answer(value), retry_time=0)
    files = (File("note_attachments", 0, "a.txt", "text/plain", b"x"),)
    try:
        upload_all(files, api)
    except StepError as error:
        check(error)
        applied = error.applied
    else:
        applied = "no"
    assert applied == "no"
