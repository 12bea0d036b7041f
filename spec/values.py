"""Values as engines deliver them: read as JSON values, then coerced to the documented types.

A value that cannot be coerced stays as it is, and is reported when the spec is validated.
"""

from __future__ import annotations

import base64
import json
import math
import re
from typing import TYPE_CHECKING, Any

from process.json_depth import MAX_DEPTH, NAMED_LEVELS, exceeds_depth
from spec.problems import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BLANKS = " \t\r\n\f\v"
_TRUE = frozenset({"true", "1", "t", "y", "yes", "on"})
_FALSE = frozenset({"false", "0", "f", "n", "no", "off"})
_MAX_DIGITS = 19  # of a 64-bit id
_REQUEST_URL = (
    r"((?:[Hh][Tt][Tt][Pp][Ss]?://)?(?:[0-9A-Za-z][0-9A-Za-z.-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)"
    r"/requests/([0-9]{1,19})/?(?:[?#][^ \t\r\n\f\v]*)?"
)
_MAX_EXACT_FLOAT = 2**53  # from there on, different integers become the same float
_TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels"
_MAX_INTEGER = 10**1000  # Python cannot write far longer numbers


class JsonReader:
    """Converts Python values to JSON values.

    Attributes:
        problems: the values that JSON cannot represent; they are left out.
    """

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def report(self, path: str, wrong: str, hint: str = "") -> None:
        """Add a problem."""
        self.problems.append(Problem(path, wrong, hint))

    def read(self, value: object, path: str, depth: int = 0) -> object:
        """Return a value with its bytes decoded, and without what JSON cannot represent."""
        if depth == NAMED_LEVELS and exceeds_depth(value, MAX_DEPTH - depth):
            self.report(path, _TOO_DEEP)
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
            self.report(path, wrong)
        return None if wrong else value

    def parse(self, value: object, path: str) -> object:
        """Return the object or list in a JSON text; any other value as it is.

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
            self.report(path, _TOO_DEEP)
            return value
        return self.read(parsed, path)

    def _key(self, key: object, path: str) -> str:
        if isinstance(key, str | bytes):
            return self._text(key, path) or ""
        self.report(path, "has a key that is not text")
        return ""

    def _text(self, text: str | bytes, path: str) -> str | None:
        try:
            if isinstance(text, bytes):
                return text.decode("utf-8")
            text.encode("utf-8")
        except UnicodeError:
            hint = "Text must be valid UTF-8; attach other data as a file."
            self.report(path, "is not text", hint)
            return None
        return text


def _with_binary_content(item: Mapping[Any, object]) -> Mapping[Any, object]:
    """Return an attachment whose content, if the Relay SDK has decoded it, is base64 again."""
    content = item.get("content")
    if not isinstance(content, bytes):
        return item
    others = {name: value for name, value in item.items() if name != "content"}
    return {**others, "content_base64": base64.b64encode(content).decode("ascii")}


def _wrong_number(value: object) -> str:
    """Return why JSON cannot represent a value other than text, list or object; or nothing."""
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, int):
        return "is a number with more than 1000 digits" if abs(value) >= _MAX_INTEGER else ""
    if isinstance(value, float):
        return "" if math.isfinite(value) else f"is {value}, which is not a number in JSON"
    return f"is a {type(value).__name__}, which is not a JSON value"


def coerce_boolean(value: object) -> object:
    """Return the boolean for 0, 1 or a word such as `yes`; any other value as it is."""
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    word = value.strip(BLANKS).lower() if isinstance(value, str) else ""
    if word in _TRUE:
        return True
    return False if word in _FALSE else value


def coerce_integer(value: object) -> object:
    """Return the integer for a whole number or ASCII digits; any other value as it is."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _MAX_EXACT_FLOAT:
        return int(value)
    digits = value.strip(BLANKS) if isinstance(value, str) else ""
    is_integer = digits.isascii() and digits.isdigit() and len(digits) <= _MAX_DIGITS
    return int(digits) if is_integer else value


def split_request_id(value: object) -> tuple[object, str]:
    """Return the number of a request, and the host of its page where that has been given.

    The number may be written `#80339`, or as the address of the page, whose scheme, host and port
    are the second value; it is empty for any other spelling. What is none stays as it is.
    """
    text = value.strip(BLANKS) if isinstance(value, str) else ""
    if text.startswith("#"):
        return (int(text[1:]) if re.fullmatch("#[0-9]{1,19}", text) else value), ""
    match = re.fullmatch(_REQUEST_URL, text) if "/" in text else None
    return (int(match[2]), match[1]) if match else (coerce_integer(value), "")


def coerce_reference(value: object) -> object:
    """Return the id in a number, digits, or an object with an `id`."""
    return coerce_integer(value["id"] if isinstance(value, dict) and "id" in value else value)


def coerce_duration(value: object) -> object:
    """Return the minutes for a number or `h:mm`; any other value as it is."""
    text = value.strip(BLANKS) if isinstance(value, str) else ""
    match = re.fullmatch("([0-9]{1,6}):([0-5][0-9])", text)
    return int(match[1]) * 60 + int(match[2]) if match else coerce_integer(value)


def coerce_text(value: object) -> object:
    """Return a number as text; any other value as it is.

    A number without a fraction is written without one: Relay's arithmetic always makes floats.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    exact = coerce_integer(value)
    if isinstance(exact, float) and exact.is_integer():
        return value  # it is unknown which number was written; it has to be given as text
    return json.dumps(exact)


def coerce_trimmed_text(value: object) -> object:
    """Return text or a number as text without surrounding blanks; any other value as it is."""
    return coerce_media_type(coerce_text(value))


def coerce_media_type(value: object) -> object:
    """Return text without surrounding blanks; any other value as it is."""
    return value.strip(BLANKS) if isinstance(value, str) else value


def coerce_texts(value: object) -> object:
    """Return a list with its numbers as text; any other value as it is."""
    return [coerce_text(item) for item in value] if isinstance(value, list) else value


COERCIONS: Mapping[str, Callable[[object], object]] = {
    "id": coerce_integer,
    "boolean": coerce_boolean,
    "integer": coerce_integer,
    "duration": coerce_duration,
    "reference": coerce_reference,
    "enum": coerce_text,
    "string": coerce_text,
    "text": coerce_text,
    "media_type": coerce_media_type,
    "datetime": coerce_text,
    "strings": coerce_texts,
}


def has_zone(text: object) -> bool:
    """Return whether a valid datetime has a zone: a Z, or an offset, after its time."""
    time = str(text).partition("T")[2]
    return any(sign in time for sign in "Z+-")


def join_path(path: str, name: str) -> str:
    """Return the path of a member."""
    return f"{path}.{name}" if path else name
