"""Relay's metadata service: the spec of one step, its outputs and its decorators."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from http import HTTPStatus
from threading import Lock
from typing import TYPE_CHECKING

from aiohttp import web

from sandbox.relay import connections, expression_syntax
from sandbox.relay.expression_syntax import ExpressionError
from sandbox.relay.expressions import (
    Evaluated,
    Scope,
    encode,
    evaluate,
    evaluate_path,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.relay.document import Document

#: The maximum size of the outputs of a run, in bytes: the limit of a Kubernetes ConfigMap.
MAX_OUTPUTS = 1024 * 1024

_JSON = "application/json"
_TEXT_TYPES = ("text/plain", "application/octet-stream", "")

#: The code, title and text of each error, by status.
_ERRORS = {
    401: ("rma_api_authentication_error", "Unauthorized", "The credentials were not accepted."),
    403: ("rma_model_authorization_error", "Unauthorized", "This resource is not yours to use."),
    404: ("rma_model_not_found_error", "Not found", "There is no such resource."),
    409: ("rma_model_conflict_error", "Conflict", "The resource was changed by someone else."),
    422: ("rma_api_malformed_request_error", "Malformed request", "The body can't be read."),
    500: ("rma_model_write_error", "Write error", "The resource could not be written."),
}


class MetadataService:
    """The service's state and its handlers.

    Args:
        document: The input document.
        run: Which run is served.
        step: Which of its steps is served.
        token: What callers authenticate with.
    """

    def __init__(self, document: Document, run: str, step: str, token: str) -> None:
        self._step_name = step
        self._step = document.step(run, step)
        self._spec = self._step.spec
        self._fourme: str | None = None
        self._token = token
        self._lock = Lock()
        self._connections: dict[tuple[str, str], Mapping[str, object]] = dict(document.connections)
        self._secrets = document.secrets
        self._parameters = document.runs[run].parameters
        self._outputs = {
            (name, key): value
            for name, other in document.runs[run].steps.items()
            for key, value in other.outputs.items()
        }
        self._published: dict[str, object] = {}
        self._sensitive: dict[str, bool] = {}
        self._decorators: dict[str, object] = {}

    @property
    def outputs(self) -> dict[str, object]:
        """What the step has published, by name."""
        with self._lock:
            return dict(self._published)

    @property
    def decorators(self) -> dict[str, object]:
        """The decorators that the step has set, by name."""
        with self._lock:
            return dict(self._decorators)

    def use_fourme(self, url: str, placeholder: str) -> None:
        """Redirect the connections of type `4me`, that of the spec, and the placeholder to a URL.

        No call of the step may leave this machine: the host of the spec's connection is replaced
        when it is served, whatever its source.
        """
        self._fourme = url
        for key, fields in self._connections.items():
            if key[0] == "4me":
                self._connections[key] = {**fields, "host": url}
        if self._step.literal:
            self._spec = _replace(self._spec, placeholder, url)

    def spec(self) -> Evaluated:
        """Evaluate the whole spec.

        Raises:
            ExpressionError: It has an expression that the sandbox does not support.
        """
        if self._step.literal:
            return Evaluated(self._with_sandbox_hosts(self._spec, []), {})
        found = evaluate(self._spec, self._scope())
        return Evaluated(self._with_sandbox_hosts(found.value, []), found.unresolvable)

    def _part(self, query: str) -> Evaluated:
        """Evaluate the part of the spec that a query selects."""
        found = evaluate_path(self._spec, query, self._scope())
        segments, _ = expression_syntax.path(query, 0)
        return Evaluated(self._with_sandbox_hosts(found.value, segments), found.unresolvable)

    def _with_sandbox_hosts(
        self, value: object, path: Sequence[expression_syntax.Segment]
    ) -> object:
        """Return a part of the spec, with the hosts of the 4me API if that is served."""
        if self._fourme is None:
            return value
        return connections.redirect_hosts(self._fourme, encode(value), path)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the service."""
        return [
            web.get("/spec", self._get_spec),
            web.put("/outputs/{name}", self._put_output),
            web.put("/outputs/{name}/metadata", self._put_output_metadata),
            web.get("/outputs/{step}/{name}", self._get_output),
            web.post("/decorators/{name}", self._post_decorator),
        ]

    def unauthorized(self, request: web.Request) -> web.Response | None:
        """Return the 401 for a caller without the token; None if it has it."""
        return None if self._is_authorized(request) else error_response(request, 401)

    def _is_authorized(self, request: web.Request) -> bool:
        """Whether the token is there, as a Basic password or as a Bearer token."""
        kind, _, credentials = request.headers.get("Authorization", "").partition(" ")
        if kind.lower() == "basic":
            try:
                decoded = base64.b64decode(credentials, validate=True).decode("utf-8", "replace")
            except binascii.Error:
                return False
            credentials = decoded.partition(":")[2]
        elif kind.lower() != "bearer":
            return False
        return hmac.compare_digest(credentials.encode(), self._token.encode())

    def _scope(self) -> Scope:
        with self._lock:
            outputs = dict(self._outputs)
        return Scope(self._connections, outputs, self._parameters, self._secrets)

    async def _get_spec(self, request: web.Request) -> web.Response:
        language = request.query.get("lang", "")
        if language not in ("", "path"):
            return _failure("rma_expression_unsupported_language_error", f"language {language!r}")
        query = request.query.get("q", "")
        try:
            found = self._part(query) if query else self.spec()
        except ExpressionError as error:
            return _failure("rma_expression_evaluation_error", str(error))
        envelope = {
            "value": encode(found.value),
            "unresolvable": found.unresolvable,
            "complete": found.complete,
        }
        return _json(200, envelope)

    async def _put_output(self, request: web.Request) -> web.Response:
        # The whole header counts: with a charset it is another media type to Relay.
        media_type = request.headers.get("Content-Type", "")
        if media_type == _JSON:
            try:
                value = await request.json()
            except ValueError:
                return error_response(request, 422)
        elif media_type in _TEXT_TYPES:
            value = encode(await request.read())
        else:
            return _failure("rma_api_unknown_request_media_type_error", media_type)
        return self._publish(request, request.match_info["name"], value)

    def _publish(self, request: web.Request, name: str, value: object) -> web.Response:
        with self._lock:
            outputs = {**self._outputs, (self._step_name, name): value}
            if sum(_size(key, item) for key, item in outputs.items()) > MAX_OUTPUTS:
                return error_response(request, 500, f" Outputs are limited to {MAX_OUTPUTS} bytes.")
            self._outputs = outputs
            self._published[name] = value
        return web.Response(status=201)

    async def _put_output_metadata(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        body = await _object(request)
        if body is None or not isinstance(body.get("sensitive", False), bool):
            return error_response(request, 422)
        with self._lock:
            if name not in self._published:
                return error_response(request, 404)
            self._sensitive[name] = body.get("sensitive") is True
        return web.Response(status=201)

    async def _get_output(self, request: web.Request) -> web.Response:
        step, name = request.match_info["step"], request.match_info["name"]
        with self._lock:
            outputs = dict(self._outputs)
        if (step, name) not in outputs:
            return error_response(request, 404)
        value = encode(outputs[step, name])
        return _json(200, {"task_name": step, "key": name, "value": value})

    async def _post_decorator(self, request: web.Request) -> web.Response:
        body = await _object(request)
        if body is None or body.get("type") != "link":
            return error_response(request, 422)
        if not all(isinstance(body.get(key), str) for key in ("description", "uri")):
            return error_response(request, 422)
        with self._lock:
            self._decorators[request.match_info["name"]] = body
        return web.Response(status=201)


def error_response(request: web.Request, status: int, text: str = "") -> web.Response:
    """Return an error response in the service's format."""
    known = _ERRORS.get(status)
    if status == HTTPStatus.UNAUTHORIZED:
        return _plain(status, f"401 unauthorized{text}\n")
    if status == HTTPStatus.NOT_FOUND and request.match_info.http_exception is not None:
        return _plain(status, "404 page not found\n")
    if known is None:
        return _plain(status, f"{status} {HTTPStatus(status).phrase.lower()}{text}\n")
    code, title, description = known
    return _json(status, _envelope(code, title, description + text))


def _failure(code: str, text: str) -> web.Response:
    title = code.removeprefix("rma_").replace("_", " ").capitalize()
    return _json(422, _envelope(code, title, text))


def _envelope(code: str, title: str, text: str) -> dict[str, object]:
    section = code.split("_")[1]
    wording = {"friendly": text, "technical": text}
    return {
        "error": {
            "domain": "rma",
            "section": section,
            "code": code,
            "title": title,
            "description": wording,
            "arguments": {},
            "formatted": wording,
        }
    }


def _json(status: int, value: object) -> web.Response:
    return web.Response(status=status, body=json.dumps(value).encode(), content_type=_JSON)


def _plain(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text, headers={"X-Content-Type-Options": "nosniff"})


async def _object(request: web.Request) -> dict[str, object] | None:
    try:
        body = await request.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _size(key: tuple[str, str], value: object) -> int:
    return len("".join(key)) + len(json.dumps(encode(value)).encode())


def _replace(value: object, old: str, new: str) -> object:
    if isinstance(value, str):
        return value.replace(old, new)
    if isinstance(value, dict):
        return {key: _replace(item, old, new) for key, item in value.items()}
    if isinstance(value, list):
        return [_replace(item, old, new) for item in value]
    return value
