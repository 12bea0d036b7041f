"""From a spec as an engine delivers it to an order that can be carried out.

All problems come at once; nothing is sent when there is any.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fourme.hosts import Host, parse_host
from operations.payload import Update, update_of
from process.errors import ConfigError, SpecError
from spec.attachments import attachment_problems
from spec.coercion import CoercedSpec, Problem, coerce
from spec.fast_path import is_valid_fast

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from spec.schema import SpecSchema

_NO_CHANGE = (
    "Name a field to change; null, read-only inputs and empty lists of additions change none. To "
    "read a request only, use the `get` step (4me-step-requests-get)."
)


@dataclass(frozen=True)
class Connection:
    """Where 4me is, and as whom to call it."""

    host: Host
    access_token: str = field(repr=False)
    account: str


@dataclass(frozen=True)
class Spec:
    """A valid spec: what to update, where, and whether to tell more about it."""

    connection: Connection
    update: Update
    debug: bool


def validate(raw: object, schema: SpecSchema) -> Spec:
    """Convert and judge a spec.

    Args:
        raw: the spec as an engine delivers it.
        schema: the schema to judge by.

    Raises:
        SpecError: there are problems; its details name them all.
        ConfigError: the one problem is the host.
    """
    coerced = coerce(raw, schema)
    found = [*coerced.problems]
    if coerced.spec or not found:
        found += [*_schema_problems(coerced, schema), *_beyond_the_schema(coerced, schema)]
    if found:
        raise _refusal(found, coerced)
    return _order(coerced, schema)


def _order(coerced: CoercedSpec, schema: SpecSchema) -> Spec:
    connection = coerced.spec["connection"]
    update = update_of(coerced.spec["request"], tuple(coerced.cleared), schema)
    if not any(_is_change(name, value, schema) for name, value in update.body.items()):
        raise _refusal([Problem("request", "would change nothing", _NO_CHANGE)], coerced)
    return Spec(
        Connection(
            parse_host(connection["host"]), connection["accessToken"], connection["account"]
        ),
        update,
        coerced.spec.get("debug", False),
    )


def _is_change(name: str, value: object, schema: SpecSchema) -> bool:
    """Return whether a member of an update's body changes anything.

    4me merges custom fields and adds attachments, so that a list of none leaves all as it is.
    """
    known = schema.fields.get(name)
    return value != [] or known is None or known.kind not in ("custom_fields", "attachments")


def _refusal(found: Iterable[Problem], coerced: CoercedSpec) -> SpecError | ConfigError:
    """Return the error for the first problem of each place."""
    by_path: dict[str, Problem] = {}
    for problem in found:
        by_path.setdefault(problem.path, problem)
    problems = tuple(by_path.values())
    if [*by_path] == ["connection.host"] and "host" in coerced.spec["connection"]:
        return ConfigError(
            f"The connection's host is wrong: {problems[0]}",
            fix="Fix the host in the `4me` connection.",
        )
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    return SpecError(
        f"The spec has {count}; nothing was sent to 4me.",
        details=tuple(str(problem) for problem in problems),
        fix="Fix the step's spec in the workflow; the README lists every input.",
    )


def _schema_problems(coerced: CoercedSpec, schema: SpecSchema) -> Iterator[Problem]:
    if is_valid_fast(coerced.spec, schema.document, schema.document):
        return
    from spec.schema_errors import iter_problems  # noqa: PLC0415  costs start-up time; most specs are valid

    yield from iter_problems(coerced, schema)


def _beyond_the_schema(coerced: CoercedSpec, schema: SpecSchema) -> Iterator[Problem]:
    """Yield what is wrong with the request beyond what a schema can say."""
    request = coerced.spec.get("request")
    if isinstance(request, dict):
        yield from _known_additions(request.get("additional_fields"), schema)
        yield from attachment_problems(request, schema)


def _known_additions(additions: object, schema: SpecSchema) -> Iterator[Problem]:
    """Yield a problem for each additional field that has a place of its own."""
    for name in additions if isinstance(additions, dict) else ():
        if name in schema.fields:
            yield Problem(
                f"request.additional_fields.{name}",
                "is a field that this step knows",
                f"Move it to request.{name}, where it is checked.",
            )
