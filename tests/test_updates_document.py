"""docs/updates.md: each example does what the text says, one after the other on one request."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import yaml

from sandbox import FOURME_HOST, FourMeOptions, Sandbox, document_for
from tests.step_process import REQUEST_ID, ROOT, connection, run_step

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TEXT = (ROOT / "docs/updates.md").read_text(encoding="utf-8")
EXAMPLES = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)]
ENSURE, PREVIEW, ONLY_IF, STRICT, FIND = EXAMPLES
TABLE = re.findall(r"```\n(field .*?)```", TEXT, re.DOTALL)[0]


class Run(NamedTuple):
    """How a run has ended, and what it has published."""

    code: int
    log: str
    outputs: dict[str, Any]


class Steps:
    """Runs the step against one sandbox."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self._folder = folder

    def run(self, spec: dict[str, Any]) -> Run:
        """Run the step with the spec of an example."""
        file = self._folder / "spec.json"
        document = {"connection": connection(self.sandbox.fourme_url), **spec}
        file.write_text(json.dumps(document), encoding="utf-8")
        ended = run_step({}, "--spec", str(file), "--output", f"{self._folder}/")
        outputs = {
            name: json.loads((self._folder / f"{name}.json").read_text(encoding="utf-8"))
            for name in ("request", "changed", "changes", "not_applied")
        }
        return Run(ended.code, ended.log, outputs)

    @property
    def updates(self) -> int:
        """The number of updates that the sandbox has received."""
        return sum(call.method == "PATCH" for call in self.sandbox.calls)

    @property
    def notes(self) -> list[object]:
        """The texts of the request's notes, newest first."""
        return [note["text"] for note in self.sandbox.store.notes(REQUEST_ID)]


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Steps]:
    """Return a sandbox whose 4me does not apply changes of the impact."""
    options = FourMeOptions(ignored_fields=frozenset({"impact"}))
    with Sandbox(document_for({"connection": connection(FOURME_HOST)}), fourme=options) as sandbox:
        yield Steps(sandbox, tmp_path_factory.mktemp("outputs"))


def test_the_examples(steps: Steps) -> None:
    """All examples of the page, in its order."""
    first, second, third = (steps.run(ENSURE) for _ in range(3))
    assert [run.code for run in (first, second, third)] == [0, 0, 0]
    assert [run.outputs["changed"] for run in (first, second, third)] == [True, False, False]
    assert (steps.updates, steps.notes.count(ENSURE["request"]["note"])) == (1, 1)

    preview = steps.run(PREVIEW)
    assert (preview.code, preview.outputs["changed"]) == (0, True)
    assert [change["field"] for change in preview.outputs["changes"]] == [
        line.split()[0] for line in TABLE.splitlines()[1:]
    ]
    assert "\n".join(f"  {line}".rstrip() for line in TABLE.splitlines()) in preview.log

    guarded = steps.run(ONLY_IF)
    assert (guarded.code, guarded.outputs["changed"]) == (0, False)
    assert "`status` is completed, not assigned or accepted" in guarded.log
    assert steps.updates == 1

    strict = steps.run(STRICT)
    assert strict.code == 76
    assert strict.outputs["not_applied"] == [{"field": "impact", "sent": "low", "found": "medium"}]

    found = steps.run(FIND)
    assert (found.code, found.outputs["changed"]) == (0, True)
    assert steps.notes[0] == FIND["request"]["note"]

    missing = steps.run({**FIND, "find": {**FIND["find"], "sourceID": "another"}})
    assert (missing.code, missing.outputs["changed"], missing.outputs["request"]) == (
        0,
        False,
        None,
    )
