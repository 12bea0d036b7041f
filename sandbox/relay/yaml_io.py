"""YAML as Relay reads it: which scalars are numbers, and what its tags mean.

PyYAML follows YAML 1.1, in which `1:30` is 90, `on` is true and a timestamp is a date. Relay's
parser knows none of these, so a document has the same meaning here as there.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

import yaml

_PREFIX = "tag:yaml.org,2002:"
_MERGE = f"{_PREFIX}merge"

_FLOAT = (
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)
#: The pattern and the possible first characters of each type. The order matters: every integer
#: matches the pattern of a float, too.
_NUMBERS = {
    "int": (r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)\Z", "-+0123456789"),
    "float": (_FLOAT, "-+.0123456789"),
}
_TYPES = {
    "null": (r"(?:~|null|Null|NULL|)\Z", ["~", "n", "N", ""]),
    "bool": (r"(?:true|True|TRUE|false|False|FALSE)\Z", "tTfF"),
    **_NUMBERS,
    "merge": (r"<<\Z", "<"),
}

#: The fields of each tag, in the order of its list form.
_TAGS = {
    "!Connection": ("type", "name"),
    "!Output": ("from", "name"),
    "!Parameter": ("name",),
    "!Secret": ("name",),
}


class _Loader(yaml.SafeLoader):
    """Resolves scalars as Relay does; keys are text, and each is there once."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML declares it so
    yaml_constructors: ClassVar[dict[str | None, Any]] = {
        _PREFIX + name: yaml.SafeLoader.yaml_constructors[_PREFIX + name]
        for name in ("null", "bool", "int", "float", "binary")
    }

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:  # noqa: ANN401 - PyYAML's signature
        node = super().compose_mapping_node(anchor)
        keys: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _error(key, "a key that is not a scalar")
            if key.value in keys and key.tag != _MERGE:
                raise _error(key, f"the key {key.value!r} a second time")
            keys.add(key.value)
        return node


class _Dumper(yaml.SafeDumper):
    """Quotes text that either parser would read as another type."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True


def parse(text: str) -> object:
    """Read one YAML document.

    Returns:
        Mappings with text keys, lists, text, numbers, booleans, None, and bytes for `!!binary`.

    Raises:
        yaml.YAMLError: Bad YAML, an unknown tag, or a tag whose value has the wrong shape.
    """
    return yaml.load(text, _Loader)  # noqa: S506 - derived from SafeLoader


def dump(tree: object) -> str:
    """Write a tree as YAML that `parse` reads back as the same tree."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


def _value(loader: _Loader, node: yaml.Node) -> object:
    """Return the value of a node without a constructor of its own."""
    if node.tag.startswith("!"):
        known = ", ".join(_TAGS)
        raise _error(node, f"the unknown tag {node.tag!r}; the sandbox knows {known}")
    if isinstance(node, yaml.MappingNode):
        loader.flatten_mapping(node)
        return {key.value: loader.construct_object(value, deep=True) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    return node.value


def _reference(loader: _Loader, node: yaml.Node) -> dict[str, object]:
    """Return the mapping that Relay makes of a tag."""
    names = _TAGS[node.tag]
    parts: list[object] = [node.value]
    if isinstance(node, yaml.SequenceNode):
        parts = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        fields = loader.construct_mapping(node, deep=True)
        parts = [fields[name] for name in names if len(fields) == len(names) and name in fields]
    if len(parts) != len(names) or not all(isinstance(part, str) for part in parts):
        example = "{" + ", ".join(f"{name}: ..." for name in names) + "}"
        raise _error(node, f"{node.tag} with another shape than {node.tag} {example}")
    return {"$type": node.tag[1:], **dict(zip(names, parts, strict=True))}


def _error(node: yaml.Node, what: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=f"found {what}", problem_mark=node.start_mark)


for _name, (_pattern, _first) in _TYPES.items():
    _Loader.add_implicit_resolver(_PREFIX + _name, re.compile(_pattern), list(_first))
for _name, (_pattern, _first) in _NUMBERS.items():
    _Dumper.add_implicit_resolver(_PREFIX + _name, re.compile(_pattern), list(_first))
for _tag in _TAGS:
    _Loader.add_constructor(_tag, _reference)
_Loader.add_constructor(None, _value)
