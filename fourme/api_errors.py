"""What an answer from 400 to 499 of the 4me API means to a user."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from process.errors import AccessError, RejectedError, RequestNotFoundError
from process.logs import quote
from process.private_texts import PrivateTexts
from transport.headers import trace_id_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    import requests

    from process.errors import StepError

_MAX_QUOTED = 16 * 1024  # characters of what is quoted in all; a line of the log takes less
_LINE = 100  # characters that a line counts for beyond its own
_MAX_WORD_LENGTH = 4 * 1024  # more than a token has
_FIELD = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_MAX_FIELD_LENGTH = 40


class ErrorContext(NamedTuple):
    """What the message about a rejected call says.

    Attributes:
        purpose: what the call does, as in "The token's user may not ...".
        request_id: the request that it is about; None when it is about none.
        roles: the roles that it takes.
        private_texts: texts that it sends and that no log may show: notes.
    """

    purpose: str
    request_id: int | None = None
    roles: tuple[str, ...] = ("Specialist",)
    private_texts: tuple[str, ...] = ()


def error_from_response(
    response: requests.Response, error_context: ErrorContext, account: str
) -> StepError:
    """Return the error that a response with a status from 400 to 499 stands for."""
    purpose, request_id, roles, private_texts = error_context
    status = response.status_code
    facts: dict[str, Any] = {"status": status, "trace_id": trace_id_of(response)}
    if status == HTTPStatus.UNAUTHORIZED:
        return AccessError(
            f"4me does not accept the access token (401) in account {account}.",
            cause="the account is misspelt, the token belongs to another account or another 4me "
            "environment than the host's, or it was revoked or has expired",
            fix="Check account and host of the connection first; then make a new token (4me: My "
            "Profile, Personal Access Tokens).",
            **facts,
        )
    if status == HTTPStatus.NOT_FOUND and request_id is not None:
        return RequestNotFoundError(
            f"4me knows no request {request_id} in account {account} (404).",
            cause="the number is wrong, the request is in another account, or the token's "
            "user may not see it",
            fix="Check request_id, and the connection's account: a request that was passed "
            "to another account is updated there.",
            **facts,
        )
    facts["details"] = details_of(response, private_texts)
    if status == HTTPStatus.FORBIDDEN:
        return AccessError(
            f"The token's user may not {purpose} (403).",
            cause=f"a role is missing in the account: {', '.join(roles)}",
            fix="Ask an account administrator for the role, or for a token with it; a "
            "personal access token must also have the scope to read and update requests.",
            **facts,
        )
    return RejectedError(
        f"4me refused to {purpose} ({status}).",
        cause="a value does not fit this request",
        fix="Fix these values in the workflow. Records of another account, or disabled "
        "ones, cannot be referred to.",
        **facts,
    )


def details_of(response: requests.Response, private: Iterable[str] = ()) -> tuple[str, ...]:
    """Return what 4me says, field by field; whatever it says, this does not fail.

    Args:
        response: 4me's answer.
        private: texts that were sent; what the answer quotes of them is left out.
    """
    try:
        words = [*_within_limits(_words_of(json.loads(response.content)))]
    except (ValueError, RecursionError):
        text = response.content[: 4 * _MAX_QUOTED].decode("utf-8", "replace")
        words = [("", _beginning(text, _MAX_QUOTED))] if text else []
    texts = PrivateTexts(private)
    return tuple(
        field + _shown(field, texts.redact_quotes(quote(text)), texts) for field, text in words
    )


def _shown(field: str, text: str, texts: PrivateTexts) -> str:
    """Return what is said of a field; where it may be of a note, without any word of the notes."""
    is_of_other = field and not field.startswith(("note", "internal_note"))
    return text if is_of_other else texts.redact_words(text)


def _words_of(answer: object) -> Iterator[tuple[str, str]]:
    """Yield what an answer says, each time with the name of the field that it says it of."""
    if not isinstance(answer, dict):
        yield "", json.dumps(answer)
        return
    errors = answer.get("errors")
    if not isinstance(errors, list) or not errors:
        yield "", str(answer.get("message", answer))
        return
    yield from map(_words_of_error, errors)


def _words_of_error(error: object) -> tuple[str, str]:
    """Return `field: ` and the text of a pair of 4me's, and the rest as it is."""
    if not isinstance(error, list) or not all(isinstance(part, str) for part in error):
        return "", json.dumps(error)
    if len(error) > 1 and len(error[0]) <= _MAX_FIELD_LENGTH and _FIELD.fullmatch(error[0]):
        return f"{error[0]}: ", ": ".join(error[1:])
    return "", ": ".join(error)


def _within_limits(words: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield as much of a server's words as may be quoted; then say that there is more."""
    left = _MAX_QUOTED
    for field, text in words:
        if left <= 0:
            yield "", "... and more"
            return
        yield field, _beginning(text, left)
        left -= len(text) + _LINE


def _beginning(text: str, limit: int) -> str:
    """Return as much of a text as may be quoted; not the beginning of a word that goes on.

    A word may be a secret, which is recognised as a whole.
    """
    if len(text) <= limit:
        return text
    blank = max(text.rfind(char, 0, limit) for char in " \t\r\n")
    return text[: max(blank, limit - _MAX_WORD_LENGTH, 0)]
