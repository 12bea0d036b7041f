"""The whole step, as a process, against the sandbox over real HTTP."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from functools import partial
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft7Validator

from process.exit_codes import ExitCode
from sandbox import FOURME_HOST, FourMeOptions, Sandbox, document_for
from tests.step_process import (
    ACCESS_TOKEN,
    ACCOUNT,
    REQUEST_ID,
    ROOT,
    Running,
    connection,
    environment,
    run_step,
    sandbox_for,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

OLD_NOTE = "Build 1187: 3 of 412 tests failed; nothing was deployed."
QUICK = {"FOURME_READ_TIMEOUT": "0.5", "FOURME_CONNECT_TIMEOUT": "2"}
run_measured = partial(run_step, measured=True)  # what only the real process runs


def texts(sandbox: Sandbox) -> list[object]:
    """Return the texts of all notes of the request, newest first."""
    return [note["text"] for note in sandbox.store.notes(REQUEST_ID)]


def names(sandbox: Sandbox) -> list[str]:
    """Return the names of the sandbox's calls, in order."""
    return [call.name for call in sandbox.calls]


def test_updates_a_request_and_publishes_it_whole() -> None:
    """Three calls and a link: spec, PATCH with native JSON, output; exit code 0."""
    update = {"request_id": "80339", "subject": "Mail is slow", "team": {"id": "14"}}
    with sandbox_for(update) as sandbox:
        ended = run_measured(sandbox.environment())
        assert ended.code == ExitCode.OK, ended.log
        assert names(sandbox) == ["spec", "patch", "output", "link"]
        patch = sandbox.calls[1]
        assert patch.path == "/v1/requests/80339"
        assert json.loads(patch.body) == {"subject": "Mail is slow", "team_id": 14}
        assert patch.headers["authorization"] == f"Bearer {ACCESS_TOKEN}"
        assert patch.headers["x-4me-account"] == "wdc"
        assert patch.headers["content-type"] == "application/json"
        assert patch.headers["user-agent"].startswith("4me-step-requests-update/")
        stored = sandbox.store.request(REQUEST_ID)
        assert sandbox.outputs["request"] == {**(stored or {}), "request_id": REQUEST_ID}
        schema = json.loads((ROOT / "outputs.schema.json").read_text(encoding="utf-8"))
        Draft7Validator(schema).validate(sandbox.outputs)
        assert sandbox.decorators["request"] == {
            "type": "link",
            "description": "Request 80339 in 4me",
            "uri": f"{sandbox.fourme_url}/requests/80339",
        }
    assert ended.out == ""


def test_nothing_to_change_is_an_error_and_not_sent() -> None:
    """A request with only its number is refused: a step that does nothing must not be green."""
    with sandbox_for({"request_id": REQUEST_ID, "note": None}) as sandbox:
        ended = run_measured(sandbox.environment())
        assert names(sandbox) == ["spec"]
    assert ended.code == ExitCode.DATA
    assert "request would change nothing" in ended.log
    assert "`get` step" in ended.log


@pytest.mark.parametrize(
    ("host", "logged"),
    [
        ("https://4me.example.com", True),
        ("https://api.eu.xurrent.com", True),
        ("https://api.4me.com", False),
        ("https://127.0.0.1:1", False),
    ],
)
def test_a_host_that_is_not_4me_s_own_is_logged_in_one_line(host: str, logged: bool) -> None:  # noqa: FBT001  a table's column
    """And used: an installation on premises has a domain of its own."""
    ended = run_measured(
        {
            "FOURME_HOST": host,
            "FOURME_ACCOUNT": ACCOUNT,
            "FOURME_ACCESS_TOKEN": ACCESS_TOKEN,
            "FOURME_REQUEST": "{request_id: 1, impact: low}",
            "FOURME_MAX_RETRY_TIME": "0",
            "HTTPS_PROXY": "http://127.0.0.1:1",
        }
    )
    name = host.removeprefix("https://")
    lines = [line for line in ended.log.splitlines() if "none of 4me's own hosts" in line]
    assert (
        lines == [f"INFO: {name} is none of 4me's own hosts; it is used as it is given."] * logged
    )
    assert f"INFO: Updating request 1 at {name}: impact" in ended.log
    assert ended.code == ExitCode.TRY_LATER


def test_debug_tells_more_but_neither_notes_nor_tokens() -> None:
    """Debug lines have methods, paths and statuses; never contents or secrets."""
    spec = {
        "connection": connection(FOURME_HOST),
        "request": {"request_id": REQUEST_ID, "note": "A secret between us"},
        "debug": "true",
    }
    with Sandbox(document_for(spec), fourme=FourMeOptions()) as sandbox:
        ended = run_measured(sandbox.environment())
        assert ended.code == ExitCode.OK
        assert "DEBUG: PATCH /v1/requests/80339: 200" in ended.log
        assert "note (19 characters)" in ended.log
        for hidden in ("secret between us", ACCESS_TOKEN, sandbox.metadata_token):
            assert hidden not in ended.log


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"accessToken": "wrong-token"}, ExitCode.PERMISSION, "does not accept the access token"),
        ({"account": "elsewhere"}, ExitCode.PERMISSION, "in account elsewhere"),
        ({"accessToken": None}, ExitCode.DATA, "connection.accessToken is missing"),
    ],
)
def test_a_wrong_connection_says_what_to_do(
    changes: Mapping[str, object], code: ExitCode, message: str
) -> None:
    """Each member of the connection that is wrong ends in an error of its own."""
    with sandbox_for({"request_id": REQUEST_ID, "impact": "low"}, changes=changes) as sandbox:
        ended = run_measured(sandbox.environment())
        stored = sandbox.store.request(REQUEST_ID)
    assert ended.code == code
    assert message in ended.log
    assert "What to do: " in ended.log
    assert "wrong-token" not in ended.log
    assert stored == sandbox_for({}).store.request(REQUEST_ID)


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("http://api.4me.com", "use https://"),
        ("https://user:pass@api.4me.com", "is not a host"),
    ],
)
def test_a_wrong_host_says_what_to_do(host: str, message: str) -> None:
    """An invalid host is an error of its own; a sandbox's 4me would replace it."""
    request = {"request_id": REQUEST_ID, "impact": "low"}
    spec = {"connection": connection(host), "request": request}
    with Sandbox(document_for(spec)) as sandbox:
        ended = run_measured(sandbox.environment())
    assert ended.code == ExitCode.CONFIG
    assert message in ended.log
    assert "What to do: " in ended.log


def test_an_unknown_request_ends_in_66() -> None:
    """A 404 ends in 66 and speaks of the account."""
    with sandbox_for({"request_id": 404404, "impact": "low"}) as sandbox:
        ended = run_measured(sandbox.environment())
    assert ended.code == ExitCode.NO_INPUT
    assert "4me knows no request 404404 in account wdc" in ended.log


def test_values_that_4me_rejects_are_listed_field_by_field() -> None:
    """A 422 ends in 65, with a line for each field."""
    with sandbox_for({"request_id": REQUEST_ID, "team": 999999, "member": 999998}) as sandbox:
        ended = run_measured(sandbox.environment())
    assert ended.code == ExitCode.DATA
    assert "  - team" in ended.log
    assert "  - member" in ended.log


def test_a_missing_role_is_named() -> None:
    """A 403 names the roles that the fields of this very update need."""
    update = {"request_id": REQUEST_ID, "source": "ci", "addressed": True}
    with sandbox_for(update, faults=["patch=403"]) as sandbox:
        ended = run_measured(sandbox.environment())
    assert ended.code == ExitCode.PERMISSION
    assert "Specialist" in ended.log
    assert "Account Administrator (for source)" in ended.log
    assert "Service Desk Manager (for addressed)" in ended.log


@pytest.mark.parametrize("skew", [-3600.0, 0.0, 3600.0])
@pytest.mark.parametrize(("fault", "added"), [("500", 1), ("500-after", 1)])
def test_an_older_note_with_the_same_text_does_not_count_as_applied(
    skew: float, fault: str, added: int
) -> None:
    """Verification uses the server's clock alone, whatever the local one shows."""
    update = {"request_id": REQUEST_ID, "note": OLD_NOTE}
    with sandbox_for(update, faults=[f"patch={fault}"], clock_skew=skew) as sandbox:
        before = texts(sandbox).count(OLD_NOTE)
        ended = run_measured(sandbox.environment(), fast_clock=True)
        assert ended.code == ExitCode.OK, ended.log
        assert before == 1
        assert texts(sandbox).count(OLD_NOTE) == before + added


def test_both_notes_are_verified_with_their_kind() -> None:
    """A note and an internal note with the same text are distinguished, and added once each."""
    update = {"request_id": REQUEST_ID, "note": "Same text", "internal_note": "Same text"}
    with sandbox_for(update, faults=["patch=504-after"]) as sandbox:
        ended = run_measured({**sandbox.environment(), "FOURME_MAX_RETRY_TIME": "2"})
        notes = sandbox.store.notes(REQUEST_ID)
    assert ended.code == ExitCode.OK, ended.log
    kinds = [note["internal"] for note in notes if note["text"] == "Same text"]
    assert len(kinds) == 2
    assert set(kinds) == {False, True}


def test_a_bad_environment_variable_is_a_config_error() -> None:
    """A limit that is no number ends in 78 and names the variable, before any call."""
    with sandbox_for({"request_id": REQUEST_ID}) as sandbox:
        ended = run_measured({**sandbox.environment(), "FOURME_READ_TIMEOUT": "soon"})
        assert names(sandbox) == []
    assert ended.code == ExitCode.CONFIG
    assert "FOURME_READ_TIMEOUT is 'soon'" in ended.log


def test_a_ca_bundle_that_is_not_there_is_a_config_error() -> None:
    """REQUESTS_CA_BUNDLE must lead to a file."""
    with sandbox_for({"request_id": REQUEST_ID}) as sandbox:
        ended = run_measured({**sandbox.environment(), "REQUESTS_CA_BUNDLE": "/nowhere.pem"})
    assert ended.code == ExitCode.CONFIG
    assert "/nowhere.pem" in ended.log


def test_no_proxy_and_no_netrc_on_loopback(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Neither the metadata service nor a loopback 4me is reached through a proxy or .netrc."""
    home = tmp_path_factory.mktemp("home")
    (home / ".netrc").write_text("machine 127.0.0.1 login someone password elses\n")
    proxies = dict.fromkeys(("HTTP_PROXY", "http_proxy", "ALL_PROXY"), "http://127.0.0.1:9")
    with sandbox_for({"request_id": REQUEST_ID, "impact": "low"}) as sandbox:
        ended = run_measured({**sandbox.environment(), **proxies, "HOME": str(home)})
        assert ended.code == ExitCode.OK, ended.log
        assert sandbox.calls[1].headers["authorization"] == f"Bearer {ACCESS_TOKEN}"


def test_only_access_secrets_are_redacted_in_an_output() -> None:
    """Other secrets do not change an output; a token is replaced, with one warning."""
    store = {"tokenType": "customer", "password": "assigned"}
    update = {
        "request_id": REQUEST_ID,
        "status": "waiting_for_customer",
        "subject": f"My token is {ACCESS_TOKEN}",
        "source": ACCESS_TOKEN,
    }
    proxies = {
        "HTTPS_PROXY": "http://customer:waiting@127.0.0.1:9",
        "ALL_PROXY": "http://subject@x",
    }
    with sandbox_for(update, changes=store) as sandbox:
        ended = run_measured({**sandbox.environment(), **proxies})
        assert ended.code == ExitCode.OK, ended.log
        published = sandbox.outputs["request"]
    assert isinstance(published, dict)
    assert published["status"] == "waiting_for_customer"
    assert published["subject"] == "My token is ***"
    assert published["source"] == "***"
    assert ended.log.count("stands in its place") == 1
    assert ended.log.count("subject") >= 1
    assert ACCESS_TOKEN not in ended.log


def test_a_termination_while_waiting_ends_at_once() -> None:
    """SIGTERM during the wait for a rate limit: 75, within a moment, nothing applied."""
    update = {"request_id": REQUEST_ID, "note": "Too late"}
    with sandbox_for(update, faults=["patch=429:600"]) as sandbox:
        running = Running(sandbox.environment())
        running.wait_for("trying again in 600.0 s")
        started = time.monotonic()
        ended = running.terminate()
        assert time.monotonic() - started < 5
        assert "Too late" not in texts(sandbox)
    assert ended.code == ExitCode.TRY_LATER
    assert "terminated (SIGTERM) while it waited to update request 80339" in ended.log


def test_a_termination_before_the_check_leaves_the_outcome_unknown() -> None:
    """SIGTERM between an answer that was lost and the check of the notes: 76."""
    faults = ["patch=500-after", "verification=429:600"]
    with sandbox_for({"request_id": REQUEST_ID, "note": "Perhaps"}, faults=faults) as sandbox:
        running = Running(sandbox.environment())
        running.wait_for("trying again in 600.0 s")
        ended = running.terminate()
    assert ended.code == ExitCode.PROTOCOL
    assert "look whether this is there: note" in ended.log


def test_a_termination_during_a_call_lets_it_finish() -> None:
    """SIGTERM while the PATCH is in flight: it is finished, and its output published."""
    update = {"request_id": REQUEST_ID, "note": "Just in time"}
    with sandbox_for(update, faults=["patch=slow:1"]) as sandbox:
        running = Running(sandbox.environment())
        running.wait_for("Updating request")
        while "patch" not in names(sandbox):
            time.sleep(0.01)
        ended = running.terminate()
        assert ended.code == ExitCode.OK, ended.log
        assert texts(sandbox).count("Just in time") == 1
        assert "request" in sandbox.outputs


def test_a_termination_before_the_update_sends_none() -> None:
    """SIGTERM while the spec is being read: nothing is sent to 4me; 75."""
    with sandbox_for({"request_id": REQUEST_ID, "note": "x"}, faults=["spec=slow:1"]) as sandbox:
        running = Running(sandbox.environment())
        while "spec" not in names(sandbox):
            time.sleep(0.01)
        ended = running.terminate()
        assert "patch" not in names(sandbox)
    assert ended.code == ExitCode.TRY_LATER
    assert "before it changed anything" in ended.log


def can_be_pid_1() -> bool:
    """Return whether this machine lets the tests make a PID namespace."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return False
    probe = [unshare, "--pid", "--fork", "--kill-child", "true"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_be_pid_1(), reason="needs root, or user namespaces, and unshare")
def test_a_termination_as_pid_1_ends_at_once() -> None:
    """As PID 1, where signals without a handler are ignored, SIGTERM ends the step too."""
    update = {"request_id": REQUEST_ID, "note": "Too late"}
    with sandbox_for(update, faults=["patch=429:600"]) as sandbox:
        running = Running(
            sandbox.environment(), prefix=["unshare", "--pid", "--fork", "--kill-child"]
        )
        running.wait_for("trying again in 600.0 s")
        ended = running.terminate_child()
    assert ended.code == ExitCode.TRY_LATER


def test_a_bug_ends_in_70_without_secrets() -> None:
    """An unexpected exception is reported as a bug, redacted like any log line."""
    script = (
        "import os, sys, spec.validation\n"
        "def broken(spec, *_): raise RuntimeError(f'broken by {spec}')\n"
        "spec.validation.validate = broken\n"
        "from process.clock import Clock\n"
        "from step import main\n"
        "sys.exit(main(os.environ, Clock()))\n"
    )
    with sandbox_for({"request_id": REQUEST_ID}) as sandbox:
        ended = run_measured(sandbox.environment(), program=["-c", script])
    assert ended.code == ExitCode.SOFTWARE
    assert "RuntimeError" in ended.log
    assert ACCESS_TOKEN not in ended.log
    assert "Request updated: maybe" in ended.log


def test_an_output_that_takes_too_long_ends_in_74() -> None:
    """When the time after a signal is over during publishing, the update was applied."""
    script = (
        "import os, sys, engines.relay\n"
        "def late(engine, output): raise TimeoutError('too long')\n"
        "engines.relay.RelayEngine.publish = late\n"
        "from process.clock import Clock\n"
        "from step import main\n"
        "sys.exit(main(os.environ, Clock()))\n"
    )
    with sandbox_for({"request_id": REQUEST_ID, "impact": "low"}) as sandbox:
        ended = run_measured(sandbox.environment(), program=["-c", script])
    assert ended.code == ExitCode.IO
    assert "could not be published before the step had to end" in ended.log


def test_the_environment_of_the_tests_is_isolated() -> None:
    """The tests pass no proxy and no CA of this machine to the step."""
    assert not [name for name in environment({}) if "PROXY" in name.upper() or "CA_" in name]
