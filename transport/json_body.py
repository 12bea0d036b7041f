"""JSON values in responses."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from process.errors import UnexpectedResponseError
from process.json_depth import MAX_DEPTH, exceeds_depth
from transport.failures import AttemptFailed, FailureKind
from transport.headers import trace_id_of

if TYPE_CHECKING:
    import requests

_OTHER_JSON = r"(?:application|text)/(?:[a-z0-9.-]+\+)?json"


class ExcessiveDepthError(UnexpectedResponseError):
    """A response is nested too deeply."""


def json_body(response: requests.Response) -> object:
    """Return the JSON value of a response.

    Raises:
        UnexpectedResponseError: its content type is another one.
        ExcessiveDepthError: it is nested too deeply.
        AttemptFailed: it is not valid JSON.
    """
    content_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if content_type != "application/json" and not re.fullmatch(_OTHER_JSON, content_type):
        raise _unexpected(
            response,
            UnexpectedResponseError,
            f"{_quoted_type(content_type)} where JSON was expected",
            "a login page, a proxy or another service answers in the API's place",
        )
    try:
        value: object = json.loads(response.content, parse_constant=_finite, parse_float=_finite)
        is_too_deep = exceeds_depth(value)
    except RecursionError:
        is_too_deep = True
    except ValueError as error:
        raise AttemptFailed.from_response(
            response, FailureKind.INVALID_RESPONSE, " with something that is not JSON"
        ) from error
    if is_too_deep:
        raise _unexpected(
            response,
            ExcessiveDepthError,
            f"lists and objects nested deeper than {MAX_DEPTH} levels",
            "another service answers in the API's place",
        )
    return value


def _unexpected(
    response: requests.Response, kind: type[UnexpectedResponseError], found: str, cause: str
) -> UnexpectedResponseError:
    return kind(
        f"{urlsplit(response.request.url or '').hostname} answered with {found}.",
        cause=cause,
        fix="Check the host.",
        status=response.status_code,
        trace_id=trace_id_of(response),
    )


def _quoted_type(content_type: str) -> str:
    """Return a content type for a message, unless it is invalid: then it may be any text."""
    if re.fullmatch(r"[a-z0-9.+-]{1,40}/[a-z0-9.+-]{1,80}", content_type):
        return content_type
    return "an invalid content type" if content_type else "no content type"


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a finite number")
    return number
