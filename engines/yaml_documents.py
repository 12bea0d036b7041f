"""YAML to JSON values, and to nothing else.

PyYAML's own reading follows YAML 1.1, in which `1:30` is 90, `no` is false and `0123` is 83. Here
a plain scalar means what it means in JSON; everything else is text, so that a datetime or a
phone number stays what was written, and the step's conversion alone decides what it becomes.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Protocol

import yaml

from process.json_depth import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Iterator

_TAG = "tag:yaml.org,2002:"
_MEANINGS = (
    ("null", re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""]),
    ("bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"), list("tTfF")),
    ("int", re.compile(r"-?(?:0|[1-9][0-9]*)\Z"), list("-0123456789")),
    (
        "float",
        re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z"),
        list("-0123456789"),
    ),
)
_WORDS: dict[str, dict[str, bool | None]] = {
    "null": {"null": None, "~": None, "": None},
    "bool": {"true": True, "false": False},
}
_MAX_NUMBER_DIGITS = 1000  # digits; no limit of the API comes near it
_QUOTED = re.compile(r"'([^']*)'")
_MAX_QUOTE = 4  # one character and its escape; a word of the text may be a secret


class YamlProblem(Exception):  # noqa: N818  a problem of the text, not an error of the step
    """What is wrong with a text, and where; nothing of the text itself."""


class YamlDepth(Exception):  # noqa: N818  likewise
    """Where a text is nested too deeply."""


class _Loader(yaml.SafeLoader):
    """Takes plain scalars for what JSON takes them for, and refuses aliases and great depths."""

    _depth = -1

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  PyYAML declares it so

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Return the next node; a few nested aliases could stand for gigabytes."""
        where = self.peek_event()  # type: ignore[no-untyped-call]  # types-PyYAML has none for it
        if isinstance(where, yaml.AliasEvent):
            raise _problem("it has an alias (`*name`); write the value out", where)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise YamlDepth(_place(where.start_mark))
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


for _name, _pattern, _first in _MEANINGS:
    _Loader.add_implicit_resolver(_TAG + _name, _pattern, _first)


def read_yaml(text: str) -> object:
    """Return the value of one YAML document; None for an empty one.

    Returns:
        objects, lists, text, numbers, booleans and nulls; bytes for `!!binary`.

    Raises:
        YamlProblem: bad YAML, a name given twice, an alias, or a tag that JSON has no value for.
        YamlDepth: the text is nested too deeply.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        words = error.problem or "it cannot be read"
        problem = f"{error.context}, {words}" if words.startswith("but") else words
        problem = _QUOTED.sub(_without_words, problem)
        raise YamlProblem(f"{problem}{_place(error.problem_mark)}") from None
    except yaml.YAMLError:
        raise YamlProblem("it has a character that YAML does not allow") from None
    return None if node is None else _value_of(node)


def _without_words(quote: re.Match[str]) -> str:
    """Return what may be shown of a quote: single characters, and the reader's own '<words>'."""
    escape_controls = len(quote[1]) <= _MAX_QUOTE or quote[1].startswith("<")
    return quote[0] if escape_controls else "..."


def _value_of(node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
        return _object_of(node)
    if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
        return [_value_of(item) for item in node.value]
    if isinstance(node, yaml.ScalarNode):
        return _scalar_of(node)
    raise _problem("it has a tag that stands for no JSON value", node)


def _object_of(node: yaml.MappingNode) -> dict[str, object]:
    """Return an object; its names are text, as written, whatever they look like."""
    values: dict[str, object] = {}
    for name, value in _names_and_values(node):
        if name.value in values:
            raise _problem("a name is there twice", name)
        values[name.value] = _value_of(value)
    return values


def _names_and_values(node: yaml.MappingNode) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    for name, value in node.value:
        if not isinstance(name, yaml.ScalarNode):
            raise _problem("a name is an object or a list", name)
        yield name, value


def _scalar_of(node: yaml.ScalarNode) -> object:
    text, kind = node.value, node.tag.removeprefix(_TAG)
    if kind == "str":
        return text
    try:
        if kind == "binary":
            return base64.b64decode("".join(text.split()), validate=True)
        return _plain_value(text, kind)
    except (ValueError, KeyError, binascii.Error):
        raise _problem("it has a tag that its value does not fit", node) from None


def _plain_value(text: str, kind: str) -> object:
    if kind == "int":
        return int(text) if len(text) <= _MAX_NUMBER_DIGITS else text
    if kind == "float":
        return float(text)
    return _WORDS[kind][text.lower()]


class _Mark(Protocol):
    """A place in a text, both counted from 0."""

    line: int
    column: int


def _problem(what: str, where: yaml.Node | yaml.Event) -> YamlProblem:
    return YamlProblem(f"{what}{_place(where.start_mark)}")


def _place(mark: _Mark | None) -> str:
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
