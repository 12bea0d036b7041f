"""Uploads to 4me's attachment storage, in three steps from files to keys.

Ask where to upload, check every file against the limits there, upload each. The storage is 4me's
own (`local`) or S3; only the former gets the access token, and only on the connection's host.
"""

from __future__ import annotations

import contextlib
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from fourme.api_errors import ErrorContext, details_of, error_from_response
from fourme.files import File, UploadedFile
from fourme.hosts import origin_of
from fourme.s3_xml import xml_texts
from fourme.upload_body import describe, read_file, upload_form
from fourme.upload_target import UploadTarget, get_upload_target
from process.errors import (
    ConfigError,
    RejectedError,
    SpecError,
    TemporaryError,
    UnexpectedResponseError,
)
from process.logs import quote
from process.settings import MIN_UPLOAD_RATE
from transport.failures import AttemptFailed
from transport.http import send_once
from transport.json_body import json_body
from transport.retry_policy import FailureKind, Idempotency
from transport.retrying import RetryableCall, retry_call
from transport.session import plain_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import requests

    from fourme.client import ApiClient
    from transport.context import RetryBudget

logger = logging.getLogger("step.uploads")


class _PolicyExpiredError(RejectedError):
    """The permission to upload, which S3 calls a policy, is too old."""


def upload_all(
    files: Sequence[File], api: ApiClient, budget: RetryBudget
) -> dict[tuple[str, int], UploadedFile]:
    """Upload files; return what the storage made of them, by field and position.

    Raises:
        SpecError: the storage does not take some of them; nothing was uploaded.
        StepError: an upload failed. In any case the request was not updated.
    """
    target = get_upload_target(api, budget)
    # Each size is read once: what is announced is what was checked, and is what is sent.
    sized = [(file, read_file(file, File.size_now)) for file in files]
    problems = [problem for file, size in sized for problem in target.problems_of(file, size)]
    if problems:
        raise SpecError(
            "4me's storage does not take all files; nothing was uploaded, nothing was updated.",
            details=tuple(problems),
            fix="Leave these files out, pack them, or rename them.",
        )
    with contextlib.ExitStack() as sessions:
        uploader = _Uploader(target, api, sessions)
        return {(file.field, file.position): uploader.upload(file, size) for file, size in sized}


class _Uploader:
    """Uploads files, one after the other, with the permission that 4me gave for all of them."""

    def __init__(
        self, target: UploadTarget, api: ApiClient, sessions: contextlib.ExitStack
    ) -> None:
        self._api = api
        self._sessions = sessions
        self._use(target)

    def _use(self, target: UploadTarget) -> None:
        self._target = target
        self._session = self._sessions.enter_context(_session_for(target, self._api))

    def upload(self, file: File, size: int) -> UploadedFile:
        """Upload the first `size` bytes of a file.

        Raises:
            SpecError: the file has become shorter, or cannot be read any more.
            StepError: the upload failed.
        """
        try:
            return self._upload(file, size)
        except _PolicyExpiredError:
            logger.info("The permission to upload has expired; asking 4me for a new one.")
            self._use(get_upload_target(self._api, self._api.budget()))
            return self._upload(file, size)

    def _upload(self, file: File, size: int) -> UploadedFile:
        self._api.context.raise_if_terminated()
        logger.info("Uploading %s to 4me's storage.", describe(file, size))
        call = RetryableCall(f"upload {describe(file, size)}", "4me's storage", Idempotency.SAFE)
        try:
            return retry_call(call, lambda: self._upload_once(file, size), self._api.budget())
        except UnexpectedResponseError as error:
            raise TemporaryError(
                f"{error.what} The request was not updated.",
                cause="a proxy or another service answers in the storage's place",
                fix="Run the step again; if it persists, let the container reach the storage.",
                trace_id=error.trace_id,
            ) from error

    def _upload_once(self, file: File, size: int) -> UploadedFile:
        context, target = self._api.context, self._target
        with read_file(file, File.open) as content:
            form = upload_form(file, content, size, target.parameters, context.clock)

            def send() -> requests.Response:
                return self._session.post(
                    target.upload_uri,
                    data=form,
                    headers={"Content-Type": form.content_type, "Accept": "*/*"},
                    timeout=context.timeout,
                    allow_redirects=False,
                    stream=True,
                )

            response = send_once(send, context, extra_time=size / MIN_UPLOAD_RATE)
        if response.ok:
            return UploadedFile(_key_of(response, target), size)
        if target.is_local:
            error_context = ErrorContext(f"upload {file.name}")
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


def _key_of(response: requests.Response, target: UploadTarget) -> str:
    """Return the key under which the storage holds an upload.

    Raises:
        AttemptFailed: the answer does not tell.
    """
    key: object = None
    if target.is_local:
        value = json_body(response)
        key = value.get("key") if isinstance(value, dict) else None
    else:
        key = next(iter(xml_texts(response, "Key")), None)
    if isinstance(key, str) and key:
        return key
    raise AttemptFailed.from_response(response, FailureKind.INVALID_RESPONSE, " without a key")


def _s3_error(response: requests.Response, file: File) -> AttemptFailed | RejectedError:
    """Return what an answer of S3 from 400 to 499 means."""
    status = response.status_code
    # The body did not arrive in time, which is worth another attempt.
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
