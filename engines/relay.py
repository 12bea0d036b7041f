"""Relay: its metadata service, spoken to through relay-sdk.

The SDK knows neither timeouts nor retries, follows redirects, and does not say which references
are unresolved; the adapter mounted on its session does (contract sections 8 to 10).
"""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from relay_sdk import Interface, UnresolvableException
from relay_sdk.client import MetadataAPIAdapter

from process.errors import (
    ConfigError,
    OutputError,
    SpecError,
    StepError,
    UnexpectedResponseError,
    UnresolvedError,
)
from process.json_depth import MAX_DEPTH
from process.logs import quote
from process.settings import MAX_LINK_RETRY_TIME
from transport.budget import RetryBudget
from transport.http import send_once
from transport.json_body import ExcessiveDepthError, json_body
from transport.retry_policy import Idempotency
from transport.retrying import RetryableCall, retry_call

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import requests

    from process.output import Link, Output
    from transport.context import RunContext

logger = logging.getLogger("step.relay")

_SESSION_SCHEME = "http+api://"  # relay-sdk's own name for the metadata service
_CONFLICT = 409
_UNAUTHORIZED = 401
_MAX_TITLE = 120  # characters of what an error is called
_READ_SPEC = "read the spec"
_SET_OUTPUT = "publish the output"
_SET_LINK = "set the link"
_SINGULAR = {
    "secrets": "secret",
    "parameters": "parameter",
    "answers": "answer",
    "statuses": "status",
}


class RelayEngine:
    """The step's side of Relay's metadata service."""

    def __init__(self, url: str, context: RunContext) -> None:
        """Take the metadata service's URL, which holds the step's token.

        Raises:
            ConfigError: it is not such a URL.
        """
        self._adapter = _MetadataAdapter(_checked(url), context)
        self._interface = Interface(api_url=url, configure_logging=False)
        session = self._interface._client  # noqa: SLF001  the SDK gives its session no public name
        session.trust_env = False  # no proxy, no .netrc
        session.verify = context.verify
        session.mount(_SESSION_SCHEME, self._adapter)

    def read_spec(self) -> object:
        """Return the spec, its references resolved."""
        try:
            return self._interface.get()
        except UnresolvableException as error:
            raise _unresolved(self._adapter.spec_answer) from error
        except UnexpectedResponseError as error:
            raise _no_spec(error.what) from error
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise _no_spec(type(error).__name__) from error

    def check_outputs(self) -> None:
        """Do nothing: the metadata service cannot be asked whether it would take an output."""

    def publish(self, output: Output) -> None:
        """Set every output that has a value, and the link."""
        try:
            for name, value in output.values.items():
                if value is not None:
                    self._interface.outputs.set(name, value)
        except StepError as error:
            raise OutputError(
                "Relay did not take the output.",
                applied=output.applied,
                details=(error.what, *error.details),
                cause="the outputs of a run are limited to 1 MiB in all, or the metadata service "
                "is down",
                fix="Go on with the workflow by hand; running the step again would repeat notes.",
                status=error.status,
            ) from error
        if output.link:
            self._set_link(output.link)

    def _set_link(self, link: Link) -> None:
        try:
            self._interface.decorators.set_link(link.name, link.label, link.url)
        except StepError as error:
            logger.warning("Relay did not take the link: %s", error.what)


class _MetadataAdapter(MetadataAPIAdapter):  # type: ignore[misc]  # relay-sdk ships no types
    """Carries the SDK's calls, under the retry policy.

    Attributes:
        spec_answer: the metadata service's answer to the question for the spec.
    """

    def __init__(self, url: str, context: RunContext) -> None:
        super().__init__(base_url=url)
        self._transport = context
        self.spec_answer: object = None

    def send(
        self,
        request: requests.PreparedRequest,
        *_: object,
        **options: Any,  # noqa: ANN401  handed on to requests as they are
    ) -> requests.Response:
        """Make a call; return an answer whose status is below 300.

        Raises:
            StepError: there is none to be had.
        """
        purpose = _purpose_of(request)
        options |= {"stream": True, "timeout": self._transport.timeout, "proxies": {}}
        if purpose is _SET_LINK:
            options["timeout"] = tuple(
                min(limit, MAX_LINK_RETRY_TIME) for limit in options["timeout"]
            )
        busy = frozenset() if purpose is _READ_SPEC else frozenset({_CONFLICT})

        def send() -> requests.Response:
            response: requests.Response = super(_MetadataAdapter, self).send(request, **options)
            return response

        def attempt() -> requests.Response:
            response = send_once(send, self._transport, retry_statuses=busy)
            if not response.ok:
                raise _refusal(response, purpose)
            if purpose is _READ_SPEC:
                self.spec_answer = _json_of(response)
            return response

        idempotency = Idempotency.SAFE if purpose is _READ_SPEC else Idempotency.IDEMPOTENT
        longest = MAX_LINK_RETRY_TIME if purpose is _SET_LINK else float("inf")
        return retry_call(
            RetryableCall(
                purpose,
                "the metadata service",
                idempotency,
                finish_after_sigterm=purpose is _SET_OUTPUT,
            ),
            attempt,
            RetryBudget(self._transport.settings, self._transport.clock, longest),
        )


def _json_of(response: requests.Response) -> object:
    try:
        return json_body(response)
    except ExcessiveDepthError as error:
        raise SpecError(
            f"The spec is nested deeper than {MAX_DEPTH} levels; nothing was sent to 4me.",
            fix="Correct the value in the workflow that brings so many levels.",
        ) from error


def _no_spec(reason: str) -> ConfigError:
    return ConfigError(
        "The metadata service's answer is not a spec.",
        details=(reason,),
        cause="METADATA_API_URL leads to another service, or a value's base64 is broken",
        fix="Check METADATA_API_URL and the step's spec.",
    )


def _purpose_of(request: requests.PreparedRequest) -> str:
    path = urlsplit(request.url or "").path
    if path.startswith("/outputs/"):
        return _SET_OUTPUT
    return _SET_LINK if path.startswith("/decorators/") else _READ_SPEC


def _refusal(response: requests.Response, purpose: str) -> ConfigError:
    """Return the error for an answer from 400 to 499."""
    status = response.status_code
    if status == _UNAUTHORIZED:
        return ConfigError(
            f"The metadata service does not know this step (401); it could not {purpose}.",
            cause="METADATA_API_URL lacks its token, or the run is over",
            fix="Start the step from a workflow, or take METADATA_API_URL anew from the sandbox.",
            status=status,
        )
    return ConfigError(
        f"The metadata service refuses to let the step {purpose} ({status}).",
        details=_words_of(response),
        cause="METADATA_API_URL leads to another service, or to another version of it",
        fix="Check METADATA_API_URL.",
        status=status,
    )


def _words_of(response: requests.Response) -> tuple[str, ...]:
    """Return the code and the title of an error of the metadata service.

    Nothing else of it is shown: it may quote the spec, whose secrets may not be known yet.
    """
    try:
        error = json.loads(response.content)["error"]
        words = f"{error['code']}: {error['title']}"
    except (ValueError, TypeError, KeyError, RecursionError):
        return ()
    return (quote(words),) if len(words) <= _MAX_TITLE else ()


def _checked(url: str) -> str:
    """Return the metadata service's URL if it is one; never show it, since it holds a token."""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise ConfigError(
            "METADATA_API_URL is not a URL of the form http://:TOKEN@HOST:PORT.",
            fix="Leave the variable as Relay sets it, or take it from the sandbox.",
        )
    return url


def _unresolved(answer: object) -> UnresolvedError:
    """Return an error that names each reference that the metadata service could not resolve."""
    lists = answer.get("unresolvable") if isinstance(answer, dict) else None
    return UnresolvedError(
        "The spec has references that Relay cannot resolve.",
        details=tuple(_names_of(lists if isinstance(lists, dict) else {}))
        or ("the metadata service does not say which",),
        cause="a connection or secret was renamed or not created, a parameter has no value, or "
        "the step that publishes an output has not run before this one",
        fix="Create what is missing, or mend the reference in the workflow; a step that takes "
        "another's output must depend on it.",
    )


def _names_of(lists: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each reference: `connection 4me/name`, `output key of step name`, ..."""
    for kind, references in lists.items():
        for reference in references if isinstance(references, list) else [references]:
            yield quote(_name_of(str(kind), reference))


def _name_of(kind: str, reference: object) -> str:
    if not isinstance(reference, dict) or "name" not in reference:
        return f"{kind}: {json.dumps(reference)}"
    name = reference["name"]
    if "type" in reference:
        return f"connection {reference['type']}/{name}"
    if "from" in reference:
        return f"output {name} of step {reference['from']}"
    return f"{_SINGULAR.get(kind, kind)} {name}"
