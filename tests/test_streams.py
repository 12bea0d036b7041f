"""Broken standard streams and other locales do not change the exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from process.exit_codes import ExitCode
from sandbox import FourMeOptions, Sandbox, document_for
from tests.engines.github_rules import commands_in
from tests.engines.shell import connection_variables, run_in
from tests.step_process import REQUEST_ID, STEP, environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

ASCII = {
    "LC_ALL": "C",
    "PYTHONUTF8": "0",
    "PYTHONCOERCECLOCALE": "0",
    "PYTHONIOENCODING": "ascii",
}
NOTE = "Gr\u00f6\u00dfe \U0001f5a8"
LATE = {"GITHUB_ACTIONS": "true", "INPUT_REQUEST": '{"Gr\u00f6\u00dfe": 1}', "INPUT_HOST": "h"}
BROKEN = [">/dev/full", ">&-", "2>/dev/full", "2>&-", ">/dev/full 2>/dev/full", "<&- >&- 2>&-"]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """Return a running sandbox whose metadata service is not used."""
    with Sandbox(document_for({}), fourme=FourMeOptions()) as running:
        yield running


@pytest.mark.parametrize("locale", [{}, ASCII], ids=["utf-8", "ascii"])
@pytest.mark.parametrize("redirected", BROKEN)
def test_an_invalid_spec_ends_in_65_whatever_the_streams_are(
    tmp_path: Path, redirected: str, locale: Mapping[str, str]
) -> None:
    """Neither the log nor the annotations nor the masks can end the run in another way."""
    variables = {"INPUT_ACCESS_TOKEN": "t\u00f6ken", "GITHUB_OUTPUT": "/dev/null"}
    ended = run_in(tmp_path, [], {**LATE, **variables, **locale}, redirected=redirected)
    assert ended.code == ExitCode.DATA
    assert "Logging error" not in ended.log
    assert "Traceback" not in ended.log
    assert ("request.Gr\u00f6\u00dfe is not a known input" in ended.log) is ("2>" not in redirected)
    if ">" not in redirected.replace("2>", ""):
        masked, error = commands_in(ended.out)
        assert (masked[0], error[0]) == ("add-mask", "error")


@pytest.mark.parametrize("locale", [{}, ASCII], ids=["utf-8", "ascii"])
@pytest.mark.parametrize("redirected", ["", "2>/dev/full", "2>&-"])
def test_an_update_ends_in_0_whatever_the_log_is(
    sandbox: Sandbox, tmp_path: Path, redirected: str, locale: Mapping[str, str]
) -> None:
    """The note is sent as it was meant, and the output is UTF-8, though the locale is not."""
    request = {"request_id": REQUEST_ID, "subject": NOTE}
    variables = connection_variables(
        sandbox, FOURME_REQUEST=json.dumps(request, ensure_ascii=False), FOURME_NOTE=NOTE
    )
    ended = run_in(tmp_path, [], {**variables, **locale}, redirected=redirected)
    assert ended.code == ExitCode.OK, ended.log
    assert json.loads(ended.out)["subject"] == NOTE
    assert json.loads(sandbox.calls[-1].body)["note"] == NOTE
    assert ("is updated" in ended.log) is (redirected == "")


@pytest.mark.parametrize(
    ("redirected", "code"),
    [
        (">&-", ExitCode.CONFIG),  # known before anything is sent
        (">/dev/full", ExitCode.IO),
        (">/dev/full 2>&-", ExitCode.IO),
        (">&- 2>/dev/full", ExitCode.CONFIG),
    ],
)
def test_an_output_that_cannot_be_written_is_an_error(
    sandbox: Sandbox, tmp_path: Path, redirected: str, code: ExitCode
) -> None:
    """Though the log may be broken as well."""
    variables = connection_variables(
        sandbox, FOURME_REQUEST=f"{{request_id: {REQUEST_ID}, impact: low}}"
    )
    ended = run_in(tmp_path, [], {**variables, **ASCII}, redirected=redirected)
    assert ended.code == code


@pytest.mark.parametrize("broken", ["stdout", "stderr"])
def test_a_pipe_that_nobody_reads_ends_no_run(broken: str) -> None:
    """The other end of a pipe may be closed before the first line."""
    reading, writing = os.pipe()
    os.close(reading)
    ended = subprocess.run(
        [sys.executable, str(STEP)],
        env=environment({**LATE, "INPUT_ACCESS_TOKEN": "token", "GITHUB_OUTPUT": "/dev/null"}),
        timeout=120,
        check=False,
        stdout=writing if broken == "stdout" else subprocess.DEVNULL,
        stderr=writing if broken == "stderr" else subprocess.DEVNULL,
    )
    os.close(writing)
    assert ended.returncode == ExitCode.DATA


HOSTILE = ["x\n::add-mask::y", "x\n##[error]z", "::stop-commands::a", "##[add-mask]b"]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_is_a_command(sandbox: Sandbox, tmp_path: Path, name: str) -> None:
    """Keys, files and values with the runner's commands in them are text, on both streams."""
    connection = connection_variables(sandbox)
    request = json.dumps({"request_id": REQUEST_ID, name: name, "team": name})
    additions = json.dumps({"request_id": REQUEST_ID, "additional_fields": {name: name}})
    runs: list[tuple[list[str], dict[str, str]]] = [
        ([], {**connection, "FOURME_REQUEST": request}),
        ([], {**connection, "FOURME_REQUEST": additions}),
        ([], {**connection, "FOURME_REQUEST": "{}", "FOURME_MAX_RETRY_TIME": name}),
        ([], {**connection, "FOURME_REQUEST": additions, "REQUESTS_CA_BUNDLE": name}),
        ([], {**connection, "FOURME_REQUEST": additions, "FOURME_OUTPUT": f"/dev/null/{name}"}),
        (
            [],
            {**connection, "FOURME_REQUEST": additions, "FOURME_ANNOTATIONS": f"/dev/null/{name}"},
        ),
        ([], {"FOURME_ACCESS_TOKEN_FILE": name, "FOURME_REQUEST_ID": "1"}),
        (["--spec", name], {}),
        ([name], {}),
    ]
    for words, variables in runs:
        ended = run_in(tmp_path, words, variables)
        assert commands_in(ended.log) == [], ended.log
        assert commands_in(ended.out) == []
        starts = ("INFO: ", "WARNING: ", "ERROR: ", "  ")
        assert [line for line in ended.log.splitlines() if not line.startswith(starts)] == []
