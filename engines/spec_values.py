"""A spec merged from files and environment variables, each value from one source.

Connection values may come from the environment while the request comes from a file. The same
value may be given twice; two different values for one input are an error, since one of them would
be ignored silently.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from engines.documents import read_document
from process.errors import ConfigError, SpecError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from spec.schema import InputVariable

STANDARD_STREAM = "-"
PREFIX = "FOURME_"  # of the environment variables
TOKEN_FILE = "ACCESS_TOKEN_FILE"  # noqa: S105  a variable's name, without the prefix


class SpecValue(NamedTuple):
    """One value of a spec, its path there, and the name of its source in messages."""

    path: tuple[str, ...]
    value: object
    source: str


def read_spec(
    environ: Mapping[str, str], inputs: Mapping[str, InputVariable], path: str | None = None
) -> object:
    """Return the spec in the FOURME_ variables, or in a file that they complete.

    Args:
        environ: the environment variables.
        inputs: the inputs that have variables of their own, by variable name.
        path: the file, `-` for standard input; None for the variables alone.

    Raises:
        ConfigError: a file cannot be read, or values contradict each other.
        SpecError: a text is neither JSON nor YAML.
    """
    values: list[SpecValue] = []
    if path is not None:
        source = "Standard input" if path == STANDARD_STREAM else f"The spec file {path}"
        document = read_document(_read_text(path, source), source)
        if not isinstance(document, dict):
            return document  # nothing to complete; the validation reports what is wrong
        for name, value in document.items():
            values += _split(SpecValue((name,), value, source), inputs)
    return merge([*values, *spec_values_in(environ, PREFIX, inputs)])


def spec_values_in(
    environ: Mapping[str, str], prefix: str, inputs: Mapping[str, InputVariable]
) -> Iterator[SpecValue]:
    """Yield the values in the variables with this prefix; blank ones count as unset."""
    for name, (path, is_document) in inputs.items():
        source = prefix + name
        text = _as_utf8(environ.get(source, ""))
        if text.strip():
            value = read_document(text, source) if is_document else text
            yield from _split(SpecValue(path, value, source), inputs)
    source = prefix + TOKEN_FILE
    token_file = environ.get(source, "").strip()
    if token_file:
        # Only what is certainly a path is shown: it might be the token itself.
        shown = f" {token_file}" if token_file.startswith(("/", ".", "~")) else ""
        token = _read_text(token_file, f"The file{shown} that {source} names")
        yield SpecValue(inputs["ACCESS_TOKEN"].path, token, source)


def _as_utf8(text: str) -> str:
    """Return a variable's text decoded as UTF-8, whatever the encoding of the locale."""
    try:
        return os.fsencode(text).decode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # not from the operating system
        return text


def _split(item: SpecValue, inputs: Mapping[str, InputVariable]) -> Iterator[SpecValue]:
    """Yield a value, or its members one by one if some of them have variables of their own.

    Nulls are left out, as if they had not been written, so that the environment can fill them.
    """
    path, value, source = item
    if isinstance(value, dict) and any(path == other.path[:-1] for other in inputs.values()):
        for name, member in value.items():
            yield from _split(SpecValue((*path, name), member, source), inputs)
    elif value is not None:
        yield item


def merge(values: Iterable[SpecValue]) -> dict[str, Any]:
    """Return the spec that consists of these values.

    Raises:
        ConfigError: two of them contradict each other.
    """
    spec: dict[str, Any] = {}
    known: dict[tuple[str, ...], SpecValue] = {}
    conflicts: list[str] = []
    for item in sorted(values, key=lambda item: len(item.path)):
        conflict = _conflict(item, known)
        if conflict:
            conflicts.append(conflict)
        elif item.path not in known:
            known[item.path] = item
            parent = spec
            for name in item.path[:-1]:
                parent = parent.setdefault(name, {})
            parent[item.path[-1]] = item.value
    if conflicts:
        raise ConfigError(
            "The spec has two different values for one input.",
            details=tuple(dict.fromkeys(conflicts)),
            cause="a variable is left over from something else, or is set for the whole project",
            fix="Keep one of them.",
        )
    return spec


def _conflict(item: SpecValue, known: Mapping[tuple[str, ...], SpecValue]) -> str | None:
    """Return which path has two sources that contradict each other; None if there is none."""
    for path in (item.path[:1], item.path):
        earlier = known.get(path)
        # Members cannot be added to an object that is given as text.
        if earlier and (path != item.path or not _is_same(earlier.value, item.value)):
            return f"{'.'.join(path)}: {earlier.source} and {item.source}"
    return None


def _is_same(value: object, other: object) -> bool:
    if isinstance(value, dict | list) or isinstance(other, dict | list):
        return value == other
    return str(value).strip() == str(other).strip()


def _read_text(path: str, source: str) -> str:
    try:
        raw = _read_standard_input() if path == STANDARD_STREAM else Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{source} cannot be read: {error.strerror}.",
            cause="the path is wrong, the file is not mounted, or this user may not read it",
            fix="Fix the path, or mount the file there.",
        ) from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(
            f"{source} is not text: byte {error.start} is not UTF-8.",
            fix="Save the file as UTF-8.",
        ) from None


def _read_standard_input() -> bytes:
    if sys.stdin is None:  # closed; its descriptor may be another file by now
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return sys.stdin.buffer.read()
