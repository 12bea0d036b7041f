"""Texts with the escapes of URLs, JSON, repr and HTML undone, and where each character stands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_MAX_LAYERS = 3  # of escapes, one inside the other: an HTML page that quotes JSON that quotes a URL
_MAX_CODE_POINT = 0x10FFFF
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


@dataclass(frozen=True)
class Escape:
    """One way to escape.

    Attributes:
        sign: what every escape begins with.
        pattern: what one escaped character looks like, as a regular expression.
        undo: returns what stands for a match.
    """

    sign: str
    pattern: str
    undo: Callable[[re.Match[str]], str]


@dataclass(frozen=True)
class UnescapedText:
    """A text as it reads: as it is, or with layers of escapes undone."""

    text: str

    def find_spans(self, words: str) -> Iterator[tuple[int, int]]:
        """Yield where words stand in the text itself, from and to, side by side."""
        start = self.text.find(words)
        while start >= 0:
            end = start + len(words)
            yield self.origin(start, end)
            start = self.text.find(words, end)

    def origin(self, start: int, end: int) -> tuple[int, int]:
        """Return where a part of this reading stands in the text itself."""
        return start, end

    def inner(self) -> Iterator[UnescapedText]:
        """Yield the readings with one more layer undone."""
        for escape in _escapes():
            if escape.sign in self.text:
                undone = re.sub(escape.pattern, escape.undo, self.text)
                yield _Unescaped(undone, self, escape)


@dataclass(frozen=True)
class _Unescaped(UnescapedText):
    """A reading with one more layer undone than another.

    Attributes:
        outer: the other.
        escape: what was undone.
    """

    outer: UnescapedText
    escape: Escape

    def origin(self, start: int, end: int) -> tuple[int, int]:
        starts, ends = self._places
        return self.outer.origin(starts[start], ends[end - 1])

    @cached_property
    def _places(self) -> tuple[list[int], list[int]]:
        """Where each character begins and ends in the outer reading."""
        starts: list[int] = []
        ends: list[int] = []
        position = 0
        for match in re.finditer(self.escape.pattern, self.outer.text):
            size = len(self.escape.undo(match))
            starts += [*range(position, match.start()), *[match.start()] * size]
            ends += [*range(position + 1, match.start() + 1), *[match.end()] * size]
            position = match.end()
        starts += range(position, len(self.outer.text))
        ends += range(position + 1, len(self.outer.text) + 1)
        return starts, ends


def unescaped_variants(text: str) -> Iterator[UnescapedText]:
    """Yield a text as it is, and as it was before it was escaped, once or several times over."""
    seen = {text}
    layer = [UnescapedText(text)]
    for _ in range(_MAX_LAYERS):
        yield from layer
        found = {inner.text: inner for reading in layer for inner in reading.inner()}
        layer = [inner for key, inner in found.items() if key not in seen]
        seen.update(found)
    yield from layer


def replace_spans(text: str, spans: Iterable[tuple[int, int]], mark: str) -> str:
    """Return a text with a mark in place of each span; where spans overlap, one for all."""
    pieces: list[str] = []
    position = 0
    for start, end in sorted(spans):
        if start >= position or not pieces:
            pieces += [text[position:start], mark]
        position = max(position, end)
    return "".join([*pieces, text[position:]])


def _escapes() -> tuple[Escape, ...]:
    return (
        Escape("%", _PERCENT, _from_percent),
        Escape("\\", _BACKSLASH, _from_backslash),
        Escape("&", _ENTITY, _from_entity),
    )


_HEX = "[0-9A-Fa-f]"
# One character as the octets of its UTF-8; failing that, one octet as Latin-1 has it.
_UTF8 = (
    "{0}[0-7]{1}|{0}[CDcd]{1}{0}[89ABab]{1}|{0}[Ee]{1}(?:{0}[89ABab]{1}){{2}}|"
    "{0}[Ff][0-7](?:{0}[89ABab]{1}){{3}}|{0}[89A-Fa-f]{1}"
)
_PERCENT = _UTF8.format("%", _HEX)
_BACKSLASH = (
    rf"(?s:\\u[Dd][89ABab]{_HEX}{{2}}\\u[Dd][C-Fc-f]{_HEX}{{2}}|\\u{_HEX}{{4}}|\\U{_HEX}{{8}}|"
    + _UTF8.format(r"\\x", _HEX)
    + r"|\\.)"
)
_ENTITY = rf"&(?:#0*[0-9]{{1,7}};?|#[Xx]0*{_HEX}{{1,6}};?|[A-Za-z][A-Za-z0-9]{{1,31}};)"


def _from_percent(match: re.Match[str]) -> str:
    return _from_octets(match[0].replace("%", ""))


def _from_backslash(match: re.Match[str]) -> str:
    kind = match[0][1]
    if kind == "x" and len(match[0]) > len("\\x"):
        return _from_octets(match[0].replace("\\x", ""))
    if kind == "u" and len(match[0]) > len("\\u"):
        return _from_units(match[0].split("\\u")[1:])
    if kind == "U" and len(match[0]) > len("\\U"):
        return _from_code(int(match[0].partition("U")[2], 16))
    return _CONTROLS.get(kind, kind)


def _from_octets(digits: str) -> str:
    """Return what octets, two hexadecimal digits each, stand for in UTF-8, or else in Latin-1."""
    octets = bytes.fromhex(digits)
    try:
        return octets.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _from_units(units: Iterable[str]) -> str:
    """Return what units of UTF-16, four hexadecimal digits each, stand for."""
    raw = bytes.fromhex("".join(units))
    return raw.decode("utf-16-be", "surrogatepass")


def _from_code(code: int) -> str:
    """Return the character of a number; a question mark of Unicode's when there is none."""
    return chr(code) if code <= _MAX_CODE_POINT else "\ufffd"


def _from_entity(match: re.Match[str]) -> str:
    name = match[0].strip("&;")
    if name[:2] in ("#x", "#X"):
        return _from_code(int("0" + name[1:], 0))
    if name[0] == "#":
        return _from_code(int(name[1:]))
    from html.entities import html5  # noqa: PLC0415  large, and hardly ever needed

    return html5.get(f"{name};", match[0])
