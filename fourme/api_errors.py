"""Error responses of the 4me API, from 400 to 499."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from process.errors import AccessError, RejectedError, RequestNotFoundError
from process.logs import quote
from process.private_texts import PrivateTexts
from transport.headers import trace_id_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import requests

    from fourme.client import ErrorContext
    from process.errors import StepError

_MAX_QUOTED = 16 * 1024  # characters quoted in all; a log line holds fewer
_LINE_COST = 100  # characters that a line counts for beyond its own
_MAX_WORD_LENGTH = 4 * 1024  # more than a token has
_FIELD = r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*"
_MAX_FIELD_LENGTH = 40


def error_from_response(
    response: requests.Response, context: ErrorContext, account: str
) -> StepError:
    """Return the error for a response with a status from 400 to 499."""
    status = response.status_code
    ids: dict[str, Any] = {"status": status, "trace_id": trace_id_of(response)}
    if status == HTTPStatus.UNAUTHORIZED:
        return AccessError(
            f"4me does not accept the access token (401) in account {account}.",
            cause="the account is misspelt, the token belongs to another account or another 4me "
            "environment than the host's, or it was revoked or has expired",
            fix="Check account and host of the connection first; then make a new token (4me: My "
            "Profile, Personal Access Tokens).",
            **ids,
        )
    is_missing = status == HTTPStatus.NOT_FOUND and context.request_id is not None
    if is_missing and not context.was_read:
        return RequestNotFoundError(
            f"4me knows no request {context.request_id} in account {account} (404).",
            cause="the number is wrong, the request is in another account, or the token's "
            "user may not see it",
            fix="Check request_id, and the connection's account: a request that was passed "
            "to another account has to be named with that account.",
            **ids,
        )
    details = details_of(response, context.private_texts)
    if status == HTTPStatus.FORBIDDEN or is_missing:
        return AccessError(
            f"The token's user may not {context.purpose} ({status}).",
            details=details,
            cause=f"a role is missing in the account: {', '.join(context.roles)}",
            fix="Ask an account administrator for the role, or for a token with it; the scope of "
            "a personal access token must allow it, too.",
            **ids,
        )
    what = f"4me refused to {context.purpose} ({status})."
    if not context.sends_values:
        return RejectedError(
            what, details=details, fix="Check the connection's host and account.", **ids
        )
    return RejectedError(
        what,
        details=details,
        cause="a value does not fit this request",
        fix="Fix these values in the workflow. Referenced records must exist in this account, and "
        "be enabled.",
        **ids,
    )


def details_of(response: requests.Response, private: Iterable[str] = ()) -> tuple[str, ...]:
    """Return a response's error messages, one line for each field; never fails.

    Quotations of the private texts that were sent are redacted.
    """
    try:
        messages = [*_limited(_messages_in(json.loads(response.content)))]
    except (ValueError, RecursionError):
        text = response.content[: 4 * _MAX_QUOTED].decode("utf-8", "replace")
        messages = [("", _truncated(text, _MAX_QUOTED))] if text else []
    texts = PrivateTexts(private)
    return tuple(field + _redacted(field, text, texts) for field, text in messages)


def _redacted(field: str, text: str, texts: PrivateTexts) -> str:
    """Return a message without quotations; if it may be about a note, without any of its words."""
    text = texts.redact_quotes(quote(text))
    is_about_another = field and not field.startswith(("note", "internal_note"))
    return text if is_about_another else texts.redact_words(text)


def _messages_in(value: object) -> Iterator[tuple[str, str]]:
    """Yield each message with `field: `, or with an empty text where it names no field."""
    if not isinstance(value, dict):
        yield "", json.dumps(value)
    elif isinstance(value.get("errors"), list) and value["errors"]:
        yield from map(_field_and_message, value["errors"])
    else:
        yield "", str(value.get("message", value))


def _field_and_message(error: object) -> tuple[str, str]:
    if not isinstance(error, list) or not all(isinstance(part, str) for part in error):
        return "", json.dumps(error)
    if len(error) > 1 and len(error[0]) <= _MAX_FIELD_LENGTH and re.fullmatch(_FIELD, error[0]):
        return f"{error[0]}: ", ": ".join(error[1:])
    return "", ": ".join(error)


def _limited(messages: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield as many messages as may be quoted, then a note that there are more."""
    left = _MAX_QUOTED
    for field, text in messages:
        if left <= 0:
            yield "", "... and more"
            return
        yield field, _truncated(text, left)
        left -= len(text) + _LINE_COST


def _truncated(text: str, limit: int) -> str:
    """Cut a long text between words: of a secret that is cut, the rest would not be recognised."""
    if len(text) <= limit:
        return text
    blank = max(text.rfind(char, 0, limit) for char in " \t\r\n")
    return text[: max(blank, limit - _MAX_WORD_LENGTH, 0)]
