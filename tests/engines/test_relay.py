"""`engines.relay`: Relay's metadata service, called through its SDK."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from engines.relay import RelayEngine
from process.errors import ConfigError, OutputError, SpecError, UnresolvedError
from process.exit_codes import ExitCode
from process.settings import Settings
from sandbox import FourMeOptions, Sandbox, parse
from tests.engines.sample_output import PAGE, sample_output
from tests.fake_clock import FakeClock
from tests.step_process import run_step
from tests.transport.loopback import Connection, serve
from transport.context import RunContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from process.errors import Applied

RUN_CONTEXT = RunContext(Settings(retry_time=0, connect_timeout=2, read_timeout=2), FakeClock())
UNRESOLVABLE = """
runs:
  '1':
    steps:
      default:
        spec:
          connection: ${connections.'4me'.'my-4me-connection'}
          request:
            request_id: ${parameters.number}
            note: ${secrets.motto}
            team: !Output [triage, team]
"""


def service(answer: object) -> Callable[[Connection], None]:
    """Return a metadata service that answers with a JSON value."""
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return lambda connection: connection.answer(body, "Content-Type: application/json")


def read(answer: object) -> object:
    """Read the spec that a metadata service answers with."""
    with serve(service(answer)) as server:
        return RelayEngine(server.url, RUN_CONTEXT).read_spec()


def test_unresolved_references_are_named() -> None:
    """Each of them, as the workflow calls it; nothing is sent to 4me; 78."""
    with Sandbox(parse(UNRESOLVABLE), fourme=FourMeOptions()) as sandbox:
        ended = run_step(sandbox.environment(), measured=True)
        assert [call.name for call in sandbox.calls] == ["spec"]
    assert ended.code == ExitCode.CONFIG
    for name in (
        "connection 4me/my-4me-connection",
        "parameter number",
        "secret motto",
        "output team of step triage",
    ):
        assert f"  - {name}\n" in ended.log


@pytest.mark.parametrize(
    ("unresolvable", "names"),
    [
        ({"statuses": [{"name": "a"}], "answers": [{"name": "b"}]}, ("status a", "answer b")),
        ({"data": [{"name": "x\x1b"}]}, ("data x\\x1b",)),
        ({"data": "something"}, ('data: "something"',)),
        ({"secrets": [5]}, ("secrets: 5",)),
        ({}, ("the metadata service does not name them",)),
        (None, ("the metadata service does not name them",)),
        ([1], ("the metadata service does not name them",)),
    ],
)
def test_unknown_kinds_of_references_are_named(
    unresolvable: object, names: tuple[str, ...]
) -> None:
    """Whatever the metadata service answers."""
    with pytest.raises(UnresolvedError) as caught:
        read({"value": {}, "unresolvable": unresolvable, "complete": False})
    assert caught.value.details == names


@pytest.mark.parametrize(
    "answer",
    [
        [],
        5,
        {"value": {}},
        {"complete": True},
        {"complete": True, "value": {"$encoding": "base64", "data": "a"}},
        {"complete": True, "value": {"$encoding": {}, "data": "a"}},
        {"complete": True, "value": {"$encoding": "base64", "data": 5}},
    ],
)
def test_an_answer_that_is_not_a_spec_is_a_config_error(answer: object) -> None:
    """Another service may be at METADATA_API_URL, or a value's base64 may be broken."""
    with pytest.raises(ConfigError, match="is not a spec"):
        read(answer)


def test_an_answer_that_is_never_json_is_a_config_error() -> None:
    """It is asked for three times, not for five minutes; nothing may have been updated."""
    with (
        serve(*[lambda each: each.answer(b"{", "Connection: close")] * 3) as server,
        pytest.raises(ConfigError, match="is not a spec") as caught,
    ):
        RelayEngine(server.url, RunContext(Settings(), FakeClock())).read_spec()
    assert (len(server.connections), caught.value.applied) == (3, "no")


@pytest.mark.parametrize("depth", [101, 900, 100_000])
def test_a_spec_that_is_nested_absurdly_deep_is_invalid(depth: int) -> None:
    """At once, and whatever Python's own limits are."""
    answer = b'{"complete": true, "value": ' + b"[" * depth + b"1" + b"]" * depth + b"}"
    with serve(service(answer)) as server, pytest.raises(SpecError, match="nested") as caught:
        RelayEngine(server.url, RUN_CONTEXT).read_spec()
    assert caught.value.applied == "no"


@pytest.mark.parametrize(
    ("body", "details"),
    [
        (
            b'{"error": {"code": "rma_a", "title": "Bad \\u0007", "description": "token tok-1"}}',
            ("rma_a: Bad \\x07",),
        ),
        (b'{"error": {"code": "rma_a", "title": "%s"}}' % (b"x" * 200), ()),
        (b'{"error": "token tok-1"}', ()),
        (b"cannot evaluate {accessToken: tok-1}", ()),
        (b"[" * 100_000, ()),
        (b"", ()),
    ],
    ids=lambda value: str(value)[:30],
)
def test_of_an_error_only_code_and_title_are_shown(body: bytes, details: tuple[str, ...]) -> None:
    """The rest may contain the spec, whose secrets are not known yet."""
    with (
        serve(lambda each: each.answer(body, status="422 Unprocessable")) as server,
        pytest.raises(ConfigError) as caught,
    ):
        RelayEngine(server.url, RUN_CONTEXT).read_spec()
    assert caught.value.details == details


def test_base64_becomes_bytes() -> None:
    """What is not text in Relay is bytes here."""
    value = {"a": {"$encoding": "base64", "data": "//4="}, "b": [{"$encoding": "", "data": "x"}]}
    assert read({"value": value, "complete": True}) == {"a": b"\xff\xfe", "b": ["x"]}


@pytest.mark.parametrize(
    "url",
    [
        "10.0.0.1:7000",
        "ftp://:TOKEN@10.0.0.1",
        "http://",
        "http://:TOKEN@",
        "http://:TOKEN@host:0",
        "http://:TOKEN@host:99999",
        "http://:TOKEN@[oops",
    ],
)
def test_a_wrong_url_is_a_config_error_that_does_not_show_it(url: str) -> None:
    """The URL holds a token."""
    with pytest.raises(ConfigError, match="METADATA_API_URL is not a URL") as caught:
        RelayEngine(url, RUN_CONTEXT)
    assert "TOKEN@host" not in str(caught.value)
    assert "oops" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://:wrong@{}", "http://{}"])
def test_a_wrong_token_is_a_config_error(url: str) -> None:
    """401: the metadata service does not know this step."""
    with Sandbox(parse(UNRESOLVABLE), fourme=FourMeOptions()) as sandbox:
        address = sandbox.metadata_url.rpartition("@")[2]
        ended = run_step({"METADATA_API_URL": url.format(address)}, measured=True)
    assert ended.code == ExitCode.CONFIG
    assert "does not know this step (401)" in ended.log


def test_a_later_step_reads_what_an_earlier_one_published() -> None:
    """The output of one run is an input of the next, through `${outputs...}`."""
    text = """
        connections:
          4me/my: {host: 'https://api.4me.com', accessToken: demo-token, account: wdc}
        runs:
          '1':
            steps:
              first:
                spec:
                  connection: ${connections.'4me'.'my'}
                  request: {request_id: 80339, subject: Chained}
              second:
                spec:
                  connection: ${connections.'4me'.'my'}
                  request:
                    request_id: 70470
                    team: ${outputs.'first'.request.team}
                    internal_note: After ${outputs.first.request.subject}
    """
    document = parse(text)
    with Sandbox(document, step="first", fourme=FourMeOptions()) as sandbox:
        assert run_step(sandbox.environment()).code == ExitCode.OK
        team = sandbox.outputs["request"]["team"]  # type: ignore[index]  # a JSON object
        document = parse(document.with_outputs("1", "first", sandbox.outputs))
    with Sandbox(document, step="second", fourme=FourMeOptions()) as sandbox:
        ended = run_step(sandbox.environment(), measured=True)
        assert ended.code == ExitCode.OK, ended.log
        assert json.loads(sandbox.calls[1].body) == {
            "team_id": team["id"],
            "internal_note": "After Chained",
        }


def test_values_and_the_link_are_published() -> None:
    """One call for each value that is not null, and one for the link."""
    document = parse("runs: {'1': {steps: {default: {spec: {}}}}}")
    with Sandbox(document, fourme=FourMeOptions()) as sandbox:
        engine = RelayEngine(sandbox.metadata_url, RUN_CONTEXT)
        engine.publish(sample_output({"id": 5}))
        assert sandbox.outputs == {"record": {"id": 5}}
        engine.publish(sample_output({"id": 5}, history=[1])._replace(link=None))
        assert sandbox.outputs == {"record": {"id": 5}, "history": [1]}
        assert [call.name for call in sandbox.calls] == ["output", "link", "output", "output"]
        assert sandbox.decorators["record"] == {
            "type": "link",
            "description": "Record 80339 in 4me",
            "uri": PAGE,
        }


@pytest.mark.parametrize(
    ("applied", "fix"),
    [
        (
            "yes",
            (
                "Continue the workflow by hand; running the step again would repeat what it adds, "
                "such as notes."
            ),
        ),
        ("no", "Run the step again."),
    ],
)
def test_an_output_that_is_not_accepted_is_an_error(applied: Applied, fix: str) -> None:
    """What to do depends on whether anything was changed; the service's error is a detail."""
    with (
        serve(lambda each: each.answer(b"{}", status="422 Unprocessable")) as server,
        pytest.raises(OutputError, match="Relay did not accept the output") as caught,
    ):
        RelayEngine(server.url, RUN_CONTEXT).publish(sample_output(applied=applied))
    assert (caught.value.applied, caught.value.status) == (applied, 422)
    assert caught.value.fix.startswith(fix)
    assert "does not allow the step to publish the output (422)" in caught.value.details[0]


@pytest.mark.parametrize(
    ("applied", "fix"), [("yes", "Continue the workflow by hand"), ("no", "Start the step from")]
)
def test_a_run_that_is_over_cannot_publish(applied: Applied, fix: str) -> None:
    """A 401 has a cause of its own; a run that has changed something is still not repeated."""
    with (
        serve(lambda each: each.answer(b"{}", status="401 Unauthorized")) as server,
        pytest.raises(OutputError, match="Relay did not accept the output") as caught,
    ):
        RelayEngine(server.url, RUN_CONTEXT).publish(sample_output(applied=applied))
    assert caught.value.cause == "METADATA_API_URL lacks its token, or the run is over"
    assert caught.value.fix.startswith(fix)


def test_a_link_that_is_not_accepted_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """A link is optional: the output has been published."""
    with serve(
        lambda each: each.answer(b"", "Connection: close", status="201 Created"),
        lambda each: each.answer(b"{}", "Connection: close", status="422 Unprocessable"),
    ) as server:
        engine = RelayEngine(server.url, RUN_CONTEXT)
        engine.publish(sample_output())
    assert "Relay did not accept the link" in caplog.text
