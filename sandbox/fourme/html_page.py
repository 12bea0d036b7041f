"""A request as a web page, the target of the link in Relay."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from sandbox.formatting import describe, person_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:50rem;margin:2rem auto;padding:0 1rem}"
    "th{text-align:left;padding-right:2rem;font-weight:normal;color:#666}"
    "blockquote{border-left:3px solid #ccc;margin:1rem 0;padding-left:1rem;white-space:pre-wrap}"
)


def request_page(request: Mapping[str, object], notes: Sequence[Mapping[str, object]]) -> str:
    """Return a request and its notes, newest first, as HTML."""
    title = f"Request {request['id']}: {request['subject']}"
    rows = "\n".join(
        f"<tr><th>{escape(name)}</th><td>{escape(describe(value))}</td></tr>"
        for name, value in sorted(request.items())
        if value is not None
    )
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n<title>{escape(title)}</title>'
        f"\n<style>{_STYLE}</style>\n<h1>{escape(title)}</h1>\n<table>\n{rows}\n</table>\n"
        f"<h2>Notes</h2>\n{''.join(map(_note, notes)) or '<p>None.</p>'}\n</html>\n"
    )


def _note(note: Mapping[str, object]) -> str:
    kind = "internal note" if note["internal"] else "note"
    head = f"{person_of(note)}, {note['created_at']} ({kind})"
    return f"<p>{escape(head)}</p>\n<blockquote>{escape(str(note['text']))}</blockquote>\n"
