"""The data of the sandbox's 4me: requests, notes, files, and access rights."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING, Any

from sandbox.fourme import attachments, changes, data_files, fields, links, notes
from sandbox.fourme.computed_fields import derive, reassignment
from sandbox.relay import yaml_io

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from sandbox.clock import Clock
    from sandbox.fourme.attachments import Upload

Object = dict[str, object]

_REFERENCE_FIELDS = ("id", "name", "subject", "label", "title", "account", "disabled", "sourceID")


@dataclass(frozen=True)
class Access:
    """The rights of an access token.

    Attributes:
        account: The id of its account.
        person: The reference to its person.
        team: The reference to this person's team; None if the data have none.
        roles: The roles of this person, such as `specialist` and `account_administrator`.
    """

    account: str
    person: Mapping[str, object]
    team: Mapping[str, object] | None
    roles: frozenset[str]


@dataclass(frozen=True)
class Problems:
    """What is wrong with a PATCH body: pairs of a field and a text."""

    errors: tuple[changes.Problem, ...]


class Store:
    """The data of one sandbox. Thread-safe; methods return copies.

    Args:
        data: The content of a data file; None for the packaged sample.
        path: A file to write the data to after every change; None keeps it in memory.
        clock: The clock for timestamps.
        history: How many old notes are added to every request.
        rewrite_note: Changes the text of a note before it is stored; None keeps it.
        ignored_fields: Fields that a PATCH ignores silently, as they are sent.
    """

    def __init__(
        self,
        data: Object | None,
        path: Path | None,
        clock: Clock,
        *,
        history: int = 0,
        rewrite_note: Callable[[str], str] | None = None,
        ignored_fields: Collection[str] = (),
    ) -> None:
        self._lock = RLock()
        self._path = path
        self._clock = clock
        self._rewrite_note = rewrite_note or (lambda text: text)
        self._ignored_fields = ignored_fields
        data = data_files.sample() if data is None else data
        self._data = data
        self._tokens = _section(data, "tokens")
        self._references = _section(data, "references")
        self._requests = {
            int(str(request["id"])): {**fields.blank(), **request}
            for request in _list(data, "requests")
        }
        self._notes = {
            int(key): [
                notes.complete(note, self._account(note.get("account"))) for note in _items(value)
            ]
            for key, value in _section(data, "notes").items()
        }
        self._add_history(history)
        self._time_spent = {
            int(key): int(str(value)) for key, value in _section(data, "time_spent").items()
        }
        self._links: Any = _section(data, "links")
        self._uploads: list[Upload] = []
        self._ignored: list[tuple[int, str]] = []

    @property
    def ignored(self) -> tuple[tuple[int, str], ...]:
        """The fields that were sent and silently ignored, each with the request's id."""
        with self._lock:
            return tuple(self._ignored)

    @property
    def requests(self) -> dict[int, Object]:
        """All requests, by id."""
        with self._lock:
            return copy.deepcopy(self._requests)

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """The uploaded files, in order."""
        with self._lock:
            return tuple(self._uploads)

    @property
    def limits(self) -> tuple[int | None, tuple[str, ...]]:
        """The limits of uploads in the data: the maximum size in bytes, and the extensions."""
        storage = _section(self._data, "storage")
        size, extensions = storage.get("size_limit"), storage.get("allowed_extensions")
        names = tuple(map(str, extensions)) if isinstance(extensions, list) else ()
        return (size if isinstance(size, int) else None), names

    def request(self, number: int) -> Object | None:
        """Return a request as the API returns it; None if there is none."""
        with self._lock:
            return copy.deepcopy(self._requests.get(number))

    def listed(self) -> list[Object]:
        """Return the requests of the list: an assumption is that archive and trash are not in it.

        Only the requests themselves are copied, not their values: there may be thousands.
        """
        with self._lock:
            return [
                dict(request)
                for request in self._requests.values()
                if not request.get("archived") and not request.get("trashed")
            ]

    def linked(self, number: int, collection: str) -> list[Object]:
        """Return the `cis` or `knowledge_articles` that are linked to a request."""
        with self._lock:
            known = _section(self._references, collection)
            numbers = links.ids(self._links, self._requests[number], collection)
            return [{"id": each, **copy.deepcopy(_section(known, str(each)))} for each in numbers]

    def notes(self, number: int) -> list[Object]:
        """Return the notes of a request, newest first."""
        with self._lock:
            return copy.deepcopy(self._notes.get(number, []))[::-1]

    def time_spent_total(self, number: int) -> int:
        """Return the minutes spent on a request."""
        with self._lock:
            return self._time_spent.get(number, 0)

    def access(self, token: str) -> Access | None:
        """Return the rights of a token; None if it is unknown."""
        entry = self._tokens.get(token)
        if not isinstance(entry, dict):
            return None
        person = self.find("people", int(str(entry["person"]))) or {}
        roles = entry.get("roles")
        names = frozenset(map(str, roles)) if isinstance(roles, list) else frozenset()
        team = self.find("teams", int(str(entry["team"]))) if "team" in entry else None
        return Access(str(entry["account"]), person, team, names)

    def find(self, collection: str, number: int) -> Object | None:
        """Return a reference such as `{id, name}`; None if there is none."""
        with self._lock:
            if collection == "requests":
                entry: object = self._requests.get(number)
            else:
                entry = _section(self._references, collection).get(str(number))
            if not isinstance(entry, dict):
                return None
            shown = {**entry, "id": number}
            names = ("id", "subject") if collection == "requests" else _REFERENCE_FIELDS
            return {name: copy.deepcopy(shown[name]) for name in names if name in shown}

    def add_upload(self, upload: Upload) -> None:
        """Add an uploaded file."""
        with self._lock:
            self._uploads.append(upload)

    def update(self, number: int, body: Mapping[str, object], access: Access) -> Object | Problems:
        """Apply a PATCH body to a request that exists: all of it, or nothing.

        Returns:
            The whole request, or what is wrong with the body.
        """
        with self._lock:
            before = self._requests[number]
            change = changes.check(body, before, self.find, self._ignored_fields)
            change.problems.extend(
                attachments.problems(
                    change.attachments, self._attachment_owners(number), self._uploads
                )
            )
            if change.problems:
                return Problems(tuple(change.problems))
            self._ignored += [(number, name) for name in change.ignored]
            now = self._clock.timestamp()
            change.values |= reassignment(before, change.values, access.person, access.team)
            self._links = links.replaced(self._links, number, change.values)
            if change.touches_request:
                after = {**before, **copy.deepcopy(change.values), "updated_at": now}
                self._requests[number] = {**after, **derive(before, after, now)}
            self._time_spent[number] = self._time_spent.get(number, 0) + change.minutes
            self._add_notes(number, change, access, now)
            self._change_attachments(number, change, now)
            self._write()
            return copy.deepcopy(self._requests[number])

    def _add_notes(self, number: int, change: changes.Change, access: Access, now: str) -> None:
        for name in fields.NOTES:
            items = change.attachments.get(f"{name}_attachments", [])
            added = attachments.added(items, self._uploads, now)
            if name not in change.notes and not added:
                continue
            note: Object = {
                "id": self._next_note_id(),
                "text": self._rewrite_note(change.notes.get(name, "")),
                "internal": name == "internal_note",
                "created_at": now,
                "person": dict(access.person),
                "attachments": added,
            }
            account = self._account({"id": access.account})
            self._notes.setdefault(number, []).append(notes.complete(note, account))

    def _change_attachments(self, number: int, change: changes.Change, now: str) -> None:
        request = self._requests[number]
        items = change.attachments.get("custom_fields_attachments", [])
        if added := attachments.added(items, self._uploads, now):
            request["attachments"] = [*attachments.items_of(request), *added]
        attachments.remove(self._attachment_owners(number), change.attachments)

    def _attachment_owners(self, number: int) -> list[Object]:
        """Return what can have attachments: a request and its notes."""
        return [self._requests[number], *self._notes.get(number, [])]

    def _add_history(self, count: int) -> None:
        for number in self._requests if count else ():
            known = self._notes.setdefault(number, [])
            account = self._account({"id": "wdc"})
            for note in notes.history(count, self._next_note_id(), self._clock.now()):
                known.append(notes.complete(note, account))

    def _next_note_id(self) -> int:
        return (
            max(
                (int(str(note["id"])) for known in self._notes.values() for note in known),
                default=0,
            )
            + 1
        )

    def _account(self, account: object) -> Object:
        """Return an account as notes show it, `{id, name}`."""
        known = account if isinstance(account, dict) else {}
        name = str(known.get("id", ""))
        entry = _section(_section(self._references, "accounts"), name)
        return {"id": name, "name": known.get("name") or entry.get("name", name)}

    def _write(self) -> None:
        if self._path is None:
            return
        data = {
            **self._data,
            "requests": list(self._requests.values()),
            "notes": {str(number): notes for number, notes in self._notes.items()},
            "time_spent": {str(number): total for number, total in self._time_spent.items()},
            "links": self._links,
        }
        # Replaced atomically, so that a reader never sees half a file.
        part = self._path.with_name(self._path.name + ".part")
        part.write_text(yaml_io.dump(data), encoding="utf-8")
        part.replace(self._path)


def _section(data: Mapping[str, object], name: str) -> Object:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def _list(data: Mapping[str, object], name: str) -> list[Object]:
    return _items(data.get(name))


def _items(value: object) -> list[Object]:
    return value if isinstance(value, list) else []
