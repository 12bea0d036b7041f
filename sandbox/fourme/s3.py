"""An API like S3's: uploads by POST, responses in XML."""

from __future__ import annotations

from xml.sax.saxutils import escape

from aiohttp import web

from sandbox.fourme.uploads import AttachmentStorage, UploadError


class S3Api:
    """The handlers; callers authenticate with the presigned fields alone."""

    def __init__(self, storage: AttachmentStorage) -> None:
        self._storage = storage

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the service."""
        return [web.post("/s3/", self._post)]

    async def _post(self, request: web.Request) -> web.Response:
        if "Authorization" in request.headers:
            return _error(400, "InvalidArgument", "Only one auth mechanism allowed.")
        try:
            upload = await self._storage.receive(request)
        except UploadError as error:
            return _error(error.status, error.code, str(error))
        location = f"{request.url.origin()}/s3/{upload.key}"
        return _xml(
            201,
            f"<PostResponse><Location>{escape(location)}</Location><Bucket>4me</Bucket>"
            f'<Key>{escape(upload.key)}</Key><ETag>"{upload.sha256[:32]}"</ETag></PostResponse>',
        )


def error_response(_request: web.Request, status: int, text: str) -> web.Response:
    """Return an error response in S3's format."""
    code = {403: "AccessDenied", 404: "NoSuchKey", 503: "SlowDown"}.get(status, "InternalError")
    return _error(status, code, text or "The request can't be served.")


def _error(status: int, code: str, message: str) -> web.Response:
    return _xml(
        status, f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    )


def _xml(status: int, element: str) -> web.Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{element}'
    return web.Response(status=status, text=text, content_type="application/xml")
