"""YAML as Relay reads it."""

from __future__ import annotations

import pytest
import yaml

from sandbox.relay import yaml_io


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-21T10:00:00", "2026-11-21T10:00:00"),
        ("2026-11-21", "2026-11-21"),
        ("1:30", "1:30"),
        ("0:05", "0:05"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("80339", 80339),
        ("1_000", 1000),
        ("0o17", 15),
        ("017", 15),
        ("0x1F", 31),
        ("08", 8.0),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", float("-inf")),
        ("~", None),
        ("", None),
        ("'80339'", "80339"),
        ("!!binary /w==", b"\xff"),
    ],
)
def test_scalars_have_relays_types(text: str, value: object) -> None:
    """A scalar has the type that Relay's reader gives it, not the one of YAML 1.1."""
    parsed = yaml_io.parse(f"key: {text}")
    assert parsed == {"key": value}
    assert isinstance(parsed, dict)
    assert type(parsed["key"]) is type(value)


def test_keys_are_text() -> None:
    """A key is text, even if it looks like another type."""
    assert yaml_io.parse("{1: a, true: b, 2026-01-01: c}") == {
        "1": "a",
        "true": "b",
        "2026-01-01": "c",
    }


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!Connection [4me, x]", {"$type": "Connection", "type": "4me", "name": "x"}),
        ("!Connection {name: x, type: 4me}", {"$type": "Connection", "type": "4me", "name": "x"}),
        ("!Secret x", {"$type": "Secret", "name": "x"}),
        ("!Secret [x]", {"$type": "Secret", "name": "x"}),
        ("!Parameter {name: x}", {"$type": "Parameter", "name": "x"}),
        ("!Output [step, key]", {"$type": "Output", "from": "step", "name": "key"}),
        ("!Output {from: step, name: key}", {"$type": "Output", "from": "step", "name": "key"}),
    ],
)
def test_tags_become_mappings_with_a_type(text: str, value: object) -> None:
    """Each tag, in each of its notations, becomes the mapping that Relay makes of it."""
    assert yaml_io.parse(f"key: {text}") == {"key": value}


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("!Secrets x", "!Secrets"),
        ("!Fn.concat [a]", "!Fn.concat"),
        ("!Connection 4me", "!Connection"),
        ("!Output [a, b, c]", "!Output"),
        ("!Output {step: a, name: b}", "!Output"),
        ("!Secret [[x]]", "!Secret"),
        ("!!binary ///", "base64"),
    ],
)
def test_the_error_names_what_is_unknown(text: str, named: str) -> None:
    """An unknown tag, or a known one with a wrong shape, is an error that names it."""
    with pytest.raises(yaml.YAMLError, match=named):
        yaml_io.parse(f"key: {text}")


def test_a_key_given_twice_is_an_error() -> None:
    """A mapping does not silently lose one of two equal keys."""
    with pytest.raises(yaml.YAMLError, match="'a' a second time"):
        yaml_io.parse("{a: 1, a: 2}")


def test_own_keys_win_over_merged_ones() -> None:
    """A merged mapping adds keys; the mapping's own ones win, then the first of several."""
    text = "x: &x {a: 1, b: 1}\ny: &y {b: 2, c: 2}\nz: {<<: [*x, *y], c: 3}"
    parsed = yaml_io.parse(text)
    assert isinstance(parsed, dict)
    assert parsed["z"] == {"a": 1, "b": 1, "c": 3}


def test_an_anchor_inside_itself_is_an_error() -> None:
    """A recursive document is an error instead of an endless loop."""
    with pytest.raises(yaml.YAMLError, match="recursive node"):
        yaml_io.parse("a: &a [*a]")


def test_what_is_dumped_reads_back_the_same() -> None:
    """Dumping loses nothing: text stays text even where it looks like something else."""
    tree = {
        "texts": ["1e3", "1:30", "yes", "2026-11-21", "017", "~", "", "ü", "a\nb\n"],
        "others": [1, 1.5, True, None, b"\xff", {"$type": "Secret", "name": "x"}],
    }
    assert yaml_io.parse(yaml_io.dump(tree)) == tree
