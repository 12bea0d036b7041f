"""`process.errors`: one tree, an exit code each, and the text that a user reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from process import errors
from process.errors import StepError
from process.exit_code_table import EXIT_CODES

if TYPE_CHECKING:
    from collections.abc import Iterator


def subclasses(kind: type[StepError]) -> Iterator[type[StepError]]:
    """Yield a class and all its subclasses."""
    yield kind
    for child in kind.__subclasses__():
        yield from subclasses(child)


CLASSES = [kind for kind in subclasses(StepError) if kind.__module__ == errors.__name__]

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
    "NotAppliedError": (76, "maybe"),
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
def test_tree_in_the_docstring(kind: type[StepError]) -> None:
    """The tree in the module's docstring has each class, with its exit code."""
    lines = (errors.__doc__ or "").splitlines()
    drawn = [line for line in lines if kind.__name__ in line.replace("─", " ").split()]

    assert len(drawn) == 1
    assert kind is StepError or str(int(kind.exit_code)) in drawn[0]


def test_text() -> None:
    """Each part of the text has its own line: what, details, cause, fix, id, exit code."""
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
    assert lines[3:6] == [
        "  This usually means: something",
        "  What to do: Fix it.",
        "  X-Request-Id (for support): abc-1",
    ]
    assert "updated: no" in lines[6]
    assert "65" in lines[6]
    assert error.status == 422


def test_short_text() -> None:
    """Parts that are not known have no line."""
    assert len(str(errors.AccessError("It failed.")).splitlines()) == 2


def test_applied() -> None:
    """An error overrides its class's `default_applied`."""
    assert errors.TemporaryError("x", applied="maybe").applied == "maybe"
    assert "updated: maybe" in str(errors.TemporaryError("x", applied="maybe"))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            errors.OutputError("x"),
            "with `mode: ensure`; else it would repeat what was added, such as notes",
        ),
        (errors.OutputError("x", repeatable=True), "yes"),
        (errors.OutputError("x", applied="no"), "yes"),
        (
            errors.UnexpectedResponseError("x"),
            "with `mode: ensure`; else after a look at the request",
        ),
        (errors.UnexpectedResponseError("x", repeatable=True), "yes"),
        (errors.RejectedError("x", repeatable=True), "after a fix"),
        (errors.UnexpectedResponseError("x", applied="no"), "yes"),
        (errors.InternalError("x"), "report it"),
        (errors.TemporaryError("x"), "yes"),
        (errors.RejectedError("x"), "after a fix"),
    ],
)
def test_run_again(error: StepError, expected: str) -> None:
    """As the table of exit codes says; where doubt is usual, but there is none: yes."""
    assert error.run_again == expected
    assert f"Run again: {expected}." in str(error)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_applied_is_as_in_the_table(kind: type[StepError]) -> None:
    """An error and the table of exit codes use the same words."""
    (row,) = (row for row in EXIT_CODES if row.code is kind.exit_code)
    assert kind is StepError or row.applied.partition(",")[0] == kind.default_applied


def test_line_breaks_in_a_part_are_escaped() -> None:
    """A line break in a quoted name does not break the text's lines."""
    error = errors.SpecError("a\nb", details=("c\nd",), cause="e\nf", fix="g\nh", trace_id="i\nj")
    assert len(str(error).splitlines()) == 6
    assert str(error).startswith("a\\nb\n  - c\\nd\n")
