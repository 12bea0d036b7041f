"""A spec put together from files and environment variables, each value from one place.

Connection values may come from the environment while the request comes from a file. The same
value may be given twice; two different values for one input are an error, because one of them
would be ignored without a word.
"""

from __future__ import annotations

import errno
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engines.documents import read_document
from engines.variables import ACCESS_TOKEN_FILE, PREFIX, REQUEST, SPEC_PATHS
from process.errors import ConfigError, SpecError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

STANDARD_STREAM = "-"


@dataclass(frozen=True)
class SpecValue:
    """One value of a spec, and where it comes from.

    Attributes:
        path: its place in the spec.
        value: as it is written there.
        source: what messages call the place it comes from.
    """

    path: tuple[str, ...]
    value: object
    source: str


def spec_from_file(path: str, environ: Mapping[str, str]) -> object:
    """Return the spec in a file, completed from the environment.

    Args:
        path: the file; `-` for standard input.
        environ: may hold the connection, the request's number and its notes.

    Raises:
        ConfigError: a file cannot be read, or values contradict each other.
        SpecError: its text is neither JSON nor YAML.
    """
    source = "Standard input" if path == STANDARD_STREAM else f"The spec file {path}"
    document = read_document(_text_of(path, source), source)
    if not isinstance(document, dict):
        return document  # nothing to complete; the judge of specs says what is wrong
    from_file = _values_in(document, ("connection", "request"), source)
    return merge([*from_file, *spec_values_in(environ, PREFIX)])


def spec_from_environment(environ: Mapping[str, str]) -> object:
    """Return the spec in the FOURME_ variables.

    Raises:
        ConfigError: the token's file cannot be read, or values contradict each other.
        SpecError: FOURME_REQUEST is neither JSON nor YAML.
    """
    return merge(spec_values_in(environ, PREFIX))


def spec_values_in(environ: Mapping[str, str], prefix: str) -> Iterator[SpecValue]:
    """Yield what the variables with this prefix say.

    Raises:
        ConfigError: the token's file cannot be read.
        SpecError: the text of the request is neither JSON nor YAML.
    """
    text = _as_utf8(environ.get(prefix + REQUEST, ""))
    if text.strip():
        name = prefix + REQUEST
        yield from _values_in({"request": read_document(text, name)}, ("request",), name)
    for rest, path in SPEC_PATHS.items():
        value = _as_utf8(environ.get(prefix + rest, ""))
        if value.strip():
            yield SpecValue(path, value, prefix + rest)
    token_file = environ.get(prefix + ACCESS_TOKEN_FILE, "").strip()
    if token_file:
        name = prefix + ACCESS_TOKEN_FILE
        token = _text_of(token_file, f"The file that {name} names")
        yield SpecValue(SPEC_PATHS["ACCESS_TOKEN"], token, name)


def _as_utf8(text: str) -> str:
    """Return a variable's text read as UTF-8, whatever encoding the locale speaks of."""
    try:
        return os.fsencode(text).decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # it is no text that the system can have handed over
        return text


def merge(given: Iterable[SpecValue]) -> dict[str, Any]:
    """Return the spec that consists of these values.

    Args:
        given: the values; a whole object before members of it.

    Raises:
        ConfigError: two of them contradict each other.
    """
    spec: dict[str, Any] = {}
    known: dict[tuple[str, ...], SpecValue] = {}
    clashes: list[str] = []
    for item in given:
        # A whole object given as text has no members to add to.
        for path in (item.path[:1], item.path):
            earlier = known.get(path)
            if earlier and (path != item.path or not _same(earlier.value, item.value)):
                clashes.append(f"{'.'.join(path)}: {earlier.source} and {item.source}")
                break
        else:
            if known.setdefault(item.path, item) is item:
                _put(spec, item)
    if clashes:
        raise ConfigError(
            "The spec has two different values for one input.",
            details=tuple(clashes),
            cause="a variable is left over from something else, or is set for the whole project",
            fix="Keep one of them.",
        )
    return spec


def _put(spec: dict[str, Any], item: SpecValue) -> None:
    holder = spec
    for parent in item.path[:-1]:
        holder = holder.setdefault(parent, {})
    holder[item.path[-1]] = item.value


def _same(one: object, other: object) -> bool:
    if isinstance(one, dict | list) or isinstance(other, dict | list):
        return one == other
    return str(one).strip() == str(other).strip()


def _values_in(
    document: Mapping[str, object], opened: tuple[str, ...], source: str
) -> Iterator[SpecValue]:
    """Yield the values of a document, those of its objects `opened` one by one.

    Nulls are left out, as they mean (contract section 2), so that the environment can fill them.
    """
    for name, value in document.items():
        if name in opened and isinstance(value, dict):
            for member, inner in value.items():
                if inner is not None:
                    yield SpecValue((name, member), inner, source)
        elif value is not None:
            yield SpecValue((name,), value, source)


def _text_of(path: str, source: str) -> str:
    try:
        raw = _standard_input() if path == STANDARD_STREAM else Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{source} cannot be read: {error.strerror}.",
            cause="the path is wrong, the file is not mounted, or this user may not read it",
            fix="Fix the path, or mount the file where it is looked for.",
        ) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(
            f"{source} is not text: byte {error.start} is not UTF-8.",
            fix="Save the file as UTF-8.",
        ) from None


def _standard_input() -> bytes:
    if sys.stdin is None:  # closed; its number may mean another file by now
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return sys.stdin.buffer.read()
