"""4me's attachment storage: three steps from files to keys (seed 001, "Attachments").

Ask where to upload, check every file against the limits there, upload each. The storage is 4me's
own (`local`) or S3; only the former gets the access token, and only on the connection's host.
"""

from __future__ import annotations

import contextlib
import logging
import os
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from xml.sax import SAXException
from xml.sax.handler import ContentHandler

import defusedxml.sax
from requests_toolbelt.multipart.encoder import MultipartEncoder, MultipartEncoderMonitor

from fourme.api_errors import ErrorContext, details_of, error_from_response
from fourme.files import File, UploadedFile
from fourme.hosts import is_safe, origin_of
from process.errors import (
    ConfigError,
    RejectedError,
    SpecError,
    TemporaryError,
    UnexpectedResponseError,
)
from process.logs import quote
from process.settings import MIN_UPLOAD_RATE, PROGRESS_INTERVAL
from spec.problems import Problem
from transport.failures import AttemptFailed, trace_id_of
from transport.http import json_body, send_once
from transport.retry_policy import FailureKind, Idempotency
from transport.retrying import Call, retry_call
from transport.session import plain_session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import requests

    from fourme.client import ApiClient
    from process.clock import Clock
    from process.errors import StepError
    from transport.retrying import RetryBudget

logger = logging.getLogger("step.storage")

T = TypeVar("T")

_LOCAL = "local"
_MAX_XML_BYTES = 64 * 1024  # bytes; S3's answers have some hundred
_UNITS = ("bytes", "KiB", "MiB", "GiB")


@dataclass(frozen=True)
class UploadTarget:
    """Where to upload, and what is taken there.

    Attributes:
        provider: `local` or `s3`.
        upload_uri: where to POST.
        parameters: form fields to send before the file, as given.
        size_limit: the largest file, in bytes; None when there is no limit.
        allowed_extensions: lower case, without dots; empty for all.
    """

    provider: str
    upload_uri: str
    parameters: Mapping[str, str]
    size_limit: int | None
    allowed_extensions: tuple[str, ...]

    def problems_of(self, file: File, size: int) -> Iterator[Problem]:
        """Yield why this storage would not take a file of a size."""
        extension = os.path.splitext(file.name)[1].lower().removeprefix(".")  # noqa: PTH122  pathlib costs start-up time
        if self.allowed_extensions and extension not in self.allowed_extensions:
            allowed = f"4me takes: {', '.join(self.allowed_extensions)}."
            yield Problem(file.place, f"is {file.name!r}, whose extension is not allowed", allowed)
        if self.size_limit is not None and size > self.size_limit:
            limit = f"4me takes {self.size_limit} bytes at most."
            yield Problem(file.place, f"is {file.name!r}, of {size} bytes", limit)


def upload_all(
    files: Sequence[File], api: ApiClient, budget: RetryBudget
) -> dict[tuple[str, int], UploadedFile]:
    """Upload files; return what the storage made of them, by field and index.

    Raises:
        SpecError: the storage does not take some of them; nothing was uploaded.
        StepError: an upload failed. In any case the request was not updated.
    """
    storage = _read_storage(api, budget)
    # Each size is read once: what is announced is what was checked, and is what is sent.
    sized = [(file, _reading(file, File.size_now)) for file in files]
    problems = [problem for file, size in sized for problem in storage.problems_of(file, size)]
    if problems:
        raise SpecError(
            "4me's storage does not take all files; nothing was uploaded, nothing was updated.",
            details=tuple(map(str, problems)),
            fix="Leave these files out, pack them, or rename them.",
        )
    with contextlib.ExitStack() as sessions:
        uploads = _Uploads(storage, api, sessions)
        return {(file.field, file.position): uploads.upload(file, size) for file, size in sized}


def _read_storage(api: ApiClient, budget: RetryBudget) -> UploadTarget:
    purpose = "ask where to upload files"
    try:
        value, response, _ = api.read("/attachments/storage", purpose, budget)
    except UnexpectedResponseError as error:
        raise _no_storage(error.what, error.trace_id) from error
    if not response.ok:
        raise error_from_response(response, ErrorContext(purpose, api.connection.account))
    storage = _storage_of(value, api) if isinstance(value, dict) else None
    if storage is None:
        raise _no_storage("The answer does not say where to upload.", trace_id_of(response))
    return storage


def _no_storage(what: str, trace_id: str | None) -> ConfigError:
    return ConfigError(
        "4me does not say where to upload files; the request was not updated.",
        details=(what,),
        cause="a proxy or another service answers in 4me's place",
        fix="Check the connection's host.",
        trace_id=trace_id,
    )


def _storage_of(value: Mapping[str, Any], api: ApiClient) -> UploadTarget | None:
    """Read 4me's answer; return None where it makes no sense."""
    provider, uri = value.get("provider"), value.get("upload_uri")
    parameters = value.get(provider) if isinstance(provider, str) else None
    limit, extensions = value.get("size_limit"), value.get("allowed_extensions") or []
    makes_sense = (
        isinstance(uri, str)
        and is_safe(uri, loopback=api.connection.host.is_loopback)
        and isinstance(parameters, dict)
        and all(type(item) in (str, int) for item in parameters.values())
        and (limit is None or (isinstance(limit, int) and not isinstance(limit, bool)))
        and isinstance(extensions, list)
        and all(isinstance(extension, str) for extension in extensions)
    )
    if not makes_sense:
        return None
    return UploadTarget(
        str(provider),
        str(uri),
        {name: str(parameter) for name, parameter in (parameters or {}).items()},
        limit,
        tuple(extension.lower().lstrip(".") for extension in extensions),
    )


@contextlib.contextmanager
def _session_for(storage: UploadTarget, api: ApiClient) -> Iterator[requests.Session]:
    """Yield the session to upload with: with the credentials for 4me's own storage alone."""
    if storage.provider != _LOCAL:
        with plain_session(api.context, storage.upload_uri) as session:
            yield session
        return
    scheme, address = origin_of(storage.upload_uri)
    host = api.connection.host
    if (scheme, address) != (host.scheme, host.address):
        raise ConfigError(
            f"4me's storage is at {quote(address)}, not at the connection's host "
            f"{host.address}; the step does not send the access token there.",
            fix=f"If you trust it, set the connection's host to {quote(address)}.",
        )
    yield api.session


class _Uploads:
    """Uploads files, one after the other, with the permission that 4me gave for all of them."""

    def __init__(
        self, storage: UploadTarget, api: ApiClient, sessions: contextlib.ExitStack
    ) -> None:
        self._api = api
        self._sessions = sessions
        self._use(storage)

    def _use(self, storage: UploadTarget) -> None:
        self._storage = storage
        self._session = self._sessions.enter_context(_session_for(storage, self._api))

    def upload(self, file: File, size: int) -> UploadedFile:
        """Upload the first `size` bytes of a file.

        Raises:
            SpecError: the file has become shorter, or cannot be read any more.
            StepError: the upload failed.
        """
        response, stored = self._deliver(file, size)
        if self._has_expired(response):
            logger.info("The permission to upload has expired; asking 4me for a new one.")
            self._use(_read_storage(self._api, self._api.budget()))
            response, stored = self._deliver(file, size)
        if stored is None:
            raise _refused(response, file, self._storage, self._api)
        return stored

    def _has_expired(self, response: requests.Response) -> bool:
        return (
            self._storage.provider != _LOCAL
            and response.status_code == HTTPStatus.FORBIDDEN
            and any("policy expired" in text.lower() for text in _xml_texts(response, "Message"))
        )

    def _deliver(self, file: File, size: int) -> tuple[requests.Response, UploadedFile | None]:
        """Return the storage's answer, and what it holds now; None where it refuses."""
        context, storage = self._api.context, self._storage
        context.raise_if_terminated()
        what = f"{file.name} ({readable_size(size)})"
        logger.info("Uploading %s to 4me's storage.", what)
        stored: list[UploadedFile] = []

        def attempt() -> requests.Response:
            with _reading(file, File.open) as content:
                form = MultipartEncoder(
                    [
                        ("Content-Type", file.content_type),
                        *storage.parameters.items(),
                        ("file", (file.name, _Portion(file, content, size), file.content_type)),
                    ]
                )
                progress = _Progress(what, context.clock)

                def send() -> requests.Response:
                    return self._session.post(
                        storage.upload_uri,
                        data=MultipartEncoderMonitor(form, progress.show),
                        headers={"Content-Type": form.content_type, "Accept": "*/*"},
                        timeout=context.timeout,
                        allow_redirects=False,
                        stream=True,
                    )

                response = send_once(send, context, extra_time=size / MIN_UPLOAD_RATE)
            if response.ok:
                stored.append(UploadedFile(_key_of(response, storage), size))
            elif storage.provider != _LOCAL:
                _check_patience(response)
            return response

        call = Call(f"upload {what}", "4me's storage", Idempotency.SAFE)
        try:
            response = retry_call(call, attempt, self._api.budget())
        except UnexpectedResponseError as error:
            raise TemporaryError(
                f"{error.what} The request was not updated.",
                cause="a proxy or another service answers in the storage's place",
                fix="Run the step again; if it persists, let the container reach the storage.",
                trace_id=error.trace_id,
            ) from error
        return response, stored[-1] if stored else None


def _check_patience(response: requests.Response) -> None:
    """Let an answer of S3 pass that is a refusal.

    Raises:
        AttemptFailed: it did not get the body in time, which is worth another attempt.
    """
    bad_request = response.status_code == HTTPStatus.BAD_REQUEST
    if bad_request and "RequestTimeout" in _xml_texts(response, "Code"):
        raise AttemptFailed(
            FailureKind.SERVER_ERROR,
            f"it answered {response.status_code} (RequestTimeout)",
            status=response.status_code,
            trace_id=trace_id_of(response),
        )


class _Portion:
    """Reads as many bytes of a file as were announced, and none of what is added to it meanwhile.

    Attributes:
        len: how many are left; requests_toolbelt goes by this.
    """

    def __init__(self, file: File, content: BinaryIO, size: int) -> None:
        self.len = size
        self._file = file
        self._content = content
        self._size = size

    def read(self, size: int) -> bytes:
        """Return the next bytes.

        Raises:
            SpecError: there are fewer than were announced, or they cannot be read.
        """
        wanted = self.len if size < 0 else min(size, self.len)
        piece = _reading(self._file, lambda _: self._content.read(wanted))
        self.len -= len(piece)
        if self.len and not piece:
            raise SpecError(
                f"{self._file.place}: {self._file.name} has become shorter while it was uploaded: "
                f"only {self._size - self.len} of {self._size} bytes are left; the request was not "
                "updated.",
                cause="the file was truncated or rotated by whoever writes it",
                fix="Copy the file first, and attach the copy.",
            )
        return piece


def _reading(file: File, read: Callable[[File], T]) -> T:
    """Do something with a file, which may have gone since it was checked."""
    try:
        return read(file)
    except OSError as error:
        raise SpecError(
            f"{file.place} cannot be read any more: {error.strerror}; the request was not updated.",
            fix="Let nothing change the file while the step runs.",
        ) from error


def _refused(
    response: requests.Response, file: File, storage: UploadTarget, api: ApiClient
) -> StepError:
    if storage.provider == _LOCAL:
        return error_from_response(
            response, ErrorContext(f"upload {file.name}", api.connection.account)
        )
    return RejectedError(
        f"The storage refused {file.name} ({response.status_code}); the request was not updated.",
        details=tuple(map(quote, _xml_texts(response, "Message"))) or details_of(response),
        cause="the permission to upload has expired, or the file does not fit its limits",
        fix="Run the step again; if it persists, leave the file out.",
        status=response.status_code,
    )


def readable_size(size: float) -> str:
    """Return a size as people write it, such as `1.5 MiB`."""
    step = min(max(int(size).bit_length() - 1, 0) // 10, len(_UNITS) - 1)
    return f"{size:.0f} bytes" if step == 0 else f"{size / 1024**step:.1f} {_UNITS[step]}"


class _Progress:
    """Tells every few seconds how far an upload is."""

    def __init__(self, what: str, clock: Clock) -> None:
        self._what = what
        self._clock = clock
        self._next = clock.monotonic() + PROGRESS_INTERVAL

    def show(self, monitor: MultipartEncoderMonitor) -> None:
        """Log a line when it is time."""
        if self._clock.monotonic() < self._next:
            return
        self._next = self._clock.monotonic() + PROGRESS_INTERVAL
        percent = 100 * monitor.bytes_read // max(monitor.len, 1)
        logger.info("Uploading %s: %d %%.", self._what, percent)


def _key_of(response: requests.Response, storage: UploadTarget) -> str:
    """Return the key under which the storage holds an upload.

    Raises:
        AttemptFailed: the answer does not tell.
    """
    key: object = None
    if storage.provider == _LOCAL:
        value = json_body(response)
        key = value.get("key") if isinstance(value, dict) else None
    else:
        key = next(iter(_xml_texts(response, "Key")), None)
    if isinstance(key, str) and key:
        return key
    raise AttemptFailed(
        FailureKind.INVALID_RESPONSE,
        f"it answered {response.status_code} without a key",
        status=response.status_code,
        trace_id=trace_id_of(response),
    )


def _xml_texts(response: requests.Response, name: str) -> tuple[str, ...]:
    """Return the texts of the elements of a name; nothing where the answer is no decent XML."""
    if len(response.content) > _MAX_XML_BYTES:
        return ()
    texts = _Texts(name)
    try:
        defusedxml.sax.parseString(response.content, texts, forbid_dtd=True)
    except (SAXException, LookupError, ValueError):  # LookupError: an unknown encoding
        return ()
    return tuple(text for text in texts.found if text)


class _Texts(ContentHandler):
    """Collects the texts of the elements of a name, whatever their namespace.

    Reads a stream of events: defusedxml's ElementTree cannot be imported lazily, as it must be
    in the image.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._inside = False
        self.found: list[str] = []

    def startElement(self, name: str, attrs: object) -> None:  # noqa: ARG002, N802  xml.sax's name
        self._inside = name.rpartition(":")[2] == self._name
        if self._inside:
            self.found.append("")

    def endElement(self, name: str) -> None:  # noqa: ARG002, N802  xml.sax's name
        self._inside = False

    def characters(self, content: str) -> None:
        if self._inside:
            self.found[-1] += content
