"""The syntax of expressions: where they are in a text, and the path of each.

A path is a name followed by segments: `.name`, `.'any text'`, `.0`, `['any text']` or `[0]`.

A dollar sign and whatever follows it, unless that is a brace, are text together: `$${x}` is no
expression, and stays as it is written (recorded from Relay's own server; `$$${x}`, which is `$$`
and an expression, is from its public source).
"""

from __future__ import annotations

import re

Segment = str | int

_OPEN = "${"
_DOLLAR = re.compile(r"\$.?", re.DOTALL)
_NAME = re.compile(r"[^\W\d][\w-]*")
_QUOTED = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"", re.DOTALL)
_INDEX = re.compile(r"-?[0-9]+")
_DIGITS = re.compile(r"[0-9]+(?![\w-])")
_SPACE = re.compile(r"\s*")
_CALL = re.compile(r"\s*([^\W\d][\w-]*)\s*\(")


class ExpressionError(ValueError):
    """An expression that the sandbox can't evaluate; the message names it."""


def parts(text: str) -> list[str | list[Segment]]:
    """Split text into literal parts and the paths of its expressions."""
    parts: list[str | list[Segment]] = []
    literal = ""
    position = 0
    while match := _DOLLAR.search(text, position):
        literal += text[position : match.start()]
        position = match.end()
        if match.group() != _OPEN:
            literal += match.group()
            continue
        segments, end = path(text, position)
        if text[end : end + 1] != "}":
            raise _unknown(text, match.start())
        parts.extend([literal, segments] if literal else [segments])
        literal = ""
        position = end + 1
    literal += text[position:]
    return [*parts, literal] if literal or not parts else parts


def path(text: str, start: int) -> tuple[list[Segment], int]:
    """Parse the path that starts at `start`; return its segments and where it ends."""
    position = _skip(text, start)
    name = _NAME.match(text, position)
    if name is None:
        raise _unknown(text, start)
    segments: list[Segment] = [name.group()]
    position = _skip(text, name.end())
    while text[position : position + 1] in (".", "["):
        segment, position = _segment(text, position)
        segments.append(segment)
        position = _skip(text, position)
    return segments, position


def _segment(text: str, position: int) -> tuple[Segment, int]:
    in_brackets = text[position] == "["
    start = _skip(text, position + 1)
    for pattern in (_QUOTED, _INDEX) if in_brackets else (_QUOTED, _NAME, _DIGITS):
        match = pattern.match(text, start)
        if match is None:
            continue
        end = match.end()
        if in_brackets:
            end = _skip(text, end)
            if text[end : end + 1] != "]":
                break
            end += 1
        return _literal(match, index=pattern in (_INDEX, _DIGITS)), end
    raise _unknown(text, position)


def _literal(match: re.Match[str], *, index: bool) -> Segment:
    if index:
        return int(match.group())
    if match.re is _NAME:
        return match.group()
    quoted = match.group(1) if match.group(1) is not None else match.group(2)
    return re.sub(r"\\(.)", r"\1", quoted)


def _skip(text: str, position: int) -> int:
    space = _SPACE.match(text, position)
    return position if space is None else space.end()


def _unknown(text: str, start: int) -> ExpressionError:
    begin = max(text.rfind(_OPEN, 0, start + len(_OPEN)), 0)
    end = text.find("}", begin)
    expression = text[begin:] if end < 0 else text[begin : end + 1]
    call = _CALL.match(expression.removeprefix(_OPEN))
    if call is not None:
        return no_function(call.group(1))
    return ExpressionError(
        f"unknown expression {expression!r}; the sandbox knows references such as "
        "${parameters.name} and ${connections.'4me'.name}; quote a name that does not start with "
        "a letter"
    )


def no_function(name: str) -> ExpressionError:
    """Return the error for a call of a function."""
    return ExpressionError(f"the function {name!r} is not known; the sandbox evaluates references")
