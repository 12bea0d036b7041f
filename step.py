"""Update a 4me request from a workflow: the whole story on one screen.

Read the spec from the engine, validate it, update the request, publish the answer as the output.
Whatever fails ends in one readable error and a documented exit code (`process.errors`).
"""

from __future__ import annotations

if __name__ == "__main__":
    from process.early_signals import install_early_handlers

    install_early_handlers()  # first of all: what follows takes a while to load

import logging
import math
import sys
from typing import TYPE_CHECKING

from engines import choose_engine, install_error_annotations, read_arguments
from fourme.client import ApiClient
from operations import describe_operations, load_operation
from process.clock import Clock
from process.logs import configure_logging, enable_debug_logging
from process.redaction import Redactor
from process.settings import Settings
from process.startup import exit_code_of, run_process
from spec.schema import load_spec_schema
from spec.secrets import (
    credentials_in_environment,
    credentials_in_spec,
    secrets_in_environment,
    secrets_in_spec,
)
from spec.validation import validate
from transport.context import RunContext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engines import Arguments
    from process.exit_codes import ExitCode

logger = logging.getLogger("step")


def main(environ: Mapping[str, str], clock: Clock, words: Sequence[str] = ()) -> ExitCode:
    """Run the step with the arguments `words`; return its exit code."""
    redactor = Redactor()
    redactor.add_secrets(credentials_in_environment(environ))
    redactor.add_log_secrets(secrets_in_environment(environ))
    configure_logging(redactor, sys.stderr)
    install_error_annotations(environ, redactor)
    return exit_code_of(
        lambda: run(environ, read_arguments(words, describe_operations), clock, redactor), clock
    )


def run(environ: Mapping[str, str], arguments: Arguments, clock: Clock, redactor: Redactor) -> None:
    """Do what the spec says.

    Raises:
        StepError: it cannot be done; says why and whether the request was updated.
    """
    context = RunContext(Settings.from_environment(environ), clock)
    operation = load_operation(arguments.operation)
    schema = load_spec_schema(operation.schema_folder)
    engine = choose_engine(environ, arguments, context, operation.outputs, schema)
    with clock.interruptible():
        raw = engine.read_spec()
    redactor.add_secrets(credentials_in_spec(raw))
    redactor.add_log_secrets(secrets_in_spec(raw))

    spec = validate(raw, schema, operation.problems)
    if spec.debug:
        enable_debug_logging()
    engine.check_outputs()
    redactor.add_private_texts(spec.private_texts())
    api = ApiClient.connect(spec.values["connection"], context)
    output = operation.run(spec, api).redacted(redactor)
    try:
        with clock.time_limit(math.inf):
            engine.publish(output)
    except TimeoutError as error:
        what = "The output could not be published before the step had to end."
        raise output.error(what) from error
    published = (name for name, value in output.values.items() if value is not None)
    logger.info("Published: `%s`.", "`, `".join(published))
    if output.failure:
        raise output.failure


if __name__ == "__main__":
    run_process(main, Clock())
