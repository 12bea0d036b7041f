"""`process.errors`: one tree, exit codes, and what a user reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from process import errors
from process.errors import EXIT_CODES, ExitCode, StepError, exit_code_meaning

if TYPE_CHECKING:
    from collections.abc import Iterator


def family(kind: type[StepError]) -> Iterator[type[StepError]]:
    """Yield a class of errors and all below it."""
    yield kind
    for child in kind.__subclasses__():
        yield from family(child)


CLASSES = [kind for kind in family(StepError) if kind.__module__ == errors.__name__]

EXPECTED = {
    "SpecError": (65, "no"),
    "RejectedError": (65, "no"),
    "RequestNotFoundError": (66, "no"),
    "InternalError": (70, "maybe"),
    "OutputError": (74, "yes"),
    "TemporaryError": (75, "no"),
    "RateLimitedError": (75, "no"),
    "TerminatedError": (75, "no"),
    "OutcomeUnknownError": (76, "maybe"),
    "UnexpectedResponseError": (76, "maybe"),
    "AccessError": (77, "no"),
    "ConfigError": (78, "no"),
    "RedirectError": (78, "no"),
    "CertificateError": (78, "no"),
    "UnresolvedError": (78, "no"),
}


def test_codes_and_applied() -> None:
    """Each class has its documented exit code, and says whether the request was updated."""
    found = {
        kind.__name__: (int(kind.exit_code), kind.default_applied)
        for kind in CLASSES
        if kind is not StepError
    }

    assert found == EXPECTED


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_tree_is_drawn(kind: type[StepError]) -> None:
    """The module's head draws each class, with its exit code."""
    lines = (errors.__doc__ or "").splitlines()
    drawn = [line for line in lines if kind.__name__ in line.replace("─", " ").split()]

    assert len(drawn) == 1
    assert kind is StepError or str(int(kind.exit_code)) in drawn[0]


def test_every_code_has_a_meaning() -> None:
    """Each exit code has one row that says when, whether applied, and whether to run again."""
    assert sorted(meaning.code for meaning in EXIT_CODES) == sorted(ExitCode)
    assert all(exit_code_meaning(code).code is code for code in ExitCode)
    assert all(meaning.when and meaning.applied and meaning.again for meaning in EXIT_CODES)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_retryable(kind: type[StepError]) -> None:
    """Exactly the errors with exit code 75 can be retried unchanged."""
    assert kind("x").retryable is (kind.exit_code == 75)


def test_text() -> None:
    """The text has every fact on a line of its own: what, details, meaning, remedy, id, code."""
    error = errors.RejectedError(
        "It failed.",
        details=("a: b", "c: d"),
        cause="something",
        fix="Fix it.",
        status=422,
        trace_id="abc-1",
    )

    lines = str(error).splitlines()

    assert lines[0] == "It failed."
    assert [line.strip(" -") for line in lines[1:3]] == ["a: b", "c: d"]
    assert [
        word in text
        for word, text in zip(("something", "Fix it.", "abc-1"), lines[3:6], strict=True)
    ] == [True] * 3
    assert "updated: no" in lines[6]
    assert "65" in lines[6]
    assert error.status == 422


def test_short_text() -> None:
    """What an error does not know is not in its text."""
    assert len(str(errors.AccessError("It failed.")).splitlines()) == 2


def test_applied() -> None:
    """An error may know better than its class whether the request was updated."""
    assert errors.TemporaryError("x", applied="maybe").applied == "maybe"
    assert "updated: maybe" in str(errors.TemporaryError("x", applied="maybe"))


def test_a_fact_is_a_line() -> None:
    """What a message quotes of a user's names does not break its lines."""
    error = errors.SpecError("a\nb", details=("c\nd",), cause="e\nf", fix="g\nh", trace_id="i\nj")
    assert len(str(error).splitlines()) == 6
    assert str(error).startswith("a\\nb\n  - c\\nd\n")
