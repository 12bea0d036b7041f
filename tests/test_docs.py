"""The documentation: generated tables are up to date; names, messages and links exist."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from process.exit_code_table import EXIT_CODES
from process.settings import VARIABLES
from tools.readme import README, ROOT, render

if TYPE_CHECKING:
    from pathlib import Path

PRODUCT = ("process", "transport", "spec", "fourme", "operations", "engines")
TEXT = README.read_text(encoding="utf-8")


def test_generated_parts_are_up_to_date() -> None:
    """`make docs` would change nothing."""
    assert render(TEXT) == TEXT


def test_every_exit_code_and_variable_is_documented() -> None:
    """Each exit code and each environment variable is in the README."""
    for row in EXIT_CODES:
        assert f"| {int(row.code)} {row.name} |" in TEXT
    for variable in VARIABLES:
        assert f"`{variable}`" in TEXT


def test_every_target_of_the_makefile_that_is_named_exists() -> None:
    """The README names no target that `make` does not have."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", TEXT, re.MULTILINE))
    assert {first or second for first, second in named} <= targets
    assert ("", "demo") in named
    assert ("", "test") in named


def test_every_message_of_the_troubleshooting_exists() -> None:
    """The README quotes messages that the code has."""
    section = TEXT.partition("## Troubleshooting")[2].partition("\n## ")[0]
    quoted = re.findall(r"^\| ([^|]+?) \|", section, re.MULTILINE)[2:]
    sources = "".join(
        path.read_text(encoding="utf-8")
        for folder in PRODUCT
        for path in (ROOT / folder).glob("*.py")
    )
    texts = re.sub(r'"\s*f?"|\{[^}]*\}', "", sources)
    parts = [part.strip() for words in quoted for part in re.split(r"\.\.\.|\(\d+\)", words)]
    assert len(quoted) > 8
    assert [part for part in parts if part not in texts] == []


def links() -> list[tuple[Path, str]]:
    """Return the links within the repository: the documents that have them, and their targets."""
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("catalog/**/*.md")]
    return [
        (document, link)
        for document in sorted(documents)
        for link in re.findall(r"(?<!!\[)\]\(([^):]+)\)", document.read_text(encoding="utf-8"))
    ]


@pytest.mark.parametrize(("document", "link"), links(), ids=str)
def test_links_within_the_repository_lead_somewhere(document: Path, link: str) -> None:
    """Each relative link names a file or folder, and after `#` one of its headings."""
    path, _, anchor = link.partition("#")
    target = document.parent / path if path else document
    assert target.exists()
    if anchor:
        headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        assert anchor in [
            re.sub(r"[^a-z0-9 -]", "", text.lower()).replace(" ", "-") for text in headings
        ]


@pytest.mark.parametrize("name", ["docs/development.md", "docs/guarantees.md"])
def test_every_path_that_the_documents_name_exists(name: str) -> None:
    """A file or folder that is named in code style is there."""
    text = (ROOT / name).read_text(encoding="utf-8")
    named = re.findall(r"`([a-z.][\w./-]*(?:/|\.(?:py|md|txt|json|toml|ya?ml)))`", text)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_section_that_code_cites_exists() -> None:
    """Docstrings cite sections of docs/guarantees.md that are there."""
    sections = re.findall(r"^#+ (.+)$", (ROOT / "docs/guarantees.md").read_text(), re.MULTILINE)
    cited = {
        section
        for folder in PRODUCT
        for path in (ROOT / folder).glob("*.py")
        for section in re.findall(
            r'guarantees\.md, section\s+"([^"]+)"', path.read_text(encoding="utf-8")
        )
    }
    assert cited
    assert cited <= {*sections}
