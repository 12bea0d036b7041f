"""From a spec as an engine delivers it to an order that can be carried out.

All problems come at once; nothing is sent when there is any.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fourme.attachments import attachment_problems
from fourme.conversion import Draft, Problem, convert
from fourme.hosts import Host, parse_host
from fourme.precheck import is_surely_valid
from fourme.translation import Update, translate
from process.errors import ConfigError, SpecError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from fourme.schema import SpecSchema

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
class Order:
    """A valid spec: what to update, where, and whether to tell more about it."""

    connection: Connection
    update: Update
    debug: bool


def validate(raw: object, schema: SpecSchema) -> Order:
    """Convert and judge a spec.

    Args:
        raw: the spec as an engine delivers it.
        schema: the schema to judge by.

    Raises:
        SpecError: there are problems; its details name them all.
        ConfigError: the one problem is the host.
    """
    draft = convert(raw, schema)
    found = [*draft.problems]
    if draft.spec or not found:
        found += [*_schema_problems(draft, schema), *_beyond_the_schema(draft, schema)]
    if found:
        raise _refusal(found, draft)
    return _order(draft, schema)


def _order(draft: Draft, schema: SpecSchema) -> Order:
    connection = draft.spec["connection"]
    update = translate(draft.spec["request"], tuple(draft.cleared), schema)
    if not any(_is_change(name, value, schema) for name, value in update.body.items()):
        raise _refusal([Problem("request", "would change nothing", _NO_CHANGE)], draft)
    return Order(
        Connection(
            parse_host(connection["host"]), connection["accessToken"], connection["account"]
        ),
        update,
        draft.spec.get("debug", False),
    )


def _is_change(name: str, value: object, schema: SpecSchema) -> bool:
    """Return whether a member of an update's body changes anything.

    4me merges custom fields and adds attachments, so that a list of none leaves all as it is.
    """
    known = schema.fields.get(name)
    return value != [] or known is None or known.kind not in ("custom_fields", "attachments")


def _refusal(found: Iterable[Problem], draft: Draft) -> SpecError | ConfigError:
    """Return the error for the first problem of each place."""
    by_path: dict[str, Problem] = {}
    for problem in found:
        by_path.setdefault(problem.path, problem)
    problems = tuple(by_path.values())
    if [*by_path] == ["connection.host"] and "host" in draft.spec["connection"]:
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


def _schema_problems(draft: Draft, schema: SpecSchema) -> Iterator[Problem]:
    if is_surely_valid(draft.spec, schema.document, schema.document):
        return
    from fourme.judge import verdict  # noqa: PLC0415  costs start-up time; most specs are valid

    yield from verdict(draft, schema)


def _beyond_the_schema(draft: Draft, schema: SpecSchema) -> Iterator[Problem]:
    """Yield what is wrong with the request beyond what a schema can say."""
    request = draft.spec.get("request")
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
