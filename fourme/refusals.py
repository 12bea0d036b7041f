"""What an answer from 400 to 499 of the 4me API means to a user."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fourme.errors import AccessError, RefusedError, RequestNotFoundError
from fourme.logs import said
from fourme.mishaps import trace_of
from fourme.transport import text_of

if TYPE_CHECKING:
    import requests

    from fourme.errors import StepError


@dataclass(frozen=True)
class Attempted:
    """What was refused.

    Attributes:
        purpose: as in "The token's user may not ...".
        account: the account in which it was tried.
        request_id: the request that it was about; None when it was about none.
        roles: the roles that it takes.
    """

    purpose: str
    account: str
    request_id: int | None = None
    roles: tuple[str, ...] = ("Specialist",)


def refusal(response: requests.Response, attempted: Attempted) -> StepError:
    """Return the error that an answer stands for."""
    status = response.status_code
    facts: dict[str, Any] = {"status": status, "trace": trace_of(response)}
    if status == HTTPStatus.UNAUTHORIZED:
        return AccessError(
            f"4me does not accept the access token (401) in account {attempted.account}.",
            usually="the token was revoked or has expired, or belongs to another account or "
            "another 4me environment than the host's",
            todo="Make a new token (4me: My Profile, Personal Access Tokens), and check "
            "accessToken, account and host of the connection.",
            **facts,
        )
    if status == HTTPStatus.FORBIDDEN:
        return AccessError(
            f"The token's user may not {attempted.purpose} (403).",
            details=details_of(response),
            usually=f"a role is missing in the account: {', '.join(attempted.roles)}",
            todo="Ask an account administrator for the role, or for a token with it; a "
            "personal access token must also have the scope to update requests.",
            **facts,
        )
    if status == HTTPStatus.NOT_FOUND and attempted.request_id is not None:
        return RequestNotFoundError(
            f"4me knows no request {attempted.request_id} in account {attempted.account} (404).",
            usually="the number is wrong, the request is in another account, or the token's "
            "user may not see it",
            todo="Check request_id, and the connection's account: a request that was passed "
            "to another account is updated there.",
            **facts,
        )
    return RefusedError(
        f"4me refused to {attempted.purpose} ({status}).",
        details=details_of(response),
        usually="a value does not fit this request",
        todo="Mend these values in the workflow. Records of another account, or disabled "
        "ones, cannot be referred to.",
        **facts,
    )


def details_of(response: requests.Response) -> tuple[str, ...]:
    """Return what 4me says, field by field; whatever it says, this does not fail."""
    try:
        answer = json.loads(response.content)
    except (ValueError, RecursionError):
        return (said(text_of(response)),) if response.content else ()
    if not isinstance(answer, dict):
        return (said(json.dumps(answer)),)
    errors = answer.get("errors")
    if not isinstance(errors, list) or not errors:
        return (said(str(answer.get("message", answer))),)
    return tuple(_error_line(error) for error in errors)


def _error_line(error: object) -> str:
    """Return `field: text` for a pair of 4me's, and the rest as it is."""
    if isinstance(error, list) and all(isinstance(part, str) for part in error):
        return said(": ".join(error))
    return said(json.dumps(error))
