"""A report for people of what a step did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from sandbox.formatting import describe, person_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sandbox.calls import RecordedCall
    from sandbox.fourme.attachments import Upload

Request = dict[str, object]

_NOT_REPORTED = ("updated_at",)  # changes with every update


@dataclass(frozen=True)
class Report:
    """The data of a report.

    Attributes:
        command: The command that was run.
        exit_code: Its exit code.
        log: What it printed.
        calls: The calls that were received.
        before: The requests before the command, by id.
        after: The requests after it.
        notes: The notes that were added, by the request's id, oldest first.
        minutes: The time spent that was added, in minutes, by the request's id.
        uploads: The files that were uploaded.
        outputs: What was published, by name.
        decorators: The decorators of the step, by name.
    """

    command: Sequence[str]
    exit_code: int
    log: str
    calls: Sequence[RecordedCall]
    before: Mapping[int, Request]
    after: Mapping[int, Request]
    notes: Mapping[int, Sequence[Request]]
    minutes: Mapping[int, int]
    uploads: Sequence[Upload]
    outputs: Mapping[str, object]
    decorators: Mapping[str, object]


@dataclass(frozen=True)
class _Style:
    """Adds colour, or leaves it out."""

    colour: bool

    def heading(self, text: str, line: str = "-") -> str:
        return self._paint("1", f"{text}\n{line * len(text)}")

    def removed(self, text: str) -> str:
        return self._paint("31", f"- {text}")

    def added(self, text: str) -> str:
        return self._paint("32", f"+ {text}")

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour else text


def render(report: Report, *, colour: bool) -> str:
    """Return the report as text."""
    style = _Style(colour)
    title = "What the step did"
    ran = f"Command:   {' '.join(report.command)}\nExit code: {report.exit_code}"
    parts = [
        f"{style.heading(title, '=')}\n{ran}",
        f"{style.heading('Calls')}\n{_calls(report.calls)}",
        *_requests(report, style),
        f"{style.heading('Log of the step')}\n{_indent(_printable(report.log)) or '  (nothing)'}",
        f"{style.heading('Published outputs')}\n{_outputs(report.outputs)}",
        f"{style.heading('Links')}\n{_links(report.decorators)}",
    ]
    return "\n\n".join(parts) + "\n"


def _calls(calls: Sequence[RecordedCall]) -> str:
    rows = []
    for call in calls:
        status = "no response" if call.status is None else str(call.status)
        fault = f"  (fault: {call.fault})" if call.fault else ""
        target = _target(call)
        rows.append(f"  {call.service:<8}  {call.method:<5}  {target}  ->  {status}{fault}")
    return "\n".join(rows) or "  (none)"


def _target(call: RecordedCall) -> str:
    """Return the path of a call; of a search with what was searched for."""
    if call.name != "search" or not call.query:
        return call.path
    return " ".join(f"{call.path}?{_printable(unquote_plus(call.query))}".split())


def _requests(report: Report, style: _Style) -> Iterator[str]:
    changed = [
        number
        for number, after in report.after.items()
        if after != report.before.get(number)
        or report.notes.get(number)
        or report.minutes.get(number)
    ]
    if not changed:
        yield f"{style.heading('Requests')}\n  Nothing was changed."
    for number in changed:
        after = report.after[number]
        lines = [style.heading(f"Request {number}: {after['subject']}")]
        lines += _difference(_flat(report.before.get(number, {})), _flat(after), style)
        if report.minutes.get(number):
            lines += ["  time spent", f"    {style.added(f'{report.minutes[number]} minutes')}"]
        for note in report.notes.get(number, []):
            lines += _note(note, style)
        yield "\n".join(lines)
    if report.uploads:
        lines = [
            f"  {upload.filename}  {upload.content_type}  {upload.size:,} bytes"
            for upload in report.uploads
        ]
        yield "\n".join([style.heading("Uploaded files"), *lines])


def _difference(before: Request, after: Request, style: _Style) -> Iterator[str]:
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old == new or name in _NOT_REPORTED:
            continue
        yield f"  {name}"
        yield f"    {style.removed(describe(old))}"
        yield f"    {style.added(describe(new))}"


def _flat(request: Mapping[str, object]) -> Request:
    """Return the request with each custom field as a field of its own."""
    flat = dict(request)
    custom = flat.pop("custom_fields", None)
    for item in custom if isinstance(custom, list) else []:
        flat[f"custom_fields: {item['id']}"] = item["value"]
    return flat


def _note(note: Mapping[str, object], style: _Style) -> Iterator[str]:
    kind = "internal note" if note["internal"] else "note"
    yield f"  {kind} by {person_of(note)}"
    for line in str(note["text"]).splitlines() or ["(no text)"]:
        yield f"    {style.added(line)}"
    attachments = note["attachments"]
    for item in attachments if isinstance(attachments, list) else []:
        place = "inline" if item["inline"] else "attached"
        text = f"[{place}] {item['name']}"
        yield f"    {style.added(text)}"


def _outputs(outputs: Mapping[str, object]) -> str:
    texts = [
        _indent(f"{name}: {json.dumps(value, indent=2, ensure_ascii=False)}")
        for name, value in outputs.items()
    ]
    return "\n".join(texts) or "  (none)"


def _links(decorators: Mapping[str, object]) -> str:
    rows = [
        f"  {name}: {value.get('description')} -> {value.get('uri')}"
        for name, value in decorators.items()
        if isinstance(value, dict)
    ]
    return "\n".join(rows) or "  (none)"


def _printable(text: str) -> str:
    """Return the text without control characters."""
    return "".join(
        " " if ord(letter) < ord(" ") and letter not in "\n\t" else letter for letter in text
    )


def _indent(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
