"""The storage that 4me wants files to be uploaded to: /attachments/storage."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple

from fourme.client import ErrorContext
from fourme.hosts import is_safe
from process.errors import ConfigError, UnexpectedResponseError
from transport.headers import trace_id_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from fourme.client import ApiClient
    from fourme.files import File


class UploadTarget(NamedTuple):
    """Where to upload, and which files are accepted there.

    Attributes:
        provider: `local`, for 4me's own storage, or `s3`.
        upload_uri: the URL to POST to.
        parameters: form fields to send before the file, as given.
        size_limit: the largest file, in bytes; None when there is no limit.
        allowed_extensions: lower case, without dots; empty for all.
    """

    provider: str
    upload_uri: str
    parameters: Mapping[str, str]
    size_limit: int | None
    allowed_extensions: tuple[str, ...]

    @property
    def is_local(self) -> bool:
        """Whether it is 4me's own storage."""
        return self.provider == "local"

    def problems_of(self, file: File, size: int) -> Iterator[str]:
        """Yield why a file of a size would not be accepted."""
        extension = os.path.splitext(file.name)[1].lower().removeprefix(".")  # noqa: PTH122  pathlib costs start-up time
        if self.allowed_extensions and extension not in self.allowed_extensions:
            allowed = ", ".join(self.allowed_extensions)
            yield (
                f"{file.place} is {file.name!r}, whose extension is not allowed. "
                f"4me accepts: {allowed}."
            )
        if self.size_limit is not None and size > self.size_limit:
            yield (
                f"{file.place} is {file.name!r}, of {size} bytes. "
                f"4me accepts {self.size_limit} bytes at most."
            )


def get_upload_target(api: ApiClient) -> UploadTarget:
    """Ask 4me where to upload; a response that does not say is a ConfigError."""
    try:
        context = ErrorContext("ask where to upload files")
        value, response, _ = api.get("/attachments/storage", context, api.budget())
    except UnexpectedResponseError as error:
        raise _no_target(error.what, error.trace_id) from error
    if isinstance(value, dict) and _is_target(value, loopback=api.connection.host.is_loopback):
        provider = value["provider"]
        return UploadTarget(
            provider,
            value["upload_uri"],
            {name: str(parameter) for name, parameter in value[provider].items()},
            value.get("size_limit"),
            tuple(name.lower().lstrip(".") for name in value.get("allowed_extensions") or ()),
        )
    raise _no_target("The answer does not say where to upload.", trace_id_of(response))


def _no_target(what: str, trace_id: str | None) -> ConfigError:
    return ConfigError(
        "4me does not say where to upload files; the request was not updated.",
        details=(what,),
        cause="a proxy or another service answers in 4me's place",
        fix="Check the connection's host.",
        trace_id=trace_id,
    )


def _is_target(value: Mapping[str, Any], *, loopback: bool) -> bool:
    provider, uri = value.get("provider"), value.get("upload_uri")
    parameters = value.get(provider) if isinstance(provider, str) else None
    limit, extensions = value.get("size_limit"), value.get("allowed_extensions") or []
    return (
        isinstance(uri, str)
        and is_safe(uri, loopback=loopback)
        and isinstance(parameters, dict)
        and all(type(item) in (str, int) for item in parameters.values())
        and (limit is None or type(limit) is int)
        and isinstance(extensions, list)
        and all(isinstance(extension, str) for extension in extensions)
    )
