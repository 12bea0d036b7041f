"""Decodes the escapes of URLs, JSON, repr and HTML, and maps spans back to the escaped text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    Span = tuple[int, int]
    Decode = Callable[[re.Match[str]], str]

_MAX_LAYERS = 3  # of nested escapes: an HTML page that quotes JSON that quotes a URL
_MAX_CODE_POINT = 0x10FFFF
_CONTROLS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}

_HEX = "[0-9A-Fa-f]"
# One character as its UTF-8 bytes or, where they are not valid UTF-8, one byte as Latin-1.
_BYTES = (
    "{0}[0-7]{1}|{0}[CDcd]{1}{0}[89ABab]{1}|{0}[Ee]{1}(?:{0}[89ABab]{1}){{2}}|"
    "{0}[Ff][0-7](?:{0}[89ABab]{1}){{3}}|{0}[89A-Fa-f]{1}"
)
_PERCENT = _BYTES.format("%", _HEX)
_BACKSLASH = (
    rf"(?s:\\u[Dd][89ABab]{_HEX}{{2}}\\u[Dd][C-Fc-f]{_HEX}{{2}}|\\u{_HEX}{{4}}|\\U{_HEX}{{8}}|"
    + _BYTES.format(r"\\x", _HEX)
    + r"|\\.)"
)
_ENTITY = rf"&(?:#0*[0-9]{{1,7}};?|#[Xx]0*{_HEX}{{1,6}};?|[A-Za-z][A-Za-z0-9]{{1,31}};)"


def _decode_percent(match: re.Match[str]) -> str:
    return _decode_bytes(match[0].replace("%", ""))


def _decode_backslash(match: re.Match[str]) -> str:
    kind, digits = match[0][1], match[0][2:]
    if kind == "x" and digits:
        return _decode_bytes(match[0].replace("\\x", ""))
    if kind == "u" and digits:
        units = bytes.fromhex(match[0].replace("\\u", ""))
        return units.decode("utf-16-be", "surrogatepass")
    if kind == "U" and digits:
        return _decode_code_point(int(digits, 16))
    return _CONTROLS.get(kind, kind)


def _decode_entity(match: re.Match[str]) -> str:
    name = match[0].strip("&;")
    if name[:2] in ("#x", "#X"):
        return _decode_code_point(int("0" + name[1:], 0))
    if name[0] == "#":
        return _decode_code_point(int(name[1:]))
    from html.entities import html5  # noqa: PLC0415  large, and rarely needed

    return html5.get(f"{name};", match[0])


def _decode_bytes(digits: str) -> str:
    """Return the text of bytes, two hexadecimal digits each, as UTF-8 or else as Latin-1."""
    raw = bytes.fromhex(digits)
    try:
        return raw.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _decode_code_point(number: int) -> str:
    """Return the character of a code point; U+FFFD where there is none."""
    return chr(number) if number <= _MAX_CODE_POINT else "\ufffd"


# The character that every escape starts with, the pattern of one escape, and its decoder.
_SYNTAXES = (
    ("%", _PERCENT, _decode_percent),
    ("\\", _BACKSLASH, _decode_backslash),
    ("&", _ENTITY, _decode_entity),
)


class SourceText:
    """A text as it is: no escapes are decoded."""

    def __init__(self, text: str) -> None:
        self.text = text

    def find_spans(self, words: Iterable[str]) -> list[Span]:
        """Return start and end of each occurrence of `words`, as spans of the escaped text."""
        spans = []
        for word in words:
            start = self.text.find(word)
            while start >= 0:
                spans.append((start, start + len(word)))
                start = self.text.find(word, start + len(word))
        return self.source_spans(spans) if spans else []

    def source_spans(self, spans: list[Span]) -> list[Span]:
        """Return the spans of the escaped text that spans of this text come from."""
        return spans

    def decode(self) -> Iterator[SourceText]:
        """Yield the text with one more layer of escapes decoded, for each syntax in it."""
        for prefix, pattern, decode in _SYNTAXES:
            if prefix in self.text:
                yield _DecodedText(self, pattern, decode)


class _DecodedText(SourceText):
    """A text with the escapes of one syntax in its source decoded."""

    def __init__(self, source: SourceText, pattern: str, decode: Decode) -> None:
        super().__init__(re.sub(pattern, decode, source.text))
        self._source = source
        self._pattern = pattern
        self._decode = decode

    def source_spans(self, spans: list[Span]) -> list[Span]:
        starts, ends = self._offsets()
        return self._source.source_spans([(starts[start], ends[end - 1]) for start, end in spans])

    def _offsets(self) -> tuple[list[int], list[int]]:
        """Return start and end in the source, for each character of the text."""
        starts: list[int] = []
        ends: list[int] = []
        position = 0
        for match in re.finditer(self._pattern, self._source.text):
            size = len(self._decode(match))
            starts += [*range(position, match.start()), *[match.start()] * size]
            ends += [*range(position + 1, match.start() + 1), *[match.end()] * size]
            position = match.end()
        starts += range(position, len(self._source.text))
        ends += range(position + 1, len(self._source.text) + 1)
        return starts, ends


def unescaped_variants(text: str) -> Iterator[SourceText]:
    """Yield a text as it is, then every different text that decoding up to 3 layers gives."""
    seen = {text}
    layer = [SourceText(text)]
    for _ in range(_MAX_LAYERS):
        yield from layer
        decoded = {variant.text: variant for outer in layer for variant in outer.decode()}
        layer = [variant for key, variant in decoded.items() if key not in seen]
        seen.update(decoded)
    yield from layer


def replace_spans(text: str, spans: Iterable[Span], replacement: str) -> str:
    """Return a text with a replacement for each span; overlapping spans get one together."""
    pieces: list[str] = []
    position = 0
    for start, end in sorted(spans):
        if start >= position or not pieces:
            pieces += [text[position:start], replacement]
        position = max(position, end)
    return "".join([*pieces, text[position:]])
