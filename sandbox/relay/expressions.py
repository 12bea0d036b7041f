"""Expressions of a spec: `${parameters.x}` in text, and mappings with a `$type`.

Only references are evaluated: `connections`, `outputs`, `parameters` and `secrets`, each followed
by a path. The segments of a path are `.name`, `.'any text'`, `['any text']` and `[0]`.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox.relay import expression_syntax
from sandbox.relay.expression_syntax import ExpressionError, Segment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: How many segments name a thing of each kind, and the kind's list under `unresolvable`.
_ROOTS = {"connections": 2, "outputs": 2, "parameters": 1, "secrets": 1}

#: The fields of each `$type`, in the order of the segments that they stand for.
_TYPES = {
    "Connection": ("connections", ("type", "name")),
    "Output": ("outputs", ("from", "name")),
    "Parameter": ("parameters", ("name",)),
    "Secret": ("secrets", ("name",)),
}
_FIELDS = dict(_TYPES.values())

_MAX_PLAIN_FLOAT = 1e21  # Go's JSON writes larger ones with an exponent


class _UnresolvedError(Exception):
    """A reference to something that is not there."""


@dataclass(frozen=True)
class Scope:
    """What references can refer to.

    Attributes:
        connections: Fields of a connection, by type and name.
        outputs: Outputs of all steps, by step and name.
        parameters: Parameters of the run, by name.
        secrets: Secrets, by name.
    """

    connections: Mapping[tuple[str, str], object] = field(default_factory=dict)
    outputs: Mapping[tuple[str, str], object] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    secrets: Mapping[str, object] = field(default_factory=dict)

    def find(self, root: str, names: tuple[str, ...]) -> object:
        """Return the named thing.

        Raises:
            KeyError: It is not there.
        """
        if root == "connections":
            return self.connections[names[0], names[1]]
        if root == "outputs":
            return self.outputs[names[0], names[1]]
        return (self.parameters if root == "parameters" else self.secrets)[names[0]]


@dataclass(frozen=True)
class Evaluated:
    """A value, and what could not be resolved in it.

    Attributes:
        value: The value; what is unresolved stays as it was written.
        unresolvable: `connections: [{type, name}]`, `secrets: [{name}]`, `parameters: [{name}]`,
            `outputs: [{from, name}]`; empty where all is resolved.
    """

    value: object
    unresolvable: Mapping[str, Sequence[Mapping[str, str]]]

    @property
    def complete(self) -> bool:
        """Whether everything could be resolved."""
        return not self.unresolvable


def evaluate(tree: object, scope: Scope) -> Evaluated:
    """Evaluate every expression of a tree.

    Raises:
        ExpressionError: An expression, type or function that the sandbox does not know.
    """
    evaluation = _Evaluation(scope)
    value = evaluation.tree(tree)
    return Evaluated(_go_numbers(value), evaluation.unresolvable)


def evaluate_path(tree: object, path: str, scope: Scope) -> Evaluated:
    """Evaluate the part of a tree that a path such as `request.subject` selects.

    Raises:
        ExpressionError: The path is malformed, or selects nothing.
    """
    evaluation = _Evaluation(scope)
    segments, end = expression_syntax.path(path, 0)
    if path[end:].strip():
        raise ExpressionError(f"bad path {path!r}")
    for segment in segments:
        before = len(evaluation.unresolvable)
        current = evaluation.leaf(tree)
        if len(evaluation.unresolvable) > before:
            return Evaluated(None, evaluation.unresolvable)
        tree = _select(current, segment, path)
    return Evaluated(_go_numbers(evaluation.tree(tree)), evaluation.unresolvable)


def encode(value: object) -> object:
    """Make a tree fit for JSON: bytes become text, or Relay's base64 mapping if not UTF-8."""
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [encode(item) for item in value]
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return {"$encoding": "base64", "data": base64.b64encode(value).decode("ascii")}


def as_text(value: object) -> str:
    """Return a value as it appears inside a longer string: text, or JSON as Go indents it.

    Indented by tabs, with sorted keys (recorded from Relay's own server).
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    text = json.dumps(_go_numbers(encode(value)), ensure_ascii=False, sort_keys=True, indent="\t")
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


class _Evaluation:
    """One evaluation, and what it could not resolve so far."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.unresolvable: dict[str, list[dict[str, str]]] = {}

    def tree(self, tree: object) -> object:
        value = self.leaf(tree)
        if value is not tree:
            return value
        if isinstance(tree, dict):
            return {key: self.tree(item) for key, item in tree.items()}
        if isinstance(tree, list):
            return [self.tree(item) for item in tree]
        return tree

    def leaf(self, tree: object) -> object:
        """Evaluate `tree` itself, not what it contains."""
        if isinstance(tree, str):
            return self._text(tree)
        if not isinstance(tree, dict):
            return tree
        if "$type" in tree:
            return self._typed(tree)
        if "$encoding" in tree:
            return self._encoded(tree)
        if len(tree) == 1 and next(iter(tree)).startswith("$fn."):
            raise expression_syntax.no_function(next(iter(tree)).removeprefix("$fn."))
        return tree

    def _typed(self, tree: dict[str, object]) -> object:
        kind = tree["$type"]
        if not isinstance(kind, str) or kind not in _TYPES:
            raise ExpressionError(f"unknown $type {kind!r}; known: {', '.join(_TYPES)}")
        root, fields = _TYPES[kind]
        names = [tree.get(name) for name in fields]
        segments = [name for name in names if isinstance(name, str)]
        if len(segments) != len(fields):
            raise ExpressionError(f"$type {kind} needs {' and '.join(fields)} as text")
        try:
            return self._resolve(root, segments, kind)
        except _UnresolvedError:
            return tree

    def _encoded(self, tree: dict[str, object]) -> object:
        before = len(self.unresolvable)
        data = self.tree(tree.get("data"))
        if len(self.unresolvable) > before:
            return {**tree, "data": data}
        if tree["$encoding"] == "":
            return data
        if tree["$encoding"] != "base64" or not isinstance(data, str):
            raise ExpressionError(f"unknown $encoding {tree['$encoding']!r}; known: base64")
        try:
            return encode(base64.b64decode(data, validate=True))
        except ValueError as error:
            raise ExpressionError(f"bad base64 under $encoding: {error}") from error

    def _text(self, text: str) -> object:
        parts = expression_syntax.parts(text)
        values: list[object] = []
        complete = True
        for part in parts:
            try:
                values.append(part if isinstance(part, str) else self._reference(part, text))
            except _UnresolvedError:
                complete = False
        if not complete:
            return text
        return values[0] if len(values) == 1 else "".join(as_text(value) for value in values)

    def _reference(self, segments: list[Segment], text: str) -> object:
        root, *names = segments
        if root not in _ROOTS:
            raise ExpressionError(
                f"unknown expression in {text!r}: it starts with {root!r}; "
                f"known: {', '.join(_ROOTS)}"
            )
        return self._resolve(str(root), names, text)

    def _resolve(self, root: str, path: Sequence[Segment], text: str) -> object:
        count = _ROOTS[root]
        if len(path) < count:
            wanted = ".".join([root, *(f"<{name}>" for name in _FIELDS[root])])
            raise ExpressionError(f"unknown expression in {text!r}: it must be {wanted}")
        names = tuple(str(name) for name in path[:count])
        try:
            value = self._scope.find(root, names)
        except KeyError:
            entry = dict(zip(_FIELDS[root], names, strict=True))
            known = self.unresolvable.setdefault(root, [])
            known.extend([entry] if entry not in known else [])
            raise _UnresolvedError from None
        for segment in path[count:]:
            value = _select(value, segment, text)
        return value


def _select(value: object, segment: Segment, text: str) -> object:
    if isinstance(value, dict):
        if str(segment) in value:
            return value[str(segment)]
        raise ExpressionError(f"{text!r} selects nothing: there is no key {str(segment)!r}")
    if isinstance(value, list):
        try:
            return value[int(segment)]
        except (ValueError, IndexError) as error:
            raise ExpressionError(
                f"{text!r} selects nothing: there is no item {segment!r} in a list of {len(value)}"
            ) from error
    raise ExpressionError(
        f"{text!r} selects nothing: {segment!r} of a value that is neither a mapping nor a list"
    )


def _go_numbers(value: object) -> object:
    """Convert floats without a fraction to integers, as Go's JSON encoder does."""
    if isinstance(value, dict):
        return {key: _go_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_go_numbers(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < _MAX_PLAIN_FLOAT:
        return int(value)
    return value
