"""The storage for attachments, in both flavours: an S3-like one, and 4me's own (`local`).

Whoever wants to upload is first granted fields to send along. They must come back as they were
issued, before the file.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal
from xml.sax.saxutils import escape

from aiohttp import BodyPartReader, web

from sandbox.fourme.attachments import Upload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.clock import Clock
    from sandbox.fourme.store import Store

Provider = Literal["s3", "local"]

_FILENAME = "${filename}"
_CHUNK = 1 << 18
_FIELD_LIMIT = 1 << 16


class UploadError(Exception):
    """An upload that the storage refuses.

    Attributes:
        status: The HTTP status.
        code: S3's word for it, such as `AccessDenied`.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class UploadLimits:
    """What may be uploaded: the largest size in bytes, and the extensions (empty allows all)."""

    size: int
    extensions: tuple[str, ...]


@dataclass
class AttachmentStorage:
    """Grants and takes uploads.

    Attributes:
        provider: `s3` or `local`.
        store: Where uploads are entered.
        clock: 4me's clock.
        limits: What may be uploaded.
        folder: Where files are kept; None for a folder that goes when this is closed.
        lifetime: Seconds that a grant may be used for.
    """

    provider: Provider
    store: Store
    clock: Clock
    limits: UploadLimits
    folder: Path | None = None
    lifetime: float = 3600.0
    _grants: dict[str, dict[str, str]] = field(default_factory=dict)
    _ends: dict[str, datetime] = field(default_factory=dict)
    _cleanup: ExitStack = field(default_factory=ExitStack)

    def grant(self, upload_uri: str) -> dict[str, object]:
        """Return what 4me tells a caller who wants to upload."""
        ends = self.clock.now().astimezone(UTC) + timedelta(seconds=self.lifetime)
        fields = self._s3_fields(ends) if self.provider == "s3" else self._local_fields(ends)
        self._grants[fields["key"]] = fields
        self._ends[fields["key"]] = ends
        shown: dict[str, object] = dict(fields)
        if "success_action_status" in fields:
            shown["success_action_status"] = int(fields["success_action_status"])
        return {
            "size_limit": self.limits.size,
            "allowed_extensions": list(self.limits.extensions),
            "provider": self.provider,
            "upload_uri": upload_uri,
            self.provider: shown,
        }

    async def receive(self, request: web.Request) -> Upload:
        """Take one upload, and enter it into the store.

        Raises:
            UploadError: The form is not as it must be, or the file is too large.
        """
        if not request.content_type == "multipart/form-data":
            raise UploadError(412, "PreconditionFailed", "The body must be multipart/form-data.")
        sent: dict[str, str] = {}
        upload: Upload | None = None
        try:
            async for part in await request.multipart():
                if not isinstance(part, BodyPartReader) or part.name is None:
                    raise UploadError(400, "InvalidArgument", "A part of the form has no name.")
                if upload is not None:
                    raise UploadError(403, "AccessDenied", "The file must be the last field.")
                if part.name == "file":
                    upload = await self._receive_file(part, self._granted(sent), sent)
                else:
                    sent[part.name] = await _text(part)
        except ValueError as error:
            raise UploadError(400, "MalformedPOSTRequest", f"Bad form: {error}") from error
        if upload is None:
            raise UploadError(400, "InvalidArgument", "POST requires exactly one file upload.")
        self.store.add_upload(upload)
        return upload

    def close(self) -> None:
        """Remove the files that nobody asked to keep."""
        self._cleanup.close()

    def _granted(self, sent: Mapping[str, str]) -> dict[str, str]:
        """Return the grant that an upload makes use of."""
        if next(iter(sent), None) != "Content-Type":
            raise UploadError(403, "AccessDenied", "Content-Type must be the first field.")
        grant = self._grants.get(sent.get("key", ""))
        if grant is None:
            raise UploadError(403, "AccessDenied", "The key is missing or was never granted.")
        if self.clock.now() >= self._ends[grant["key"]]:
            # S3's documented words; that local storage says the same is a guess.
            raise UploadError(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
        for name, value in grant.items():
            if sent.get(name) != value:
                raise UploadError(
                    403, "AccessDenied", f"Policy condition failed: {name} before the file."
                )
        extra = [name for name in sent if name not in grant and name != "Content-Type"]
        if extra:
            raise UploadError(403, "AccessDenied", f"Extra input field: {extra[0]}.")
        return grant

    async def _receive_file(
        self, part: BodyPartReader, grant: Mapping[str, str], sent: Mapping[str, str]
    ) -> Upload:
        if not part.filename:
            raise UploadError(400, "InvalidArgument", "The file has no name.")
        filename = PurePosixPath(part.filename.replace("\\", "/")).name
        path = self._new_path(filename)
        digest = hashlib.sha256()
        size = 0
        with path.open("wb") as file:
            while chunk := await part.read_chunk(_CHUNK):
                size += len(chunk)
                if size > self.limits.size:
                    raise UploadError(400, "EntityTooLarge", "The file is too large.")
                digest.update(chunk)
                file.write(chunk)
        return Upload(
            key=grant["key"].replace(_FILENAME, filename),
            filename=filename,
            content_type=sent["Content-Type"],
            size=size,
            sha256=digest.hexdigest(),
            path=path,
        )

    def _new_path(self, filename: str) -> Path:
        if self.folder is None:
            folder = tempfile.TemporaryDirectory(prefix="sandbox-uploads-")
            self.folder = Path(self._cleanup.enter_context(folder))
        return self.folder / f"{secrets.token_hex(4)}-{filename}"

    def _s3_fields(self, ends: datetime) -> dict[str, str]:
        now = self.clock.now().astimezone(UTC)
        key = self._key()
        policy = {
            "expiration": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
            "conditions": [{"acl": "private"}, ["starts-with", "$key", key.split("$", 1)[0]]],
        }
        return {
            "acl": "private",
            "key": key,
            "policy": base64.b64encode(json.dumps(policy).encode()).decode("ascii"),
            "success_action_status": "201",
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "x-amz-credential": f"AKIASANDBOX/{now:%Y%m%d}/us-east-1/s3/aws4_request",
            "x-amz-date": f"{now:%Y%m%dT000000Z}",
            "x-amz-server-side-encryption": "AES256",
            "x-amz-signature": secrets.token_hex(32),
        }

    def _local_fields(self, ends: datetime) -> dict[str, str]:
        return {
            "key": self._key(),
            "x-4me-expiration": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
            "x-4me-signature": secrets.token_hex(32),
        }

    def _key(self) -> str:
        now = self.clock.now().astimezone(UTC)
        unique = f"{int(now.timestamp())}-{secrets.token_hex(5)}"
        return f"attachments/5/{now:%Y/%m/%d}/6/{unique}/{_FILENAME}"


class S3Api:
    """The S3-like service: no credentials but the granted fields, answers in XML."""

    def __init__(self, storage: AttachmentStorage) -> None:
        self._storage = storage

    def routes(self) -> list[web.RouteDef]:
        """Return what the service answers."""
        return [web.post("/s3/", self._post)]

    async def _post(self, request: web.Request) -> web.Response:
        if "Authorization" in request.headers:
            return _s3_error(400, "InvalidArgument", "Only one auth mechanism allowed.")
        try:
            upload = await self._storage.receive(request)
        except UploadError as error:
            return _s3_error(error.status, error.code, str(error))
        location = f"{request.url.origin()}/s3/{upload.key}"
        return _xml(
            201,
            f"<PostResponse><Location>{escape(location)}</Location><Bucket>4me</Bucket>"
            f'<Key>{escape(upload.key)}</Key><ETag>"{upload.sha256[:32]}"</ETag></PostResponse>',
        )


def s3_error_response(_request: web.Request, status: int, text: str) -> web.Response:
    """Return an error as S3 words it."""
    code = {403: "AccessDenied", 404: "NoSuchKey", 503: "SlowDown"}.get(status, "InternalError")
    return _s3_error(status, code, text or "The request can't be served.")


async def _text(part: BodyPartReader) -> str:
    data = bytearray()
    while chunk := await part.read_chunk(_FIELD_LIMIT):
        data += chunk
        if len(data) > _FIELD_LIMIT:
            raise UploadError(400, "MaxPostPreDataLengthExceeded", "A field is too long.")
    return data.decode("utf-8", "replace")


def _s3_error(status: int, code: str, message: str) -> web.Response:
    return _xml(
        status, f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    )


def _xml(status: int, element: str) -> web.Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{element}'
    return web.Response(status=status, text=text, content_type="application/xml")
