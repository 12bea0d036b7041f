"""YAML as Relay reads it: which scalars are numbers, and what its tags mean.

PyYAML follows YAML 1.1, in which `1:30` is 90, `on` is true and a timestamp is a date. Relay's
reader knows none of these, so that a document means the same here as there.
"""

from __future__ import annotations

import base64
import binascii
import re

import yaml

_PREFIX = "tag:yaml.org,2002:"
_NULL = re.compile(r"(?:~|null|Null|NULL|)\Z")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_INT = re.compile(r"[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)\Z")
_FLOAT = re.compile(
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)
_MERGE = re.compile(r"<<\Z")

#: The parts of each tag, in the order of its list form.
_TAGS = {
    "!Connection": ("type", "name"),
    "!Output": ("from", "name"),
    "!Parameter": ("name",),
    "!Secret": ("name",),
}


class _Loader(yaml.SafeLoader):
    """Reads scalars as Relay does."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML declares it so


class _Dumper(yaml.SafeDumper):
    """Quotes whatever either reader would take for something else than text."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True


# The order is that of the checks: what is an integer is a float to the last pattern too.
for _name, _pattern, _first in (
    ("null", _NULL, ["~", "n", "N", ""]),
    ("bool", _BOOL, list("tTfF")),
    ("int", _INT, list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
    ("merge", _MERGE, ["<"]),
):
    _Loader.add_implicit_resolver(_PREFIX + _name, _pattern, _first)
for _name, _pattern, _first in (
    ("int", _INT, list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
):
    _Dumper.add_implicit_resolver(_PREFIX + _name, _pattern, _first)


def parse(text: str) -> object:
    """Read one YAML document.

    Returns:
        Mappings with text keys, lists, text, numbers, booleans, None, and bytes for `!!binary`.

    Raises:
        yaml.YAMLError: Bad YAML, an unknown tag, or a tag whose value has the wrong shape.
    """
    node = yaml.compose(text, Loader=_Loader)
    return None if node is None else _Builder().build(node)


def dump(tree: object) -> str:
    """Write a tree as YAML that `parse` reads back as the same tree."""
    return yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)


class _Builder:
    """Turns nodes into values; knows which nodes it is inside of."""

    def __init__(self) -> None:
        self._inside: set[int] = set()

    def build(self, node: yaml.Node) -> object:
        if id(node) in self._inside:
            raise _problem(node, "an anchor that contains itself")
        self._inside.add(id(node))
        try:
            return self._tagged(node) if node.tag.startswith("!") else self._plain(node)
        finally:
            self._inside.discard(id(node))

    def _plain(self, node: yaml.Node) -> object:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item) for item in node.value]
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode) -> dict[str, object]:
        merged: dict[str, object] = {}
        own: dict[str, object] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _problem(key, "a key that is not a scalar")
            if key.tag == _PREFIX + "merge":
                merged = {**self._merge(value), **merged}
            elif key.value in own:
                raise _problem(key, f"the key {key.value!r} a second time")
            else:
                own[key.value] = self.build(value)
        return {**merged, **own}

    def _merge(self, node: yaml.Node) -> dict[str, object]:
        value = self.build(node)
        parts = value if isinstance(value, list) else [value]
        merged: dict[str, object] = {}
        for part in reversed(parts):
            if not isinstance(part, dict):
                raise _problem(node, "a merge of something that is not a mapping")
            merged.update(part)
        return merged

    def _tagged(self, node: yaml.Node) -> object:
        if node.tag not in _TAGS:
            known = ", ".join(_TAGS)
            raise _problem(node, f"the unknown tag {node.tag!r}; the sandbox knows {known}")
        names = _TAGS[node.tag]
        return {"$type": node.tag[1:], **dict(zip(names, self._parts(node, names), strict=True))}

    def _parts(self, node: yaml.Node, names: tuple[str, ...]) -> list[object]:
        if isinstance(node, yaml.ScalarNode):
            parts: list[object] = [node.value]
        elif isinstance(node, yaml.SequenceNode):
            parts = [self.build(item) for item in node.value]
        else:
            fields = self._mapping(node) if isinstance(node, yaml.MappingNode) else {}
            parts = [fields[name] for name in names] if sorted(fields) == sorted(names) else []
        if len(parts) != len(names) or not all(isinstance(part, str) for part in parts):
            example = "{" + ", ".join(f"{name}: ..." for name in names) + "}"
            raise _problem(node, f"{node.tag} with another shape than {node.tag} {example}")
        return parts


def _scalar(node: yaml.Node) -> object:
    kind = node.tag.removeprefix(_PREFIX)
    text: str = node.value
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        return _integer(text)
    if kind == "float":
        return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    if kind == "binary":
        return _binary(node, text)
    return text


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    if re.match(r"[-+]?0[0-7]", digits):
        return int(digits, 8)
    return int(digits, 0)


def _binary(node: yaml.Node, text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as error:
        raise _problem(node, f"bad base64 ({error})") from error


def _problem(node: yaml.Node, what: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=f"found {what}", problem_mark=node.start_mark)
