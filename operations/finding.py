"""Finds the one request that another system's identifiers stand for.

4me filters the list of requests by the values that its filters cannot misread; whatever it has
filtered, every value is compared here, exactly.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from fourme.client import ErrorContext
from fourme.pages import TooManyRecordsError, named_errors
from fourme.requests_api import RequestsApi
from process.errors import RequestNotFoundError, SpecError, UnexpectedResponseError
from process.logs import quote
from process.settings import MAX_REQUEST_PAGES
from spec.fast_path import is_integer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fourme.client import ApiClient

logger = logging.getLogger("step.4me")

# In 4me's filters a value may begin with an operator (! < >), and commas separate values. This is
# an allow-list: words, one blank between two of them.
_SAFE = r"[0-9A-Za-z][0-9A-Za-z._:/@#-]*(?: [0-9A-Za-z._:/@#-]+)*"
_MAX_SAFE = 255  # characters; the longest that such a field may have
_MAX_SHOWN = 10  # requests in a message
_FIX = "Look the request up in 4me, and give its `request_id` in place of `find`."


def is_safe(value: str) -> bool:
    """Return whether a filter of 4me can only read a value as itself."""
    return len(value) <= _MAX_SAFE and re.fullmatch(_SAFE, value) is not None


def find_request(find: Mapping[str, Any], api: ApiClient) -> int:
    """Return the ID of the one request with these values.

    Args:
        find: `source` and `sourceID`, or `supplier_requestID`; `state`: any (default), open,
            completed.
        api: the client of 4me.

    Raises:
        RequestNotFoundError: there is none.
        SpecError: there are several, or there are too many requests to compare them all.
        UnexpectedResponseError: an answer makes no sense.
        TerminatedError: SIGTERM has come.
        StepError: the requests cannot be read.
    """
    # A value from a file may end in a line break.
    wanted = {name: value.strip() for name, value in find.items() if name != "state"}
    state = find.get("state", "any")
    values = " and ".join(f"{name} {value!r}" for name, value in wanted.items())
    described = f"{'' if state == 'any' else f'{state} '}request with {values}"
    logger.info("Looking for the %s at %s.", described, api.connection.host.address)
    purpose = f"look for the {described}"
    try:
        with named_errors(purpose, f"Check the connection's host. {_FIX}"):
            found = _matching(wanted, state, ErrorContext(purpose), api)
    except TooManyRecordsError:
        raise _unsearchable(described, wanted) from None
    if not found:
        raise _missing(described, api.connection.account, state)
    if len(found) > 1:
        raise _ambiguous(described, found)
    api.context.raise_if_terminated()
    (request_id,) = found
    return request_id


def _matching(
    wanted: Mapping[str, str], state: str, context: ErrorContext, api: ApiClient
) -> dict[int, Mapping[str, Any]]:
    """Return the matching requests by ID, once each; the first ones if there are many."""
    query = {name: value for name, value in wanted.items() if is_safe(value)}
    query["sort"] = "id"  # so that new requests do not move others to another page
    query["fields"] = ",".join([*wanted, "subject", "status"])
    found: dict[int, Mapping[str, Any]] = {}
    try:
        for page in RequestsApi(api).pages(query, context):
            found.update(
                (_id_of(record), record)
                for record in page.records
                if _is_match(record, wanted) and _has_state(record, state)
            )
            if len(found) > _MAX_SHOWN:
                break
            if page.next_query:
                api.context.raise_if_terminated()
    except TooManyRecordsError:
        if len(found) <= 1:
            raise
    return found


def _id_of(record: Mapping[str, Any]) -> int:
    request_id: Any = record.get("id")
    if is_integer(request_id) and request_id > 0:
        return int(request_id)
    raise UnexpectedResponseError("a request in the answer has no ID")


def _is_match(record: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    return all(_text_in(record, name) == value for name, value in wanted.items())


def _has_state(record: Mapping[str, Any], state: str) -> bool:
    return state == "any" or (_text_in(record, "status") == "completed") is (state == "completed")


def _text_in(record: Mapping[str, Any], name: str) -> str:
    """Return a text of a record; an empty one for null."""
    value = record.get(name, 0)
    if value is None or isinstance(value, str):
        return value or ""
    if is_integer(value) and name in record:
        return str(value)
    raise UnexpectedResponseError(f"a request in the answer has no `{name}`")


def _missing(described: str, account: str, state: str) -> RequestNotFoundError:
    other = {"open": "it is completed, ", "completed": "it is not completed, "}.get(state, "")
    return RequestNotFoundError(
        f"4me lists no {described} in account {account}.",
        cause=f"{other}a value is spelled differently there (letter case counts), the request is "
        "in another account, archived or in the trash, or the token's user may not see it",
        fix="Check `find`, and the connection's account.",
    )


def _ambiguous(described: str, found: Mapping[int, Mapping[str, Any]]) -> SpecError:
    return SpecError(
        f"4me has more than one {described}.",
        details=tuple(_details(found)),
        fix="Give the `request_id` of the one that is meant in place of `find`, or a `state` that "
        "only one of them has.",
    )


def _details(found: Mapping[int, Mapping[str, Any]]) -> Iterator[str]:
    for request_id, record in [*found.items()][:_MAX_SHOWN]:
        subject, status = (quote(str(record.get(name) or "-")) for name in ("subject", "status"))
        yield f"{request_id}: {subject} ({status})"
    if len(found) > _MAX_SHOWN:
        yield "... and more"


def _unsearchable(described: str, wanted: Mapping[str, str]) -> SpecError:
    unsafe = " and ".join(name for name, value in wanted.items() if not is_safe(value))
    cause = f"4me's filters could misread {unsafe}" if unsafe else "4me has not filtered them"
    return SpecError(
        f"4me cannot be searched for the {described}: more than {MAX_REQUEST_PAGES} pages of "
        "requests would have to be read.",
        cause=f"{cause}, so that each request has to be compared here",
        fix=f"{_FIX} In values of ASCII letters, digits and . _ : / @ # - nothing can be misread.",
    )
