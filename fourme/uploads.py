"""Uploads to 4me's attachment storage, in three steps from files to keys.

Ask where to upload, check every file against the limits there, upload each. The storage is 4me's
own (`local`) or S3; only the former gets the access token, and only on the connection's host.
"""

from __future__ import annotations

import contextlib
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from requests_toolbelt.multipart.encoder import MultipartEncoder, MultipartEncoderMonitor

from fourme.api_errors import details_of, error_from_response
from fourme.client import ErrorContext
from fourme.files import FilePortion, UploadedFile, describe
from fourme.hosts import origin_of
from fourme.s3_xml import xml_texts
from fourme.upload_target import UploadTarget, get_upload_target
from process.errors import (
    ConfigError,
    RejectedError,
    SpecError,
    TemporaryError,
    UnexpectedResponseError,
)
from process.logs import quote
from process.settings import MIN_UPLOAD_RATE, PROGRESS_INTERVAL
from transport.failures import AttemptFailed, FailureKind
from transport.http import Idempotency, send_once
from transport.json_body import json_body
from transport.retrying import RetryableCall, retry_call
from transport.session import plain_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import requests

    from fourme.client import ApiClient
    from fourme.files import File
    from process.clock import Clock

logger = logging.getLogger("step.uploads")


class _PolicyExpiredError(RejectedError):
    """The permission to upload, which S3 calls a policy, has expired."""


def upload_all(files: Sequence[File], api: ApiClient) -> dict[tuple[str, int], UploadedFile]:
    """Upload files; return the uploaded files by field and position.

    Raises:
        SpecError: the storage does not accept some of them, or they have changed meanwhile.
        StepError: an upload failed. In any case the request was not updated.
    """
    target = get_upload_target(api)
    # Each size is read once, so that the size checked, announced and sent is the same.
    sized = [(file, file.size_now()) for file in files]
    problems = [problem for file, size in sized for problem in target.problems_of(file, size)]
    if problems:
        raise SpecError(
            "4me's storage does not accept all files; nothing was uploaded, nothing was updated.",
            details=tuple(problems),
            fix="Leave these files out, pack them, or rename them.",
        )
    uploader = _Uploader(target, api)
    return {(file.field, file.position): uploader.upload(file, size) for file, size in sized}


class _Uploader:
    """Uploads files, one after the other, with the permission that 4me gave for all of them."""

    def __init__(self, target: UploadTarget, api: ApiClient) -> None:
        self._target = target
        self._api = api

    def upload(self, file: File, size: int) -> UploadedFile:
        """Upload the first `size` bytes of a file."""
        try:
            return self._upload(file, size)
        except _PolicyExpiredError:
            logger.info("The permission to upload has expired; asking 4me for a new one.")
            self._target = get_upload_target(self._api)
            return self._upload(file, size)

    def _upload(self, file: File, size: int) -> UploadedFile:
        self._api.context.raise_if_terminated()
        logger.info("Uploading %s to 4me's storage.", describe(file, size))
        call = RetryableCall(f"upload {describe(file, size)}", "4me's storage", Idempotency.SAFE)
        budget = self._api.budget()
        try:
            with _session_for(self._target, self._api) as session:
                return retry_call(call, lambda: self._upload_once(file, size, session), budget)
        except UnexpectedResponseError as error:
            raise TemporaryError(
                f"{error.what} The request was not updated.",
                cause="a proxy or another service answers in the storage's place",
                fix="Run the step again; if it persists, let the container reach the storage.",
                trace_id=error.trace_id,
            ) from error

    def _upload_once(self, file: File, size: int, session: requests.Session) -> UploadedFile:
        context, target = self._api.context, self._target
        with file.open() as content:
            form = MultipartEncoder(
                [  # the storages want Content-Type first, the file last
                    ("Content-Type", file.content_type),
                    *target.parameters.items(),
                    ("file", (file.name, FilePortion(file, content, size), file.content_type)),
                ]
            )
            progress = _Progress(describe(file, size), context.clock)

            def send() -> requests.Response:
                return session.post(
                    target.upload_uri,
                    data=MultipartEncoderMonitor(form, progress.log),
                    headers={"Content-Type": form.content_type, "Accept": "*/*"},
                    timeout=context.timeout,
                    allow_redirects=False,
                    stream=True,
                )

            response = send_once(send, context, extra_time=size / MIN_UPLOAD_RATE)
        if response.ok:
            return UploadedFile(_key_in(response, target), size)
        if target.is_local:
            error_context = ErrorContext(f"upload {file.name}", sends_values=True)
            raise error_from_response(response, error_context, self._api.connection.account)
        raise _s3_error(response, file)


@contextlib.contextmanager
def _session_for(target: UploadTarget, api: ApiClient) -> Iterator[requests.Session]:
    """Yield the session to upload with: with the credentials for 4me's own storage alone."""
    if not target.is_local:
        with plain_session(api.context, target.upload_uri) as session:
            yield session
        return
    scheme, address = origin_of(target.upload_uri)
    host = api.connection.host
    if (scheme, address) != (host.scheme, host.address):
        raise ConfigError(
            f"4me's storage is at {quote(address)}, not at the connection's host "
            f"{host.address}; the step does not send the access token there.",
            fix=f"If you trust it, set the connection's host to {quote(address)}.",
        )
    yield api.session


class _Progress:
    """Logs every few seconds how far an upload is."""

    def __init__(self, what: str, clock: Clock) -> None:
        self._what = what
        self._clock = clock
        self._next = clock.monotonic() + PROGRESS_INTERVAL

    def log(self, monitor: MultipartEncoderMonitor) -> None:
        if self._clock.monotonic() < self._next:
            return
        self._next = self._clock.monotonic() + PROGRESS_INTERVAL
        percent = 100 * monitor.bytes_read // max(monitor.len, 1)
        logger.info("Uploading %s: %d %%.", self._what, percent)


def _key_in(response: requests.Response, target: UploadTarget) -> str:
    """Return the key of an upload; without one the attempt has failed."""
    if target.is_local:
        value = json_body(response)
        key = value.get("key") if isinstance(value, dict) else None
    else:
        key = next(iter(xml_texts(response, "Key")), None)
    if isinstance(key, str) and key:
        return key
    raise AttemptFailed.from_response(response, FailureKind.INVALID_RESPONSE, " without a key")


def _s3_error(response: requests.Response, file: File) -> AttemptFailed | RejectedError:
    """Return the error for a response of S3 from 400 to 499."""
    status = response.status_code
    # S3 did not receive the body in time, which another attempt may change.
    if status == HTTPStatus.BAD_REQUEST and "RequestTimeout" in xml_texts(response, "Code"):
        return AttemptFailed.from_response(response, FailureKind.SERVER_ERROR, ", RequestTimeout")
    messages = xml_texts(response, "Message")
    is_expired = any("policy expired" in text.lower() for text in messages)
    kind = _PolicyExpiredError if is_expired and status == HTTPStatus.FORBIDDEN else RejectedError
    return kind(
        f"The storage refused {file.name} ({status}); the request was not updated.",
        details=tuple(map(quote, messages)) or details_of(response),
        cause="the permission to upload has expired, or the file does not fit its limits",
        fix="Run the step again; if it persists, leave the file out.",
        status=status,
    )
