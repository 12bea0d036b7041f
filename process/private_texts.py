"""Redacts quotations of private texts, such as notes, from messages of a server.

A server that rejects a note may quote all of it or a part, as HTML or in a URL, in another letter
case, on one line. The letters and digits stay the same, in the same order; so those are compared.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from process.redaction import MASK
from process.unescape import replace_spans, unescaped_variants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from process.unescape import Span

# Numbers of letters and digits.
_NGRAM = 12  # so many in a row are hardly the same by chance
_MIN_WORD = 6  # of a word that has both letters and digits, such as a password
_MIN_TEXT = 4  # of a whole text that is shorter than `_NGRAM`
_COMMON_WORDS = (  # of error messages about any text: they reveal nothing of this one
    "and are blank bytes can cannot characters empty field forbidden has include included internal "
    "invalid json list long maximum may message minimum must not note notes only posted should "
    "short string than that the this too unknown valid validation failed value with"
)
_TAG = r"</?(?:p|br|div|span|b|i|em|strong|a|ul|ol|li|code|pre|h[1-6])\s{0,9}/?>"  # added by HTML
_WORD = r"\w{3,}"
_FIRST_WIDE = 0x2E80  # from here on a character counts as two letters: Chinese, Japanese


class PrivateTexts:
    """Texts that must not be in a log, and the search for quotations of them."""

    def __init__(self, texts: Iterable[str]) -> None:
        texts = tuple(texts)
        self._normalized = {_normalize(text) for text in texts}
        self._parts = {
            text[start : start + _NGRAM]
            for text in self._normalized
            for start in range(len(text) - _NGRAM + 1)
        }
        self._parts.update(
            word
            for word in (_normalize(word) for text in texts for word in text.split())
            if _MIN_WORD <= len(word) < _NGRAM and not word.isalpha() and not word.isdigit()
        )
        words = {_normalize(word) for text in texts for word in re.findall(_WORD, text)}
        self._uncommon_words = words.difference(_COMMON_WORDS.split())

    def redact_quotes(self, line: str) -> str:
        """Return a line with `MASK` for each quotation of the texts.

        A quotation is: 12 letters and digits in a row, whatever is between them; a word of at least
        6 that has both; and a whole text of at least 4, as a word of its own.
        """
        if not self._normalized:
            return line
        spans: list[Span] = []
        for variant in unescaped_variants(line):
            found = _Alphanumerics(variant.text)
            spans += variant.source_spans(
                [*self._find_parts(found), *self._find_short_texts(found)]
            )
        return replace_spans(line, spans, MASK)

    def redact_words(self, line: str) -> str:
        """Return a line with `MASK` for each word of the texts: for messages about a text itself.

        Words that are common in error messages stay.
        """

        def mask(word: re.Match[str]) -> str:
            return MASK if _normalize(word[0]) in self._uncommon_words else word[0]

        return re.sub(_WORD, mask, line)

    def _find_parts(self, found: _Alphanumerics) -> Iterator[Span]:
        for size in {len(part) for part in self._parts}:
            for start in range(len(found.text) - size + 1):
                if found.text[start : start + size] in self._parts:
                    yield found.source_span(start, start + size)

    def _find_short_texts(self, found: _Alphanumerics) -> Iterator[Span]:
        for text in self._normalized:
            if _MIN_TEXT <= len(text) < _NGRAM:
                start = found.text.find(text)
                while start >= 0:
                    if found.is_whole_word(start, start + len(text)):
                        yield found.source_span(start, start + len(text))
                    start = found.text.find(text, start + 1)


class _Alphanumerics:
    """The letters and digits of a text, normalized, and the offset of each of them."""

    def __init__(self, source: str) -> None:
        words = re.sub(_TAG, lambda match: " " * len(match[0]), source)
        normalized = {char: _normalize(char) for char in set(words)}
        letters = [normalized[char] for char in words]
        self.text = "".join(letters)
        offsets = (offset for offset, chars in enumerate(letters) for _ in chars)
        self._offsets = [-2, *offsets, len(words) + 1]  # sentinels, not adjacent to any other

    def source_span(self, start: int, end: int) -> Span:
        """Return the span of the source that a span of `text` comes from."""
        return self._offsets[start + 1], self._offsets[end] + 1

    def is_whole_word(self, start: int, end: int) -> bool:
        """Return whether no letter or digit is adjacent to a span of `text` in the source."""
        before, first = self._offsets[start : start + 2]
        last, after = self._offsets[end : end + 2]
        return first - before > 1 and after - last > 1


def _normalize(text: str) -> str:
    """Return the letters and digits of a text without letter case, accents and ligatures."""
    folded = text.casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFKD", folded).casefold()
    letters = filter(str.isalnum, folded)
    if folded.isascii():
        return "".join(letters)
    return "".join(char * 2 if ord(char) >= _FIRST_WIDE else char for char in letters)
