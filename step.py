"""Update a 4me request from a workflow: the whole story on one screen.

Read the spec from the engine, validate it, update the request, publish the answer as the output.
Whatever fails ends in one readable error and a documented exit code (`process.errors`).
"""

from __future__ import annotations

if __name__ == "__main__":
    from process.early_signals import install_early_handlers

    install_early_handlers()  # first of all: what follows takes a while to load

import gc
import logging
import math
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from engines import choose_engine, read_arguments, show_errors
from engines.variables import INPUTS
from fourme.client import ApiClient
from operations import describe_operations, load_operation
from process.clock import SystemClock
from process.errors import ExitCode, InternalError, StepError
from process.logs import configure_logging, enable_debug_logging
from process.redaction import (
    Redactor,
    access_secrets_in_environment,
    secrets_in_environment,
)
from process.settings import Settings
from spec.schema import load_spec_schema
from spec.secrets import access_secrets_in_spec, secrets_in_spec
from spec.validation import validate
from transport.http import RunContext

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engines import Arguments
    from process.clock import Clock

logger = logging.getLogger("step")


def main(environ: Mapping[str, str], clock: Clock, words: Sequence[str] = ()) -> ExitCode:
    """Run the step as `words` on its command line say; return what the process shall end with."""
    redactor = Redactor()
    redactor.add_secrets(access_secrets_in_environment(environ))
    redactor.add_log_secrets(secrets_in_environment(environ))
    configure_logging(redactor, sys.stderr)
    show_errors(environ, redactor)
    try:
        run(environ, read_arguments(words, describe_operations), clock, redactor)
    except StepError as error:
        code = error.exit_code
        with clock.in_flight("say how it ended", lambda: code):
            logger.error("%s", error)  # noqa: TRY400  the text says it all; no traceback
            if error.__cause__:
                logger.debug("Caused by", exc_info=error.__cause__)
        return code
    except Exception as error:
        bug = InternalError(
            f"The step has a bug: {type(error).__name__}.",
            fix="Report it with the lines below. Look at the request before you run it again.",
        )
        logger.critical("%s", bug, exc_info=error)
        return bug.exit_code
    return ExitCode.OK


def run(environ: Mapping[str, str], arguments: Arguments, clock: Clock, redactor: Redactor) -> None:
    """Do what the spec says.

    Raises:
        StepError: it cannot be done; says why and whether the request was updated.
    """
    context = RunContext(Settings.from_environment(environ), clock)
    operation = load_operation(arguments.operation)
    engine = choose_engine(environ, arguments, context, operation.outputs, INPUTS)
    with clock.interruptible():
        raw = engine.read_spec()
    redactor.add_secrets(access_secrets_in_spec(raw))
    redactor.add_log_secrets(secrets_in_spec(raw))

    spec = validate(raw, load_spec_schema(operation.schema_folder), operation.problems)
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
    logger.info("The output `%s` is published.", "`, `".join(output.values))


def start(clock: SystemClock) -> NoReturn:
    """Run the step as a process, from its first signal to its last."""
    clock.handle_signals()
    clock.start_watchdog()
    gc.disable()  # a run is over before it has made garbage worth a look: 3 % of its instructions
    code = main(os.environ, clock, sys.argv[1:])
    for stream in filter(None, (sys.stdout, sys.stderr)):  # a closed one is None
        with suppress(OSError):
            stream.flush()
    os._exit(code)  # the interpreter's own end takes a tenth of a run, and would heed no handler


if __name__ == "__main__":
    start(SystemClock())
