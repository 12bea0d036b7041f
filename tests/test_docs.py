"""The README says what is so: its tables are generated, its other claims are checked here."""

from __future__ import annotations

import re

import pytest

from process.exit_codes import EXIT_CODES
from process.settings import VARIABLES
from tools.readme import README, ROOT, render

TEXT = README.read_text(encoding="utf-8")


def test_generated_parts_are_up_to_date() -> None:
    """`make docs` would change nothing."""
    assert render(TEXT) == TEXT


def test_every_exit_code_and_variable_is_documented() -> None:
    """Each exit code and each environment variable stands in the README."""
    for row in EXIT_CODES:
        assert f"| {int(row.code)} {row.name} |" in TEXT
    for variable in VARIABLES:
        assert f"`{variable.name}`" in TEXT


def test_every_target_of_the_makefile_that_is_named_exists() -> None:
    """The README names no target that `make` does not have."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", TEXT, re.MULTILINE))
    assert {first or second for first, second in named} <= targets
    assert ("", "demo") in named
    assert ("", "test") in named


def test_every_message_of_the_troubleshooting_exists() -> None:
    """What the README quotes is what the step says."""
    section = TEXT.partition("## Troubleshooting")[2].partition("\n## ")[0]
    quoted = re.findall(r"^\| ([^|]+?) \|", section, re.MULTILINE)[2:]
    sources = "".join(
        path.read_text(encoding="utf-8")
        for folder in ("process", "transport", "spec", "fourme", "operations", "engines")
        for path in (ROOT / folder).glob("*.py")
    )
    texts = re.sub(r'"\s*f?"|\{[^}]*\}', "", sources)
    parts = [part.strip() for words in quoted for part in re.split(r"\.\.\.|\(\d+\)", words)]
    assert len(quoted) > 8
    assert [part for part in parts if part not in texts] == []


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", TEXT))))
def test_links_within_the_repository_lead_somewhere(link: str) -> None:
    """Each relative link names a file or folder."""
    assert (ROOT / link).exists()
