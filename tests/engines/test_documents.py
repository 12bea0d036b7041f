"""`engines.documents`: the values of JSON and YAML texts, and the errors of others."""

from __future__ import annotations

import subprocess
import sys

import pytest

from engines.documents import read_document
from process.errors import SpecError
from tests.step_process import ROOT


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (
            '{"note": "a\\nb", "n": [1, 2.5, null, true]}',
            {"note": "a\nb", "n": [1, 2.5, None, True]},
        ),
        ("80339", 80339),
        ("", None),
        ("# nothing", None),
        ("a: {b: [1, -2, 1.5e3, 0]}", {"a": {"b": [1, -2, 1500.0, 0]}}),
        ("[~, null, Null, true, TRUE, False]", [None, None, None, True, True, False]),
        ("a:", {"a": None}),
        ("a: |\n  first: 1\n  # second\n", {"a": "first: 1\n# second\n"}),
        ("a: !!binary aGk=", {"a": b"hi"}),
        ("a: !!str 5", {"a": "5"}),
        ("a: &name 5", {"a": 5}),
        ("<<: {a: 1}", {"<<": {"a": 1}}),
        (f"a: {'9' * 1001}", {"a": "9" * 1001}),
    ],
)
def test_json_and_yaml_are_parsed(text: str, value: object) -> None:
    """Both formats are accepted; an empty text is null."""
    assert read_document(text, "The text") == value


@pytest.mark.parametrize(
    "word",
    [
        *("2026-11-21", "2026-11-21T17:30", "1:30", "yes", "no", "on", "y", "tRue"),
        *("0123", "0x1F", "0o17", "1_000", "+5", ".5", ".inf", "12e", "="),
    ],
)
def test_scalars_that_json_does_not_have_are_text(word: str) -> None:
    """Nothing becomes a date, a number to another base, or a boolean implicitly."""
    assert read_document(f"value: {word}", "The text") == {"value": word}


def test_names_are_text_as_written() -> None:
    """A custom field called 080, true or ~ keeps its name."""
    assert read_document("{080: a, true: b, ~: c}", "The text") == {
        "080": "a",
        "true": "b",
        "~": "c",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "a name is repeated (line 3, column 1)"),
        ('{"a": 1, "a": 2}', "a name is repeated (line 1, column 10)"),
        ("a: &x [1]\nb: *x", "it has an alias"),
        (
            "a: !!python/object/apply:os.system [hidden]",
            "without a JSON value (line 1, column 4)",
        ),
        ("a: !!set {hidden}", "without a JSON value"),
        ("a: !!timestamp 2026-11-21", "a tag that its value does not fit"),
        ("a: !mine hidden", "a tag that its value does not fit"),
        ("a: !!int hidden", "a tag that its value does not fit"),
        ("a: !!bool yes", "a tag that its value does not fit"),
        ("a: !!binary '%'", "a tag that its value does not fit"),
        ("a: !!map [hidden]", "a tag that its value does not fit"),
        ("a: !!str [hidden]", "without a JSON value"),
        ("a: !!seq hidden", "expected a sequence node, but found scalar (line 1, column 4)"),
        ("? [hidden]\n: b", "a name is an object or a list"),
        ("a: [1", "expected ',' or ']', but got '<stream end>' (line 1, column 6)"),
        ("a\n---\nb", "expected a single document in the stream, but found another"),
        ("a: \x07", "a character that YAML does not allow"),
        ("%TAG !h! tag:h,1:\n---\na: !hidden!x 1", "found undefined tag handle ..."),
        ("a: hidden: b", "mapping values are not allowed here (line 1, column 10)"),
    ],
)
def test_an_error_has_the_place_and_quotes_nothing(text: str, message: str) -> None:
    """No word of the text is shown: it may be a token."""
    with pytest.raises(SpecError) as caught:
        read_document(text, "The text")
    is_rejected = any(
        word in message for word in ("a name is", "an alias", "a tag that", "JSON value", "node")
    )
    wrong = "YAML that the step does not accept" if is_rejected else "neither JSON nor YAML"
    assert caught.value.what.startswith(f"The text is {wrong}: ")
    assert message in caught.value.what
    assert "hidden" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[" * 5000, ""),
        ("[" * 101 + "1" + "]" * 101, ", at [0][0][0][0]"),
        ('{"hidden": ' * 100 + "[1]" + "}" * 100, ", at hidden.hidden.hidden.hidden"),
        ("a: " + "[" * 100 + "1" + "]" * 100, " (line 1, column 104)"),
        ("- " * 101 + "1", " (line 1, column 203)"),
        ("- " * 100_000 + "1", " (line 1, column 203)"),
        ("a:\n - " + "[" * 100_000, " (line 2, column 103)"),
    ],
)
def test_excessive_depth_is_an_error_with_its_place(text: str, where: str) -> None:
    """Whatever Python's own limit is; where that is reached first, there is no place."""
    with pytest.raises(SpecError) as caught:
        read_document(text, "The text")
    assert caught.value.what.startswith(f"The text is nested deeper than 100 levels{where}")


@pytest.mark.parametrize("text", ["[" * 100 + "1" + "]" * 100, "- " * 100 + "1"])
def test_the_maximum_depth_is_accepted(text: str) -> None:
    """The limit is the same for JSON and YAML."""
    value = read_document(text, "The text")
    for _ in range(100):
        (value,) = value  # type: ignore[misc]  # a list of one
    assert value == 1


def test_a_run_in_relay_never_imports_yaml() -> None:
    """JSON, no arguments, and each engine not used cost no imports."""
    script = (
        "import sys, step\n"
        "from engines.documents import read_document\n"
        "read_document('{}', '')\n"
        "print(sorted({'yaml', 'argparse', 'engines.github', 'engines.local', 'relay_sdk'}\n"
        "             & sys.modules.keys()))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert ended.stdout == "[]\n"
