"""Parse YAML to JSON values.

PyYAML's loaders follow YAML 1.1, in which `1:30` is 90, `no` is false and `0123` is 83. Here a
plain scalar means what it means in JSON; everything else is text, so that a date or a phone number
stays as it was written, and the step's coercion alone decides what it becomes.
"""

from __future__ import annotations

import base64
import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

import yaml
from yaml.constructor import ConstructorError

from process.json_depth import MAX_DEPTH

if TYPE_CHECKING:
    from collections.abc import Callable

_TAG = "tag:yaml.org,2002:"
_MAX_DIGITS = 1000  # no limit of the API comes near it
_QUOTED = re.compile(r"'([^']*)'")
_MAX_QUOTE = 4  # one character and its escape; a word of the text may be a secret


class YamlError(Exception):
    """What is wrong with a text, and where; nothing of the text itself."""


class UnsupportedYamlError(YamlError):
    """What is not accepted in a text that is YAML."""


class YamlDepthError(YamlError):
    """The place where a text is nested too deeply."""


class _Loader(yaml.BaseLoader):
    """Resolves plain scalars as JSON does; rejects aliases and excessive depth."""

    _depth = -1

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Return the next node; a few nested aliases could expand to gigabytes."""
        event = self.peek_event()  # type: ignore[no-untyped-call]  # types-PyYAML has none for it
        if isinstance(event, yaml.AliasEvent):
            _reject("it has an alias (`*name`); write the value out", event)
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise YamlDepthError(_place(event.start_mark))
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


def parse_yaml(text: str) -> object:
    """Return the JSON value of one YAML document; None for an empty one, bytes for `!!binary`.

    Raises:
        UnsupportedYamlError: a repeated name, an alias, or a tag without a JSON value.
        YamlError: the text is not YAML.
        YamlDepthError: the text is nested too deeply.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  it constructs JSON values only
    except yaml.MarkedYAMLError as error:
        problem = error.problem or "it cannot be read"
        if problem.startswith("but"):
            problem = f"{error.context}, {problem}"
        kind = UnsupportedYamlError if isinstance(error, ConstructorError) else YamlError
        raise kind(_QUOTED.sub(_redact_quote, problem) + _place(error.problem_mark)) from None
    except yaml.YAMLError:
        raise YamlError("it has a character that YAML does not allow") from None


def _redact_quote(quote: re.Match[str]) -> str:
    """Return a quote if it is a single character, or one of PyYAML's own '<names>'."""
    return quote[0] if len(quote[1]) <= _MAX_QUOTE or quote[1].startswith("<") else "..."


def _place(mark: Any) -> str:  # noqa: ANN401  PyYAML has two classes of marks
    return f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""


def _reject(problem: str, source: yaml.Node | yaml.Event) -> NoReturn:
    mark: Any = source.start_mark
    raise ConstructorError(problem=problem, problem_mark=mark)


def _construct_object(loader: _Loader, node: yaml.Node) -> dict[str, object]:
    """Return an object; its names are text as written, whatever they look like."""
    if not isinstance(node, yaml.MappingNode):
        _reject("it has a tag that its value does not fit", node)
    values: dict[str, object] = {}
    for name, value in node.value:
        if not isinstance(name, yaml.ScalarNode):
            _reject("a name is an object or a list", name)
        if name.value in values:
            _reject("a name is repeated", name)
        values[name.value] = loader.construct_object(value)
    return values


def _construct_scalar(_: _Loader, node: yaml.Node) -> object:
    """Return the value of a scalar; reject every tag without a JSON value."""
    if not isinstance(node, yaml.ScalarNode):
        _reject("it has a tag without a JSON value", node)
    with suppress(KeyError, ValueError):
        return _CONVERTERS[node.tag.removeprefix(_TAG)](node.value)
    _reject("it has a tag that its value does not fit", node)


_CONVERTERS: dict[str, Callable[[str], object]] = {
    "str": str,
    "null": lambda text: {"": None, "~": None, "null": None}[text.lower()],
    "bool": lambda text: {"true": True, "false": False}[text.lower()],
    "int": lambda text: int(text) if len(text) <= _MAX_DIGITS else text,
    "float": float,
    "binary": lambda text: base64.b64decode("".join(text.split()), validate=True),
}
_Loader.yaml_constructors = {
    _TAG + "map": _construct_object,
    _TAG + "seq": _Loader.construct_sequence,
    None: _construct_scalar,
}
_INTEGER = r"-?(?:0|[1-9][0-9]*)"
for _kind, _pattern, _first in (
    ("null", r"(?:~|null|Null|NULL|)\Z", ["~", "n", "N", ""]),
    ("bool", r"(?:true|True|TRUE|false|False|FALSE)\Z", list("tTfF")),
    ("int", rf"{_INTEGER}\Z", list("-0123456789")),
    ("float", rf"{_INTEGER}(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?\Z", list("-0123456789")),
):
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(_pattern), _first)
