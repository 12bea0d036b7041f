"""What a server quotes of texts that are private: found, however it is escaped, and taken out.

A server that refuses a note may quote all of it or a part, in HTML or a URL, in other letter case,
on one line. What stays the same are the letters and digits, in their order; so those are compared.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cached_property
from typing import TYPE_CHECKING

from process.redaction import MASK
from process.unescape import replace_spans, unescaped_variants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from process.unescape import UnescapedText

_RUN = 12  # letters and digits that two texts hardly share by chance
_SHORTEST_WORD = 6  # of a word that has both letters and digits, such as a password
_SHORTEST_TEXT = 4  # of a text that is shorter than a run
_STOCK = (  # what services say of any text, so that it tells nothing of this one
    "and are blank bytes can cannot characters empty field forbidden has include included internal "
    "invalid json list long maximum may message minimum must not note notes only posted should "
    "short string than that the this too unknown valid validation failed value with"
)
_TAG = r"</?(?:p|br|div|span|b|i|em|strong|a|ul|ol|li|code|pre|h[1-6])\s{0,9}/?>"  # a page's own
_WIDE = 0x2E80  # from here on a character says as much as two letters: Chinese, Japanese


class PrivateTexts:
    """Texts that nobody may read in a log, and what of them stands in a line."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts = tuple(texts)

    def redact_quotes(self, line: str) -> str:
        """Return a line without what it quotes of the texts; the rest stays as it is.

        What counts as a quotation: 12 letters and digits in a row, whatever stands between them; a
        word of at least 6 that has both; and a whole text of at least 4, as a word of its own.
        """
        if not self._texts:
            return line
        spans = [
            span
            for letters in map(_Letters, unescaped_variants(line))
            for find in (self._runs_in, self._words_in, self._short_texts_in)
            for span in find(letters)
        ]
        return replace_spans(line, spans, MASK)

    @cached_property
    def _plain_texts(self) -> frozenset[str]:
        return frozenset(map(_plain, self._texts))

    @cached_property
    def _pieces(self) -> frozenset[str]:
        return frozenset(
            text[start : start + _RUN]
            for text in self._plain_texts
            for start in range(len(text) - _RUN + 1)
        )

    @cached_property
    def _words(self) -> frozenset[str]:
        words = {_plain(word) for text in self._texts for word in text.split()}
        return frozenset(
            word
            for word in words
            if _SHORTEST_WORD <= len(word) < _RUN and not word.isalpha() and not word.isdigit()
        )

    def redact_words(self, line: str) -> str:
        """Return a line without any word of the texts: for what is said of a text itself.

        The words that services say of any text stay.
        """
        hidden = self._all_words - set(_STOCK.split())
        return re.sub(
            r"\w{3,}", lambda match: MASK if _plain(match[0]) in hidden else match[0], line
        )

    @cached_property
    def _all_words(self) -> frozenset[str]:
        return frozenset(
            _plain(word) for text in self._texts for word in re.findall(r"\w{3,}", text)
        )

    def _runs_in(self, found: _Letters) -> Iterator[tuple[int, int]]:
        begun = end = 0
        for start in range(len(found.text) - _RUN + 1):
            if found.text[start : start + _RUN] in self._pieces:
                if start >= end > begun:
                    yield found.span(begun, end)
                begun, end = (begun if start < end else start), start + _RUN
        if end > begun:
            yield found.span(begun, end)

    def _words_in(self, found: _Letters) -> Iterator[tuple[int, int]]:
        for size in {len(word) for word in self._words}:
            for start in range(len(found.text) - size + 1):
                if found.text[start : start + size] in self._words:
                    yield found.span(start, start + size)

    def _short_texts_in(self, found: _Letters) -> Iterator[tuple[int, int]]:
        for words in self._plain_texts:
            if _SHORTEST_TEXT <= len(words) < _RUN:
                start = found.text.find(words)
                while start >= 0:
                    if found.stands_alone(start, start + len(words)):
                        yield found.span(start, start + len(words))
                    start = found.text.find(words, start + 1)


class _Letters:
    """The letters and digits of a reading, and where each of them stands.

    Attributes:
        text: the letters and digits, in lower case, without accents.
    """

    def __init__(self, reading: UnescapedText) -> None:
        self._reading = reading
        words = re.sub(_TAG, lambda match: " " * len(match[0]), reading.text)
        each = {char: _plain(char) for char in set(words)}
        plain = [each[char] for char in words]
        self.text = "".join(plain)
        places = (place for place, letters in enumerate(plain) for _ in letters)
        self._places = [-2, *places, len(words) + 1]  # as if far off others were on both sides

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Return where some of the letters stand in the line itself."""
        return self._reading.origin(self._places[start + 1], self._places[end] + 1)

    def stands_alone(self, start: int, end: int) -> bool:
        """Return whether no other letters are next to some of them."""
        before, first = self._places[start : start + 2]
        last, after = self._places[end : end + 2]
        return first - before > 1 and after - last > 1


def _plain(text: str) -> str:
    """Return the letters and digits of a text, alike for all ways to write them."""
    folded = text.casefold()
    if not folded.isascii():
        folded = unicodedata.normalize("NFKD", folded).casefold()
    letters = filter(str.isalnum, folded)
    if folded.isascii():
        return "".join(letters)
    return "".join(char * 2 if ord(char) >= _WIDE else char for char in letters)
