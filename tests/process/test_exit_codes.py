"""`process.exit_codes`: every exit code has a meaning."""

from __future__ import annotations

from process.exit_code_table import EXIT_CODES
from process.exit_codes import ExitCode


def test_every_code_has_a_meaning() -> None:
    """Each exit code has one row that says when, whether applied, and whether to run again."""
    assert sorted(meaning.code for meaning in EXIT_CODES) == sorted(ExitCode)
    assert all(meaning.when and meaning.applied and meaning.again for meaning in EXIT_CODES)
