"""The storage for attachments, of both providers: one like S3, and 4me's own (`local`).

An upload is presigned first: 4me issues form fields that have to be sent unchanged before the
file.
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

from aiohttp import BodyPartReader, web

from sandbox.fourme.attachments import Upload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sandbox.clock import Clock
    from sandbox.fourme.store import Store

Provider = Literal["s3", "local"]

_FILENAME = "${filename}"
_CHUNK = 1 << 18  # bytes
_MAX_FIELD = 1 << 16  # bytes


class UploadError(Exception):
    """An upload that the storage rejects.

    Attributes:
        status: The HTTP status.
        code: S3's error code, such as `AccessDenied`.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True)
class UploadLimits:
    """The maximum size in bytes, and the allowed extensions (empty allows all)."""

    size: int
    extensions: tuple[str, ...]


@dataclass
class AttachmentStorage:
    """Presigns and receives uploads.

    Attributes:
        provider: `s3` or `local`.
        store: Where uploads are recorded.
        clock: 4me's clock.
        limits: The limits of an upload.
        folder: Where files are written to; None for a temporary folder, removed by `close`.
        lifetime: How long a presigned upload is valid, in seconds.
    """

    provider: Provider
    store: Store
    clock: Clock
    limits: UploadLimits
    folder: Path | None = None
    lifetime: float = 3600.0
    _presigned: dict[str, dict[str, str]] = field(default_factory=dict)
    _expirations: dict[str, datetime] = field(default_factory=dict)
    _cleanup: ExitStack = field(default_factory=ExitStack)

    def presign(self, upload_uri: str) -> dict[str, object]:
        """Return what a caller needs for one upload, as 4me responds."""
        expires = self.clock.now().astimezone(UTC) + timedelta(seconds=self.lifetime)
        fields = self._s3_fields(expires) if self.provider == "s3" else self._local_fields(expires)
        self._presigned[fields["key"]] = fields
        self._expirations[fields["key"]] = expires
        response: dict[str, object] = dict(fields)
        if "success_action_status" in fields:
            response["success_action_status"] = int(fields["success_action_status"])
        return {
            "size_limit": self.limits.size,
            "allowed_extensions": list(self.limits.extensions),
            "provider": self.provider,
            "upload_uri": upload_uri,
            self.provider: response,
        }

    async def receive(self, request: web.Request) -> Upload:
        """Receive one upload, and record it in the store.

        Raises:
            UploadError: The form is invalid, or the file is too large.
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
                    upload = await self._receive_file(part, self._presigned_fields(sent), sent)
                else:
                    sent[part.name] = await _text(part)
        except ValueError as error:
            raise UploadError(400, "MalformedPOSTRequest", f"Bad form: {error}") from error
        if upload is None:
            raise UploadError(400, "InvalidArgument", "POST requires exactly one file upload.")
        self.store.add_upload(upload)
        return upload

    def close(self) -> None:
        """Remove the temporary folder."""
        self._cleanup.close()

    def _presigned_fields(self, sent: Mapping[str, str]) -> dict[str, str]:
        """Check the form fields of an upload; return those that were issued."""
        if next(iter(sent), None) != "Content-Type":
            raise UploadError(403, "AccessDenied", "Content-Type must be the first field.")
        issued = self._presigned.get(sent.get("key", ""))
        if issued is None:
            raise UploadError(403, "AccessDenied", "The key is missing or was never granted.")
        if self.clock.now() >= self._expirations[issued["key"]]:
            # S3's documented message; that local storage has the same is an assumption.
            raise UploadError(403, "AccessDenied", "Invalid according to Policy: Policy expired.")
        for name, value in issued.items():
            if sent.get(name) != value:
                raise UploadError(
                    403, "AccessDenied", f"Policy condition failed: {name} before the file."
                )
        extra = [name for name in sent if name not in issued and name != "Content-Type"]
        if extra:
            raise UploadError(403, "AccessDenied", f"Extra input field: {extra[0]}.")
        return issued

    async def _receive_file(
        self, part: BodyPartReader, issued: Mapping[str, str], sent: Mapping[str, str]
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
            key=issued["key"].replace(_FILENAME, filename),
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

    def _s3_fields(self, expires: datetime) -> dict[str, str]:
        now = self.clock.now().astimezone(UTC)
        key = self._key()
        policy = {
            "expiration": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
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

    def _local_fields(self, expires: datetime) -> dict[str, str]:
        return {
            "key": self._key(),
            "x-4me-expiration": f"{expires:%Y-%m-%dT%H:%M:%SZ}",
            "x-4me-signature": secrets.token_hex(32),
        }

    def _key(self) -> str:
        now = self.clock.now().astimezone(UTC)
        unique = f"{int(now.timestamp())}-{secrets.token_hex(5)}"
        return f"attachments/5/{now:%Y/%m/%d}/6/{unique}/{_FILENAME}"


async def _text(part: BodyPartReader) -> str:
    data = bytearray()
    while chunk := await part.read_chunk(_MAX_FIELD):
        data += chunk
        if len(data) > _MAX_FIELD:
            raise UploadError(400, "MaxPostPreDataLengthExceeded", "A field is too long.")
    return data.decode("utf-8", "replace")
