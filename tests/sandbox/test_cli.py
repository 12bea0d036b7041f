"""The command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox import load
from sandbox.cli import main
from sandbox.faults import help_text

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
EXAMPLE = str(ROOT / "catalog" / "relay" / "update-request.yaml")

#: The first line without --fourme.
REAL = "sandbox: without --fourme, the step calls https://api.4me.com: the real 4me"
UNKNOWN = "an unknown host:"

#: A minimal step: reads the spec, updates the request, publishes the response.
STEP = """
import requests
from relay_sdk import Interface

relay = Interface()
spec = relay.get()
connection, request = spec["connection"], spec["request"]
url = f"{connection['host']}/v1/requests/{request['request_id']}"
headers = {
    "Authorization": f"Bearer {connection['accessToken']}",
    "X-4me-Account": connection["account"],
}
response = requests.patch(url, json={"note": request["note"]}, headers=headers)
relay.outputs.set("request", response.json())
print("status", response.status_code)
"""


def _run(*arguments: str, command: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "sandbox", *arguments, *(["--", *command] if command else [])]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


def test_a_command_gets_relays_environment_and_its_exit_code_is_ours() -> None:
    """COMMAND has the variables, its output is printed, and its exit code is returned."""
    script = (
        "import os, sys\n"
        "url = os.environ['METADATA_API_URL']\n"
        "print(url.startswith('http://:'), os.environ['RELAY'], os.environ['CI'])\n"
        "sys.exit(7)"
    )
    result = _run("--input", EXAMPLE, command=[sys.executable, "-c", script])
    assert (result.returncode, result.stdout) == (7, "True true true\n")
    assert result.stderr == f"{REAL}\n"


@pytest.mark.parametrize(
    ("spec", "place"),
    [
        ("{connection: {host: https://api.4me.com}}", "https://api.4me.com: the real 4me"),
        ("{connection: {host: API.au.xurrent.com/v1}}", "https://api.au.xurrent.com: the real 4me"),
        ("{connection: !Connection [4me, c]}", "https://api.4me.qa: the real 4me"),
        ("{connection: '${secrets.text}'}", "https://api.4me.com: the real 4me"),
        ("{connection: {host: !!binary YXBpLjRtZS5jb20=}}", "https://api.4me.com: the real 4me"),
        ("{connection: {host: 'http://127.0.0.2:80/v1'}}", "http://127.0.0.2:80: this machine"),
        ("{connection: {host: 'http://[::1]:8080'}}", "http://[::1]:8080: this machine"),
        ("{connection: {host: localhost}}", "https://localhost: this machine"),
        ("{connection: {host: 'https://u:pw@a.example'}}", "https://a.example: another machine"),
        ("{connection: {host: not4me.com}}", "https://not4me.com: another machine"),
        ("{connection: {host: '${secrets.gone}'}}", f"{UNKNOWN} the spec has no host"),
        ("{connection: '${secrets.gone}'}", f"{UNKNOWN} the spec has no host"),
        ("{connection: {account: wdc}}", f"{UNKNOWN} the spec has no host"),
        ("{}", f"{UNKNOWN} the spec has no host"),
        ("{connection: {host: 'https://a:b'}}", f"{UNKNOWN} the connection's host is invalid"),
        ("{connection: {host: ''}}", f"{UNKNOWN} the connection's host is invalid"),
        ('{connection: {host: "a\\e[31m"}}', f"{UNKNOWN} the connection's host is invalid"),
    ],
)
def test_the_first_line_says_where_calls_go(tmp_path: Path, spec: str, place: str) -> None:
    """Without --fourme, the first line of stderr has the host that the step will call."""
    path = tmp_path / "input.yaml"
    path.write_text(
        "connections: {4me/c: {host: api.4me.qa}}\n"
        'secrets: {text: \'{"host": "api.4me.com", "accessToken": "s3cret"}\'}\n'
        f"runs: {{1: {{steps: {{default: {{spec: {spec}}}}}}}}}",
        encoding="utf-8",
    )
    result = _run("--input", str(path), command=["true"])
    assert result.returncode == 0
    assert result.stderr.startswith(f"sandbox: without --fourme, the step calls {place}")
    assert result.stderr.count("\n") == 1
    assert not [word for word in ("pw", "s3cret", "\x1b") if word in result.stderr]


def test_the_proxy_variables_block_other_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    """With --fourme, COMMAND calls the sandbox directly, other hosts by a blocking proxy."""
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("ALL_PROXY", "http://proxy.example:3128")
    names = ("https_proxy", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "no_proxy")
    script = f"import os; print(*(os.environ.get(name) or '-' for name in {names}))"
    command = [sys.executable, "-c", script]
    guarded = _run("--input", EXAMPLE, "--fourme", command=command).stdout.split()
    assert guarded[0] == guarded[1]
    assert guarded[0].startswith("http://127.0.0.1:")
    assert guarded[2:] == ["-", "-", "127.0.0.1,localhost,::1"]
    left_alone = _run("--input", EXAMPLE, command=command).stdout.split()
    assert left_alone[0] == left_alone[2] == "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("host", "variables"),
    [("https://api.4me.com", {}), (None, {"FOURME_HOST": "https://api.4me.com"})],
)
def test_a_command_with_another_spec_source_calls_no_other_host(
    host: str | None, variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even with a spec that the sandbox does not serve, calls to other hosts are blocked."""
    connection = {"accessToken": "demo-token", "account": "wdc"} | ({"host": host} if host else {})
    spec = {"connection": connection, "request": {"request_id": 80339, "impact": "low"}}
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(spec), encoding="utf-8")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    command = [sys.executable, str(ROOT / "step.py"), "--spec", str(file)]
    result = _run("--input", EXAMPLE, "--fourme", command=command)
    assert result.returncode == 78
    assert "The sandbox lets no call leave this machine" in result.stderr


def test_a_killed_command_exits_as_in_a_shell() -> None:
    """The exit code of a killed command is 128 and the signal's number."""
    script = "import os; os.kill(os.getpid(), 9)"
    assert _run("--input", EXAMPLE, command=[sys.executable, "-c", script]).returncode == 137


def test_the_report_has_changes_log_and_outputs(tmp_path: Path) -> None:
    """With --report, a person sees the note, the log and the output; no colour in a pipe."""
    data = tmp_path / "data.yaml"
    result = _run(
        *("--input", EXAMPLE, "--fourme", "--fourme-data", str(data), "--report"),
        command=[sys.executable, "-c", STEP],
    )
    assert result.returncode == 0
    assert "+ Build 1188 was deployed to production." in result.stdout
    assert "  status 200\n" in result.stdout
    assert '  request: {\n    "id": 80339,' in result.stdout
    assert "\x1b" not in result.stdout
    assert "Build 1188 was deployed" in data.read_text(encoding="utf-8")


def test_saved_outputs_are_used_by_the_next_step(tmp_path: Path) -> None:
    """The outputs of one step can be used in another one's spec."""
    saved = str(tmp_path / "after.yaml")
    step = [sys.executable, "-c", STEP]
    assert _run("--input", EXAMPLE, "--fourme", "--save", saved, command=step).returncode == 0
    result = _run(*("--input", saved, "--step", "follow-up", "--fourme", "--report"), command=step)
    assert "+ Request 80339 is assigned" in result.stdout
    assert load(Path(saved)).step("1", "default").outputs


def test_faults_can_be_injected() -> None:
    """A rule on the command line applies to the command's calls."""
    result = _run(
        *("--input", EXAMPLE, "--fourme", "--report", "--fault", "patch=503"),
        command=[sys.executable, "-c", STEP],
    )
    assert "->  503  (fault: 503)" in result.stdout
    assert "Nothing was changed." in result.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_reach_the_command(number: signal.Signals) -> None:
    """A signal to the sandbox is forwarded to COMMAND, and its exit code is returned."""
    script = (
        "import signal, sys\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(9))\n"
        "print('ready', flush=True)\n"
        "signal.pause()"
    )
    line = [sys.executable, "-m", "sandbox", "--input", EXAMPLE, "--", sys.executable, "-c", script]
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.wait(timeout=10) == 9


def test_without_a_command_it_prints_exports_and_waits() -> None:
    """It prints one export for each variable, the services respond, and a signal ends it."""
    line = [sys.executable, "-m", "sandbox", "--input", EXAMPLE, "--fourme"]
    with subprocess.Popen(
        line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines = [process.stdout.readline() for _ in range(3)]
        variables = dict(line.removeprefix("export ").strip().split("=", 1) for line in lines)
        assert sorted(variables) == ["CI", "METADATA_API_URL", "RELAY"]
        assert "requests 70384" in process.stderr.readline()
        with requests.Session() as session:
            session.trust_env = False
            response = session.get(f"{variables['METADATA_API_URL']}/spec")
            assert response.json()["value"]["request"]["request_id"] == "80339"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: -i/--input; see"),
        (["--input", "nowhere.yaml"], "nowhere.yaml: No such file or directory"),
        (["--input", EXAMPLE, "--run", "2"], "there is no run '2'; choose one of: 1"),
        (["--input", EXAMPLE, "--step", "x"], "choose one of: default, follow-up"),
        (["--input", EXAMPLE, "--fault", "patch=x"], "unknown fault 'x'; known: refused"),
        (["--input", EXAMPLE, "--fault", "x=503"], "unknown call 'x'; known: spec"),
        (["--input", EXAMPLE, "--port", "x"], "'x' is no port"),
        (["--input", EXAMPLE, "--fourme", "--fourme-data", "no/x.yaml"], "no/x.yaml: No such"),
        (["--input", EXAMPLE, "--save", "no/x.yaml", "--", "true"], "there is no folder no"),
        (["--input", EXAMPLE, "--fourme-data", "x.yaml"], "of no use without --fourme"),
        (["--input", EXAMPLE, "--report"], "--report needs a COMMAND"),
        (["--input", EXAMPLE, "--fault", "patch=503"], "patch=503: this call goes to the 4me API"),
        (["--input", EXAMPLE, "--fourme", "--", "./nowhere"], "nowhere: No such file"),
    ],
)
def test_a_usage_error_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    """The exit code is 2, the only line says what is wrong, and there is no traceback."""
    code = _code(arguments)
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert captured.err.startswith("sandbox: ")
    assert message in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "line 1, column 5"),
        ("runs: {1: {steps: {default: {spec: {a: '${x.y}'}}}}}", "unknown expression in '${x.y}'"),
        ("runs: {1: {steps: {default: {spec: {a: !X y}}}}}", "the unknown tag '!X'"),
    ],
)
def test_an_invalid_document_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, text: str, message: str
) -> None:
    """Bad YAML, an unknown expression and an unknown tag are named."""
    path = tmp_path / "input.yaml"
    path.write_text(text, encoding="utf-8")
    assert main(["--input", str(path), "--", "true"]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--fault", "help"], ["--fault=help"]])
def test_the_faults_can_be_listed(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """`--fault help` needs no input, and a COMMAND's own `--fault help` is ignored."""
    assert main(arguments) == 0
    assert capsys.readouterr().out == help_text() + "\n"
    assert _code(["--", *arguments]) == 2


def test_the_help_is_complete(capsys: pytest.CaptureFixture[str]) -> None:
    """--help lists every option, and has an example."""
    assert _code(["--help"]) == 0
    text = capsys.readouterr().out
    for name in ("input", "run", "step", "save", "report", "port", "fourme", "fourme-data"):
        assert f"--{name}" in text
    for name in ("fourme-port", "storage", "clock-skew", "fault"):
        assert f"--{name}" in text
    assert "examples:" in text


def test_the_command_inherits_the_environment() -> None:
    """COMMAND has the environment variables of the sandbox."""
    script = "import os; print(os.environ['MARK'])"
    line = [sys.executable, "-m", "sandbox", "--input", EXAMPLE, "--", sys.executable, "-c", script]
    result = subprocess.run(
        line, cwd=ROOT, env={**os.environ, "MARK": "x"}, capture_output=True, text=True, check=False
    )
    assert result.stdout == "x\n"


def _code(arguments: list[str]) -> object:
    try:
        return main(arguments)
    except SystemExit as end:
        return end.code
