"""Expressions and their values."""

from __future__ import annotations

import json

import pytest

from sandbox.relay.expression_syntax import ExpressionError
from sandbox.relay.expressions import Scope, as_text, encode, evaluate, evaluate_path

SCOPE = Scope(
    connections={("4me", "my-4me-connection"): {"host": "h", "account": "wdc"}},
    outputs={("earlier", "request"): {"id": 7, "team": {"id": 3}, "list": ["a", "b"]}},
    parameters={"number": 3.0, "text": "t", "flag": True, "none": None, "list": [1, {"a": "<&>"}]},
    secrets={"x": "s3cret", "with space": "s"},
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${connections.'4me'.'my-4me-connection'}", {"host": "h", "account": "wdc"}),
        ("${connections.'4me'.my-4me-connection.host}", "h"),
        ("${connections['4me']['my-4me-connection'].host}", "h"),
        ("${secrets.x}", "s3cret"),
        ("${secrets.'x'}", "s3cret"),
        ('${secrets."with space"}', "s"),
        ("${ parameters.number }", 3.0),
        ("${parameters.flag}", True),
        ("${parameters.none}", None),
        ("${outputs.'earlier'.request}", {"id": 7, "team": {"id": 3}, "list": ["a", "b"]}),
        ("${outputs.earlier.request.team.'id'}", 3),
        ("${outputs.earlier.request.list[1]}", "b"),
        ("${outputs.earlier.request.list[-1]}", "b"),
        ("${outputs.earlier.request.list.1}", "b"),
        ("${parameters . text}", "t"),
        ("plain", "plain"),
        ("", ""),
        ("$ {x} $x", "$ {x} $x"),
        ("$", "$"),
        ("$$", "$$"),
        ("$${x}", "$${x}"),
        ("$${secrets.x}", "$${secrets.x}"),
        ("$$${secrets.x}", "$$s3cret"),
        ("$$$${secrets.x}", "$$$${secrets.x}"),
        ("$\n${secrets.x}$", "$\ns3cret$"),
    ],
)
def test_one_expression_yields_the_typed_value(text: str, value: object) -> None:
    """Text that is one expression becomes its value; text without any stays unchanged.

    Two dollar signs before a brace begin no expression, and stay both (recorded from Relay).
    """
    evaluated = evaluate({"key": [text]}, SCOPE)
    assert evaluated.value == {"key": [value]}
    assert evaluated.complete


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("n=${parameters.number}", "n=3"),
        ("${parameters.text}${parameters.flag}", "ttrue"),
        ("<${parameters.none}>", "<null>"),
        (" ${parameters.text}", " t"),
        (
            "l: ${parameters.list}",
            'l: [\n\t1,\n\t{\n\t\t"a": "\\u003c\\u0026\\u003e"\n\t}\n]',
        ),
        ("${secrets.x}-${secrets.x}", "s3cret-s3cret"),
    ],
)
def test_inside_longer_text_values_become_text(text: str, value: str) -> None:
    """An expression within longer text is written as Go's templates write it."""
    assert evaluate(text, SCOPE).value == value


@pytest.mark.parametrize("path", ["", "key"])
def test_floats_without_a_fraction_are_integers(path: str) -> None:
    """As recorded: 3.0 is served as 3, in a part as in the whole spec."""
    tree = {"key": ["${parameters.number}", 1e3, 2.5]}
    found = evaluate_path(tree, path, SCOPE) if path else evaluate(tree, SCOPE)
    assert json.dumps(found.value).removeprefix('{"key": ').rstrip("}") == "[3, 1000, 2.5]"


@pytest.mark.parametrize(
    ("value", "text"),
    [(3.0, "3"), (1.5, "1.5"), (True, "true"), (b"x", "x"), ({"b": 1.0, "a": [2.0]},
     '{\n\t"a": [\n\t\t2\n\t],\n\t"b": 1\n}')],
)  # fmt: skip
def test_numbers_are_printed_as_go_prints_them(value: object, text: str) -> None:
    """As recorded: floats without a fraction are integers; JSON has tabs and sorted keys."""
    assert as_text(value) == text


@pytest.mark.parametrize(
    ("tree", "unresolvable"),
    [
        ("${secrets.y}", {"secrets": [{"name": "y"}]}),
        ("a ${parameters.y} b", {"parameters": [{"name": "y"}]}),
        ("${connections.'4me'.y.host}", {"connections": [{"type": "4me", "name": "y"}]}),
        ("${outputs.later.request.id}", {"outputs": [{"from": "later", "name": "request"}]}),
        ({"$type": "Secret", "name": "y"}, {"secrets": [{"name": "y"}]}),
        (["${secrets.y}", "${secrets.y}"], {"secrets": [{"name": "y"}]}),
    ],
)
def test_unresolved_expressions_are_listed_and_unchanged(
    tree: object, unresolvable: object
) -> None:
    """An unresolved expression makes the result incomplete, is listed once, and stays unchanged."""
    evaluated = evaluate({"key": tree}, SCOPE)
    assert evaluated.value == {"key": tree}
    assert evaluated.unresolvable == unresolvable
    assert not evaluated.complete


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("${steps.x}", "'steps'"),
        ("${connections.4me.x}", "quote a name"),
        ("${connections.'4me'}", "connections.<type>.<name>"),
        ("${secrets}", "secrets.<name>"),
        ("${concat('a', 'b')}", "function 'concat'"),
        ("${parameters.number + 1}", "parameters.number [+] 1"),
        ("a ${filename", "filename"),
        ("${}", "unknown expression"),
        ("${outputs.earlier.request.colour}", "'colour'"),
        ("${outputs.earlier.request.list[9]}", "no item 9"),
        ("${parameters.text.deeper}", "'deeper'"),
    ],
)
def test_the_error_names_what_is_unknown(text: str, named: str) -> None:
    """An expression that can't be evaluated is an error that shows it."""
    with pytest.raises(ExpressionError, match=named):
        evaluate({"key": text}, SCOPE)


@pytest.mark.parametrize(
    ("tree", "named"),
    [
        ({"$type": "Answer", "name": "x"}, "'Answer'"),
        ({"$type": "Secret"}, "needs name"),
        ({"$fn.concat": ["a"]}, "'concat'"),
        ({"$encoding": "base32", "data": "a"}, "'base32'"),
        ({"$encoding": "base64", "data": "!"}, "bad base64"),
    ],
)
def test_unknown_types_and_functions_are_named(tree: object, named: str) -> None:
    """A mapping with an unknown `$type`, `$fn.` or `$encoding` is an error that names it."""
    with pytest.raises(ExpressionError, match=named):
        evaluate(tree, SCOPE)


def test_bytes_become_base64_unless_they_are_text() -> None:
    """Bytes become text if they are UTF-8, else Relay's base64 mapping."""
    assert encode({"a": b"\xc3\xbc", "b": [b"\xff"]}) == {
        "a": "ü",
        "b": [{"$encoding": "base64", "data": "/w=="}],
    }


def test_encoded_text_is_decoded() -> None:
    """A base64 mapping of text becomes text; one whose data is unresolved stays a mapping."""
    assert evaluate({"$encoding": "base64", "data": "w7w="}, SCOPE).value == "ü"
    missing = {"$encoding": "base64", "data": "${secrets.y}"}
    assert evaluate(missing, SCOPE).value == missing


@pytest.mark.parametrize(
    ("path", "value"),
    [("a.b[0]", 3.0), ("a", {"b": [3.0]}), ('c["d"]', "wdc"), ("c.d", "wdc")],
)
def test_a_path_selects_a_part(path: str, value: object) -> None:
    """A query returns the part that its path selects, through expressions too."""
    tree = {
        "a": {"b": ["${parameters.number}"]},
        "c": {"d": "${connections.'4me'.my-4me-connection.account}"},
        "e": "${steps.unknown}",
    }
    assert evaluate_path(tree, path, SCOPE).value == value


def test_a_path_through_an_unresolved_value_is_incomplete() -> None:
    """A part of an unresolved value is null, and the unresolved value is listed."""
    found = evaluate_path({"a": "${secrets.y}"}, "a.b", SCOPE)
    assert (found.value, found.complete) == (None, False)


@pytest.mark.parametrize("path", ["b", "a.b", "a b", "[0]", "a["])
def test_a_path_without_a_value_is_an_error(path: str) -> None:
    """A query that selects nothing is an error, not a null."""
    with pytest.raises(ExpressionError):
        evaluate_path({"a": 1}, path, SCOPE)
