"""From a spec as an engine delivers it to a valid one.

All problems are reported at once; nothing is sent when there is any.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from process.errors import ConfigError, SpecError
from spec.coercion import CoercedSpec, coerce
from spec.fast_path import is_valid_spec_fast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from spec.problems import Problem
    from spec.schema import SpecSchema

    Check = Callable[[CoercedSpec, SpecSchema], Iterable[Problem]]


class Spec(NamedTuple):
    """A valid spec.

    Attributes:
        values: its inputs, coerced to the documented types.
        cleared: the fields of `request` that are to be cleared.
        aliases_used: the user's name of a field of `request`, by the schema's, where they differ.
    """

    values: Mapping[str, Any]
    cleared: tuple[str, ...]
    schema: SpecSchema
    aliases_used: Mapping[str, str]

    @property
    def debug(self) -> bool:
        """Whether debug lines are wanted."""
        return bool(self.values.get("debug", False))

    @property
    def mode(self) -> str:
        """How to make an update: `update`, `ensure` or `preview`."""
        return str(self.values.get("mode", "update"))

    def private_texts(self) -> Iterator[str]:
        """Yield the texts that no log may show, such as notes."""
        request = self.values.get("request", {})
        for fields, values in ((self.schema.inputs, self.values), (self.schema.fields, request)):
            yield from (values[name] for name in values if name in fields and fields[name].private)

    def __repr__(self) -> str:
        """Return the names of the inputs; their values may be secrets."""
        return f"Spec({', '.join(self.values)})"


def validate(raw: object, schema: SpecSchema, check: Check) -> Spec:
    """Coerce and validate a spec.

    Args:
        raw: the spec as an engine delivers it.
        schema: what it has to satisfy.
        check: yields what is wrong with the coerced spec beyond the schema.

    Raises:
        SpecError: there are problems; its details name them all.
        ConfigError: the only problem is the host.
    """
    coerced = coerce(raw, schema)
    problems = [*coerced.problems]
    if coerced.spec or not problems:
        if not is_valid_spec_fast(coerced.spec, schema):
            from spec.schema_errors import iter_problems  # noqa: PLC0415  slow, and rarely needed

            problems += iter_problems(coerced, schema)
        problems += check(coerced, schema)
    if problems:
        raise invalid_spec(problems)
    return Spec(coerced.spec, tuple(coerced.cleared), schema, coerced.aliases_used)


def invalid_spec(problems: Iterable[Problem]) -> SpecError | ConfigError:
    """Return the error for the first problem of each place."""
    by_path: dict[str, Problem] = {}
    for problem in problems:
        by_path.setdefault(problem.path, problem)
    lines = tuple(map(str, by_path.values()))
    if [*by_path] == ["connection.host"] and by_path["connection.host"].message != "is missing":
        return ConfigError(
            f"The connection's host is wrong: {lines[0]}",
            fix="Fix the host in the `4me` connection.",
        )
    count = "1 problem" if len(lines) == 1 else f"{len(lines)} problems"
    return SpecError(
        f"The spec has {count}; nothing was sent to 4me.",
        details=lines,
        fix="Fix the step's spec in the workflow; the README lists every input.",
    )
