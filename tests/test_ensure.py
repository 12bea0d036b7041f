"""Updates that can be run again, as processes: the modes `ensure` and `preview`, `only_if`."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from process.exit_codes import ExitCode
from sandbox import FourMeOptions, Sandbox
from tests.step_process import ACCESS_TOKEN, ACCOUNT, REQUEST_ID, Ended, run_step, sandbox_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

NOTE = "Deployment 1188 has succeeded; nobody may read this in a log."
OLD_NOTE = "Build 1187: 3 of 412 tests failed; nothing was deployed."
FILE = {"name": "build.log", "content": "all green"}
SECRET_VALUE = "a value of a custom field"
ENSURE = {"mode": "ensure"}
PUBLISHED = ("spec", "output", "link")


def ensuring(
    request: Mapping[str, object],
    *,
    inputs: Mapping[str, object] = ENSURE,
    options: FourMeOptions | None = None,
    faults: Iterable[str] = (),
    clock_skew: float = 0.0,
) -> Sandbox:
    """Return a sandbox whose step ensures an update."""
    return sandbox_for(
        {"request_id": REQUEST_ID, **request},
        inputs=inputs,
        options=options,
        faults=faults,
        clock_skew=clock_skew,
    )


def run_ok(sandbox: Sandbox) -> Ended:
    """Run the step, which succeeds."""
    ended = run_step(sandbox.environment(), measured=True)
    assert ended.code == ExitCode.OK, ended.log
    return ended


def fourme_calls(sandbox: Sandbox) -> Counter[str]:
    """Return how many calls 4me got, by name."""
    return Counter(call.name for call in sandbox.calls if call.name not in PUBLISHED)


def count_notes(sandbox: Sandbox) -> int:
    """Return how often the note is there."""
    return sum(note["text"] == NOTE for note in sandbox.store.notes(REQUEST_ID))


def test_three_runs_leave_one_note_and_send_one_patch() -> None:
    """Its time is added once and its file is uploaded once; the later runs say what is there."""
    update = {
        "note": NOTE,
        "time_spent": 5,
        "note_attachments": [FILE],
        "status": "accepted",
        "custom_fields": {"branch": "main"},
    }
    with ensuring(update) as sandbox:
        logs, changed = [], []
        for _ in range(3):
            logs.append(run_ok(sandbox).log)
            changed.append(sandbox.outputs["changed"])
        assert count_notes(sandbox) == 1
        assert sandbox.store.time_spent_total(REQUEST_ID) == 5
        assert len(sandbox.store.uploads) == 1
        calls = fourme_calls(sandbox)
        assert calls == {"read": 3, "verification": 3, "storage": 1, "upload": 1, "patch": 1}
        assert sandbox.outputs["changes"] == []
    assert changed == [True, False, False]
    assert "nothing to do" in logs[1]
    assert "by Nina Integration" in logs[1]


@pytest.mark.parametrize(
    ("request_fields", "history", "reads"),
    [
        ({"impact": "low"}, 250, {"read": 1, "patch": 1}),
        ({"impact": "medium"}, 250, {"read": 1}),
        ({"note": NOTE}, 0, {"read": 1, "verification": 1, "patch": 1}),
        ({"note": NOTE}, 250, {"read": 1, "verification": 3, "patch": 1}),
        ({"ci": 1763}, 250, {"read": 1, "linked": 1}),
        ({"ci": 1764, "note": NOTE}, 0, {"read": 1, "linked": 1, "verification": 1, "patch": 1}),
    ],
)
def test_reads_are_counted(
    request_fields: Mapping[str, object], history: int, reads: Mapping[str, int]
) -> None:
    """One GET; one for 100 notes only with a note, one for linked records only with a ci."""
    with ensuring(request_fields, options=FourMeOptions(history=history)) as sandbox:
        run_ok(sandbox)
        assert fourme_calls(sandbox) == reads


def test_a_plain_update_reads_nothing() -> None:
    """In mode `update` there is one call, and what may have changed is not known."""
    with ensuring({"note": NOTE, "ci": 1764}, inputs={}) as sandbox:
        run_ok(sandbox)
        assert fourme_calls(sandbox) == {"patch": 1}
        assert [*sandbox.outputs] == ["request"]


def test_a_preview_sends_and_uploads_nothing() -> None:
    """It publishes what would change: notes and files by size, references by name."""
    update = {"note": NOTE, "note_attachments": [FILE], "ci": 1764, "impact": "low"}
    with ensuring(update, inputs={"mode": "preview"}) as sandbox:
        before = sandbox.store.request(REQUEST_ID)
        ended = run_ok(sandbox)
        assert fourme_calls(sandbox) == {"read": 1, "verification": 1, "linked": 1}
        assert sandbox.store.request(REQUEST_ID) == before
        assert sandbox.store.uploads == ()
        assert sandbox.outputs["changed"] is True
        changes = sandbox.outputs["changes"]
    assert changes == [
        {
            "field": "ci",
            "from": {"id": 1763, "name": "WDC-APP-0042"},
            "to": {"id": 1764, "name": None},
        },
        {"field": "impact", "from": "medium", "to": "low"},
        {"field": "note", "from": None, "to": f"{len(NOTE)} characters"},
        {"field": "note_attachments", "from": None, "to": "1 file"},
    ]
    assert "would change" in ended.log


def test_an_unmet_condition_sends_nothing_and_succeeds() -> None:
    """The log says in one line why, and `changed` is false."""
    inputs = {"only_if": {"status": ["accepted", "in_progress"]}}
    with ensuring({"note": NOTE}, inputs=inputs) as sandbox:
        ended = run_ok(sandbox)
        assert fourme_calls(sandbox) == {"read": 1}
        assert sandbox.outputs["changed"] is False
    assert "`status` is assigned, not accepted or in_progress" in ended.log


def test_a_condition_that_is_met_costs_one_more_call() -> None:
    """The update is sent as without it."""
    with ensuring({"note": NOTE}, inputs={"only_if": {"status": "assigned"}}) as sandbox:
        run_ok(sandbox)
        assert fourme_calls(sandbox) == {"read": 1, "patch": 1}
        assert count_notes(sandbox) == 1


@pytest.mark.parametrize("mode", ["update", "ensure"])
@pytest.mark.parametrize(("strict", "code"), [(False, ExitCode.OK), (True, ExitCode.PROTOCOL)])
def test_what_4me_does_not_apply_is_published(mode: str, strict: bool, code: ExitCode) -> None:  # noqa: FBT001  a table's column
    """With `strict` the run ends in 76, but the output is there all the same."""
    options = FourMeOptions(ignored_fields=frozenset({"team_id"}))
    inputs = {"mode": mode, "strict": strict}
    with ensuring({"team": 14, "impact": "low"}, inputs=inputs, options=options) as sandbox:
        ended = run_step(sandbox.environment(), measured=True)
        assert sandbox.outputs["not_applied"] == [
            {
                "field": "team",
                "sent": {"id": 14, "name": None},
                "found": {"id": 17, "name": "Application Development"},
            }
        ]
        assert isinstance(sandbox.outputs["request"], dict)
    assert ended.code == code, ended.log
    assert "has not applied all of it" in ended.log


def test_the_changes_are_a_table_without_private_texts(tmp_path: Path) -> None:
    """In the log, and in GitHub's summary; notes and values of custom fields by size there."""
    update = {"note": NOTE, "impact": "low", "custom_fields": {"branch": SECRET_VALUE}}
    summary = tmp_path / "summary.md"
    with ensuring({}) as sandbox:
        ended = run_step(
            {
                "GITHUB_ACTIONS": "true",
                "GITHUB_STEP_SUMMARY": str(summary),
                "GITHUB_OUTPUT": str(tmp_path / "output"),
                "INPUT_HOST": sandbox.fourme_url,
                "INPUT_ACCOUNT": ACCOUNT,
                "INPUT_ACCESS_TOKEN": ACCESS_TOKEN,
                "INPUT_MODE": "ensure",
                "INPUT_REQUEST": json.dumps({"request_id": REQUEST_ID, **update}),
            }
        )
    assert ended.code == ExitCode.OK, ended.log
    written = summary.read_text(encoding="utf-8")
    assert "| impact | medium | low |" in written
    assert ["impact", "medium", "low"] in [line.split() for line in ended.log.splitlines()]
    for text in (written, ended.log):
        assert f"{len(NOTE)} characters" in text
        assert f"{len(SECRET_VALUE)} characters" in text
        assert NOTE not in text
        assert SECRET_VALUE not in text


@pytest.mark.parametrize("skew", [-3600.0, 3600.0])
@pytest.mark.parametrize(("fault", "patches"), [("500", 2), ("500-after", 1)])
def test_a_lost_answer_is_settled_by_the_notes_that_were_there_before(
    fault: str, patches: int, skew: float
) -> None:
    """A public note with the same text is not the internal one sent, whatever the clocks show."""
    update = {"internal_note": OLD_NOTE}
    with ensuring(update, faults=[f"patch={fault}"], clock_skew=skew) as sandbox:
        ended = run_step(sandbox.environment(), fast_clock=True, measured=True)
        assert ended.code == ExitCode.OK, ended.log
        notes = [note for note in sandbox.store.notes(REQUEST_ID) if note["text"] == OLD_NOTE]
        assert [note["internal"] for note in notes] == [True, False]
        assert fourme_calls(sandbox)["patch"] == patches
