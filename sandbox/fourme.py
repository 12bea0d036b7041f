"""4me's REST API, as far as the step needs it."""

from __future__ import annotations

import json
import re
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.page import request_page
from sandbox.store import Access, Problems, Store
from sandbox.uploads import Storage, UploadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.clock import Clock

#: Requests an hour and token, as `X-RateLimit-Limit` tells.
RATE_LIMIT = 3600

_HOUR = 3600
_PAGE = 25  # notes on a page, unless the caller asks for more or fewer
_LARGEST_PAGE = 100
_API = "/v1/"
_WHOLE = re.compile(r"[0-9]{1,18}")

_MESSAGES = {
    400: "Invalid JSON string posted",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    422: "Validation Failed",
    429: "Too Many Requests",
}


class FourMe:
    """The API's handlers.

    Args:
        store: The data.
        storage: Where files are uploaded to.
        clock: The API's clock.
        upload_uri: Returns the address for uploads.
    """

    def __init__(
        self, store: Store, storage: Storage, clock: Clock, upload_uri: Callable[[], str]
    ) -> None:
        self._store = store
        self._storage = storage
        self._clock = clock
        self._upload_uri = upload_uri
        self._used: dict[str, int] = {}

    def routes(self) -> list[web.RouteDef]:
        """Return what the service answers."""
        return [
            web.get("/v1/requests/{id}", self._get_request),
            web.patch("/v1/requests/{id}", self._patch_request),
            web.get("/v1/requests/{id}/notes", self._get_notes),
            web.get("/v1/attachments/storage", self._get_storage),
            web.post("/v1/attachments", self._post_attachment),
            web.get("/requests/{id}", self._get_page),
        ]

    def refuse(self, request: web.Request) -> web.Response | None:
        """Return the 401 for a caller whose token or account is not known; None lets it in."""
        if not request.path.startswith(_API) or self._access(request) is not None:
            return None
        return _message(401)

    def finish(self, request: web.Request, answer: web.Response) -> web.Response:
        """Add the headers that every answer has."""
        token = request.headers.get("Authorization", "")
        self._used[token] = used = self._used.get(token, 0) + 1
        now = int(self._clock.now().timestamp())
        answer.headers["Date"] = self._clock.http_date()
        answer.headers["X-Request-Id"] = secrets.token_hex(16)
        answer.headers["X-RateLimit-Limit"] = str(RATE_LIMIT)
        answer.headers["X-RateLimit-Remaining"] = str(max(RATE_LIMIT - used, 0))
        answer.headers["X-RateLimit-Reset"] = str((now // _HOUR + 1) * _HOUR)
        return answer

    def _access(self, request: web.Request) -> Access | None:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        access = self._store.access(token) if kind == "Bearer" else None
        headers = request.headers
        account = headers.get("X-4me-Account") or headers.get("X-Xurrent-Account")
        return access if access is not None and access.account == account else None

    async def _get_request(self, request: web.Request) -> web.Response:
        found = self._store.request(_number(request))
        return _message(404) if found is None else _json(200, found)

    async def _patch_request(self, request: web.Request) -> web.Response:
        access = self._access(request)
        if access is None or "specialist" not in access.roles:
            return _message(403)
        number = _number(request)
        if self._store.request(number) is None:
            return _message(404)
        try:
            body = json.loads(await request.read())
        except (ValueError, RecursionError):
            return _message(400)
        if not isinstance(body, dict):
            return _message(400)
        if {"source", "sourceID"} & set(body) and "account_administrator" not in access.roles:
            return _message(403)
        updated = self._store.update(number, body, access)
        if isinstance(updated, Problems):
            errors = [list(problem) for problem in updated.errors]
            return _json(422, {"message": _MESSAGES[422], "errors": errors})
        return _json(200, updated)

    async def _get_notes(self, request: web.Request) -> web.Response:
        number = _number(request)
        if self._store.request(number) is None:
            return _message(404)
        page = max(_query_number(request, "page", 1), 1)
        size = min(max(_query_number(request, "per_page", _PAGE), 1), _LARGEST_PAGE)
        notes = self._store.notes(number)
        answer = _json(200, notes[(page - 1) * size : page * size])
        if len(notes) > page * size:
            following = request.url.update_query(page=page + 1, per_page=size)
            answer.headers["Link"] = f'<{following}>; rel="next"'
        return answer

    async def _get_storage(self, _request: web.Request) -> web.Response:
        return _json(200, self._storage.grant(self._upload_uri()))

    async def _post_attachment(self, request: web.Request) -> web.Response:
        if self._storage.provider != "local":
            return _message(404)
        try:
            upload = await self._storage.take(request)
        except UploadError as error:
            return _json(error.status, {"message": str(error)})
        return _json(200, {"key": upload.key})

    async def _get_page(self, request: web.Request) -> web.Response:
        number = _number(request)
        found = self._store.request(number)
        if found is None:
            raise web.HTTPNotFound
        page = request_page(found, self._store.notes(number))
        return web.Response(text=page, content_type="text/html")


def error_answer(_request: web.Request, status: int, text: str = "") -> web.Response:
    """Return an error as the API words it, with `text` after the message."""
    message = _MESSAGES.get(status) or HTTPStatus(status).phrase
    body: dict[str, object] = {"message": f"{message} {text}".strip()}
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        body = {"message": message, "errors": [["subject", f"is not acceptable {text}".strip()]]}
    return _json(status, body)


def _message(status: int) -> web.Response:
    return _json(status, {"message": _MESSAGES[status]})


def _json(status: int, value: object) -> web.Response:
    return web.Response(status=status, text=json.dumps(value), content_type="application/json")


def _number(request: web.Request) -> int:
    """Return the id of the path; 0, which nothing has, where it is no number."""
    return _whole(request.match_info["id"], 0)


def _query_number(request: web.Request, name: str, default: int) -> int:
    return _whole(request.query.get(name, ""), default)


def _whole(text: str, default: int) -> int:
    """Return a whole number of at most 18 digits; `default` for anything else."""
    return int(text) if _WHOLE.fullmatch(text) else default
