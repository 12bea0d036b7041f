"""The calls that a step makes: their names, and the record of what was received."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

METADATA = "metadata"
FOURME = "4me"
S3 = "s3"

#: The calls that a step makes, in order; `read`, `verification` (of notes) and `linked` may also
#: come before `storage`, to compare. `read` follows a verification that found the note.
CALL_ORDER = (
    "spec",
    "search",
    "storage",
    "upload",
    "patch",
    "verification",
    "read",
    "linked",
    "output",
    "link",
)

_ROUTES = (
    (METADATA, "GET", re.compile(r"/spec/?"), "spec"),
    (METADATA, "PUT", re.compile(r"/outputs/[^/]+"), "output"),
    (METADATA, "POST", re.compile(r"/decorators/[^/]+"), "link"),
    (FOURME, "PATCH", re.compile(r"/v1/requests/[^/]+"), "patch"),
    (FOURME, "GET", re.compile(r"/v1/requests/[^/]+/notes"), "verification"),
    (FOURME, "GET", re.compile(r"/v1/requests/[^/]+/(cis|knowledge_articles)"), "linked"),
    (FOURME, "GET", re.compile(r"/v1/requests(/open|/completed)?"), "search"),
    (FOURME, "GET", re.compile(r"/v1/requests/[^/]+"), "read"),
    (FOURME, "GET", re.compile(r"/v1/attachments/storage"), "storage"),
    (FOURME, "POST", re.compile(r"/v1/attachments"), "upload"),
    (S3, "POST", re.compile(r"/s3/"), "upload"),
)


@dataclass(frozen=True)
class RecordedCall:
    """One HTTP request that a service received.

    Attributes:
        name: One of `CALL_ORDER`, or `other`.
        service: `metadata`, `4me` or `s3`.
        method: `GET` and so on.
        path: The path as it was sent, without the query.
        query: The query as it was sent, without `?`.
        headers: The headers; names are lower-case.
        body: The body; empty for an upload, whose file is among the store's uploads.
        fault: The fault that was applied, as it was written in the rule; None if none was.
        status: The status of the response; None while there is none, or if none was sent.
    """

    name: str
    service: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""
    fault: str | None = None
    status: int | None = None


class CallLog:
    """The calls of all services, in the order in which they were received. Thread-safe."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._calls: list[RecordedCall] = []
        self._in_progress: set[int] = set()

    def add(self, call: RecordedCall) -> int:
        """Add a call that begins; return its number, for `set_status` and `end`."""
        with self._lock:
            number = len(self._calls)
            self._calls.append(call)
            self._in_progress.add(number)
            return number

    def set_status(self, number: int, status: int) -> None:
        """Record the status that was sent."""
        with self._lock:
            self._calls[number] = replace(self._calls[number], status=status)

    def end(self, number: int) -> None:
        """Record that nothing more is done for a call."""
        with self._lock:
            self._in_progress.discard(number)

    def in_progress(self) -> list[RecordedCall]:
        """Return the calls for which something may still be done."""
        with self._lock:
            return [self._calls[number] for number in sorted(self._in_progress)]

    def all(self) -> list[RecordedCall]:
        """Return the calls so far."""
        with self._lock:
            return list(self._calls)


def name_of(service: str, method: str, path: str) -> str:
    """Return the name of a call; `other` if a step makes no such call."""
    for known_service, known_method, pattern, name in _ROUTES:
        if (service, method) == (known_service, known_method) and pattern.fullmatch(path):
            return name
    return "other"
