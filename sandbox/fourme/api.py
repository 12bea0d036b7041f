"""4me's REST API, as far as the step needs it."""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.fourme import collection, listing
from sandbox.fourme.filters import QueryError
from sandbox.fourme.html_page import request_page
from sandbox.fourme.store import Access, Problems, Store
from sandbox.fourme.uploads import AttachmentStorage, UploadError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sandbox.clock import Clock
    from sandbox.options import FourMeOptions

#: Requests per hour and person, the value of `x-ratelimit-limit`.
RATE_LIMIT = 3600

_HOUR = 3600
_API = "/v1/"
_WHOLE = re.compile(r"[0-9]{1,18}")

_LINKED = {"cis": collection.CIS, "knowledge_articles": collection.KNOWLEDGE_ARTICLES}

_MESSAGES = {
    400: "Invalid JSON string posted",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    422: "Validation Failed",
    429: "Too Many Requests",
}

#: The messages for a caller that does not ask for English (documented: the user's language).
_DUTCH = {
    "can't be blank": "moet opgegeven zijn",
    "does not exist": "bestaat niet",
    "is not included in the list": "is niet in de lijst opgenomen",
}


class FourMeApi:
    """The API's handlers.

    Args:
        store: The data.
        storage: The attachment storage.
        clock: The API's clock.
        upload_uri: Returns the address for uploads.
        options: How notes are sorted, and requests filtered.
    """

    def __init__(
        self,
        store: Store,
        storage: AttachmentStorage,
        clock: Clock,
        upload_uri: Callable[[], str],
        options: FourMeOptions,
    ) -> None:
        self._store = store
        self._storage = storage
        self._clock = clock
        self._upload_uri = upload_uri
        self._notes = replace(collection.NOTES, order=options.notes_order)
        self._requests = replace(collection.REQUESTS, ignore_case=options.ignore_case)
        self._used: dict[object, int] = {}

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the service."""
        return [
            web.get("/v1/requests", self._get_requests),
            web.get("/v1/requests/{view:open|completed}", self._get_requests),
            web.get("/v1/requests/{id}", self._get_request),
            web.patch("/v1/requests/{id}", self._patch_request),
            web.get("/v1/requests/{id}/notes", self._get_notes),
            web.get("/v1/requests/{id}/{linked:cis|knowledge_articles}", self._get_linked),
            web.get("/v1/attachments/storage", self._get_storage),
            web.post("/v1/attachments", self._post_attachment),
            web.get("/requests/{id}", self._get_page),
        ]

    def unauthorized(self, request: web.Request) -> web.Response | None:
        """Return the 401 for a caller whose token or account is unknown; None if both are known."""
        if not request.path.startswith(_API) or self._access(request) is not None:
            return None
        return _message(401)

    def add_headers(self, request: web.Request, response: web.Response) -> web.Response:
        """Add the headers of every response; names are lower case, as documented since 2024."""
        response.headers["date"] = self._clock.http_date()
        response.headers["x-request-id"] = secrets.token_hex(16)
        access = self._access(request)
        # As documented, the limit is per person, not per token; a 401 does not have these headers.
        if access is None or response.status == HTTPStatus.UNAUTHORIZED:
            return response
        person = access.person.get("id")
        self._used[person] = used = self._used.get(person, 0) + 1
        now = int(self._clock.now().timestamp())
        response.headers["x-ratelimit-limit"] = str(RATE_LIMIT)
        response.headers["x-ratelimit-remaining"] = str(max(RATE_LIMIT - used, 0))
        response.headers["x-ratelimit-reset"] = str((now // _HOUR + 1) * _HOUR)
        return response

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
            translations = {} if _wants_english(request) else _DUTCH
            errors = [[name, translations.get(text, text)] for name, text in updated.errors]
            return _json(422, {"message": _MESSAGES[422], "errors": errors})
        return _json(200, updated)

    async def _get_requests(self, request: web.Request) -> web.Response:
        view = request.match_info.get("view")
        # Documented names; an assumption: open is every status but completed.
        found = [
            item
            for item in self._store.listed()
            if view is None or (item["status"] == "completed") is (view == "completed")
        ]
        return _page(request, self._requests, found)

    async def _get_notes(self, request: web.Request) -> web.Response:
        number = _number(request)
        if self._store.request(number) is None:
            return _message(404)
        return _page(request, self._notes, self._store.notes(number))

    async def _get_linked(self, request: web.Request) -> web.Response:
        number, name = _number(request), request.match_info["linked"]
        if self._store.request(number) is None:
            return _message(404)
        return _page(request, _LINKED[name], self._store.linked(number, name))

    async def _get_storage(self, _request: web.Request) -> web.Response:
        return _json(200, self._storage.presign(self._upload_uri()))

    async def _post_attachment(self, request: web.Request) -> web.Response:
        if self._storage.provider != "local":
            return _message(404)
        try:
            upload = await self._storage.receive(request)
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


def error_response(_request: web.Request, status: int, text: str = "") -> web.Response:
    """Return an error response in the API's format, with `text` after the message."""
    message = _MESSAGES.get(status) or HTTPStatus(status).phrase
    body: dict[str, object] = {"message": f"{message} {text}".strip()}
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:
        body = {"message": message, "errors": [["subject", f"is not acceptable {text}".strip()]]}
    return _json(status, body)


def _page(
    request: web.Request, known: collection.Collection, records: list[dict[str, object]]
) -> web.Response:
    """Return the page of a collection that a query asks for, or the 400."""
    try:
        page = listing.page_of(known, records, list(request.query.items()))
    except QueryError as error:
        return _json(400, {"message": str(error)})
    response = _json(200, page.items)
    response.headers.update(page.headers)
    if page.following is not None:
        following = request.url.with_query(page.following)
        response.headers["link"] = f'<{following}>; rel="next"'
    return response


def _message(status: int) -> web.Response:
    return _json(status, {"message": _MESSAGES[status]})


def _json(status: int, value: object) -> web.Response:
    return web.Response(status=status, text=json.dumps(value), content_type="application/json")


def _number(request: web.Request) -> int:
    """Return the id in the path; 0, which no request has, if it is not a number."""
    text = request.match_info["id"]
    return int(text) if _WHOLE.fullmatch(text) else 0


def _wants_english(request: web.Request) -> bool:
    headers = request.headers
    language = headers.get("X-4me-Language") or headers.get("X-Xurrent-Language") or ""
    return language.lower().startswith("en")
