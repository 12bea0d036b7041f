"""JSON values of what engines deliver: bytes decoded, JSON text parsed, anything else reported."""

from __future__ import annotations

import base64
import json
import math
from typing import TYPE_CHECKING, Any

from process.json_depth import MAX_DEPTH, NAMED_LEVELS, exceeds_depth
from spec.problems import Problem
from spec.values import BLANKS

if TYPE_CHECKING:
    from collections.abc import Mapping

_TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels"
_MAX_INTEGER = 10**1000  # Python refuses to write far longer numbers


class JsonReader:
    """Makes JSON values of Python values.

    Attributes:
        problems: what JSON cannot carry; it is left out.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def read(self, value: object, path: str, depth: int = 0) -> object:
        """Return a value with its bytes decoded, and without what JSON cannot carry."""
        if depth == NAMED_LEVELS and exceeds_depth(value, MAX_DEPTH - depth):
            self._report(path, _TOO_DEEP)
            return None
        if isinstance(value, dict):
            members = _with_binary_content(value) if "_attachments" in path else value
            return {
                self._key(key, path): self.read(item, join_path(path, str(key)), depth + 1)
                for key, item in members.items()
            }
        if isinstance(value, list):
            return [
                self.read(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)
            ]
        if isinstance(value, str | bytes):
            return self._text(value, path)
        wrong = _wrong_number(value)
        if wrong:
            self._report(path, wrong)
        return None if wrong else value

    def parse(self, value: object, path: str) -> object:
        """Return the object or list that a JSON text stands for; any other value as it is.

        Relay turns objects and lists into JSON text inside string templates.
        """
        if not isinstance(value, str) or value.strip(BLANKS)[:1] not in ("{", "["):
            return value
        try:
            parsed = json.loads(value)
            is_too_deep = exceeds_depth(parsed)
        except ValueError:
            return value
        except RecursionError:
            is_too_deep = True
        if is_too_deep:
            self._report(path, _TOO_DEEP)
            return value
        return self.read(parsed, path)

    def _key(self, key: object, path: str) -> str:
        if isinstance(key, str | bytes):
            return self._text(key, path) or ""
        self._report(path, "has a key that is not text")
        return ""

    def _text(self, text: str | bytes, path: str) -> str | None:
        try:
            if isinstance(text, bytes):
                return text.decode("utf-8")
            text.encode("utf-8")
        except UnicodeError:
            hint = "Text must be valid UTF-8; attach other data as a file."
            self._report(path, "is not text", hint)
            return None
        return text

    def _report(self, path: str, wrong: str, hint: str = "") -> None:
        self.problems.append(Problem(path, wrong, hint))


def join_path(path: str, name: str) -> str:
    """Return the path of a member."""
    return f"{path}.{name}" if path else name


def _with_binary_content(item: Mapping[Any, object]) -> Mapping[Any, object]:
    """Return an attachment whose content, if the Relay SDK made bytes of it, is base64 again."""
    content = item.get("content")
    if not isinstance(content, bytes):
        return item
    others = {name: value for name, value in item.items() if name != "content"}
    return {**others, "content_base64": base64.b64encode(content).decode("ascii")}


def _wrong_number(value: object) -> str:
    """Return why JSON cannot carry a value that is neither text, list nor object; or nothing."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, int):
        return "is a number with more than 1000 digits" if abs(value) >= _MAX_INTEGER else ""
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"is {value}, which is no number in JSON"
    return f"is a {type(value).__name__}, which is no JSON value"
