"""The command line of the sandbox."""

from __future__ import annotations

import argparse
import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from sandbox import subprocess_runner
from sandbox.faults import FaultError, help_text
from sandbox.fourme import data_files
from sandbox.options import FourMeOptions
from sandbox.relay.document import Document, DocumentError, load
from sandbox.relay.expression_syntax import ExpressionError
from sandbox.report import Report, render
from sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE_ERROR = 2

_DESCRIPTION = """\
Serve the data of FILE as Relay's metadata service would, on 127.0.0.1, and run COMMAND against it.
Without COMMAND, print the environment variables to set and wait for Ctrl-C."""

_EPILOG = """\
examples:
  .venv/bin/python -m sandbox --input catalog/relay/update-request.yaml --fourme --report \\
      -- .venv/bin/python step.py
  .venv/bin/python -m sandbox --input catalog/relay/update-request.yaml --step get --fourme \\
      --report -- .venv/bin/python step.py get
  .venv/bin/python -m sandbox --input FILE --fourme --fault patch=503:2 \\
      -- .venv/bin/python step.py
  .venv/bin/python -m sandbox --fault help

`make demo` creates .venv, with what the sandbox needs."""


def main(arguments: Sequence[str]) -> int:
    """Run the sandbox; return its exit code: COMMAND's, 0 without one, 2 after a usage error."""
    if "help" in _fault_values(arguments):
        print(help_text())  # noqa: T201 - the requested output
        return 0
    options = _parser().parse_args(arguments)
    options.command = options.command[1:] if options.command[:1] == ["--"] else options.command
    try:
        _check(options)
        document = load(options.input)
        with _sandbox(options, document) as sandbox:
            code = _serve(options, sandbox)
            if options.save is not None:
                text = document.with_outputs(options.run, options.step, sandbox.outputs)
                options.save.write_text(text, encoding="utf-8")
    except (DocumentError, ExpressionError, FaultError) as error:
        return _usage_error(str(error))
    except OSError as error:
        return _usage_error(_os_error_text(error))
    return code


def _check(options: argparse.Namespace) -> None:
    """Reject options that would fail, or be ignored, later.

    Raises:
        DocumentError: The options are inconsistent.
    """
    if options.fourme_data is not None and not options.fourme:
        raise DocumentError("--fourme-data is of no use without --fourme")
    if options.report and not options.command:
        raise DocumentError("--report needs a COMMAND to report on, after --")
    if options.uploads is not None and not options.uploads.is_dir():
        raise DocumentError(f"{options.uploads}: there is no such folder")
    if options.save is not None and not options.save.parent.is_dir():
        raise DocumentError(f"{options.save}: there is no folder {options.save.parent}")


def _sandbox(options: argparse.Namespace, document: Document) -> Sandbox:
    fourme = None
    if options.fourme:
        path = options.fourme_data
        data = None if path is None else data_files.read(path)
        fourme = FourMeOptions(
            data=data,
            path=path,
            storage=options.storage,
            port=options.fourme_port,
            uploads=options.uploads,
        )
    return Sandbox(
        document,
        options.run,
        options.step,
        fourme=fourme,
        faults=options.fault,
        clock_skew=options.clock_skew,
        port=options.port,
    )


def _serve(options: argparse.Namespace, sandbox: Sandbox) -> int:
    if not options.fourme:
        _print(f"without --fourme, the step calls {sandbox.destination}")
    environment = {**sandbox.environment(), **sandbox.proxy_environment()}
    if not options.command:
        with subprocess_runner.waiting_for_signal():
            _announce(sandbox, fourme=options.fourme)
        return 0
    if not options.report:
        return subprocess_runner.run(options.command, environment).exit_code
    before = sandbox.store.requests
    known = {number: len(sandbox.store.notes(number)) for number in before}
    spent = {number: sandbox.store.time_spent_total(number) for number in before}
    result = subprocess_runner.run(options.command, environment, capture=True)
    spent = {
        number: sandbox.store.time_spent_total(number) - total for number, total in spent.items()
    }
    notes = {number: sandbox.store.notes(number) for number in before}
    report = Report(
        command=options.command,
        exit_code=result.exit_code,
        log=result.log,
        calls=sandbox.calls,
        before=before,
        after=sandbox.store.requests,
        notes={number: found[::-1][known[number] :] for number, found in notes.items()},
        minutes=spent,
        uploads=sandbox.store.uploads,
        outputs=sandbox.outputs,
        decorators=sandbox.decorators,
    )
    sys.stdout.write(render(report, colour=sys.stdout.isatty()))
    return result.exit_code


def _announce(sandbox: Sandbox, *, fourme: bool) -> None:
    for name, value in sandbox.environment().items():
        print(f"export {name}={value}")  # noqa: T201 - for the shell
    sys.stdout.flush()
    if fourme:
        numbers = ", ".join(map(str, sandbox.store.requests))
        _print(f"4me API at {sandbox.fourme_url}, with the requests {numbers}")
    _print("waiting for Ctrl-C")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m sandbox",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("-i", "--input", metavar="FILE", type=Path, required=True, help="the input document")
    add("-r", "--run", default="1", help="which run of it (default: 1)")
    add("-s", "--step", default="default", help="which step of the run (default: default)")
    add("--save", metavar="FILE", type=Path, help="then write the document with the new outputs")
    add("--report", action="store_true", help="then print what COMMAND did")
    add("--port", type=_port, default=0, help="of the metadata service (default: a free one)")
    add("--fourme", action="store_true", help="serve a 4me API too, and point connections to it")
    add("--fourme-data", metavar="FILE", type=Path, help="where its data lives (default: memory)")
    add("--fourme-port", metavar="PORT", type=_port, default=0, help="(default: a free one)")
    add("--storage", choices=("s3", "local"), default="s3", help="for attachments (default: s3)")
    add("--uploads", metavar="DIR", type=Path, help="keep uploaded files there (default: removed)")
    add(
        "--clock-skew", metavar="SECONDS", type=float, default=0.0, help="that 4me's clock is ahead"
    )
    add(
        "--fault",
        metavar="CALL=FAULT",
        action="append",
        default=[],
        help="inject a fault; may be repeated; `--fault help` lists all",
    )
    add("command", metavar="COMMAND", nargs=argparse.REMAINDER, help="what to run, after --")
    return parser


class _Parser(argparse.ArgumentParser):
    """Reports usage errors in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(_usage_error(f"{message}; see {self.prog} --help"))


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 1 << 16):
        raise argparse.ArgumentTypeError(f"{text!r} is no port (0 to 65535)")
    return int(text)


def _fault_values(arguments: Sequence[str]) -> list[str]:
    own = list(arguments)[: list(arguments).index("--")] if "--" in arguments else list(arguments)
    following = [value for name, value in pairwise(own) if name == "--fault"]
    return following + [item.removeprefix("--fault=") for item in own if item == "--fault=help"]


def _os_error_text(error: OSError) -> str:
    named = f"{error.filename}: " if error.filename else ""
    return f"{named}{error.strerror or error}"


def _usage_error(message: str) -> int:
    _print(" ".join(message.split()))
    return USAGE_ERROR


def _print(message: str) -> None:
    print(f"sandbox: {message}", file=sys.stderr, flush=True)  # noqa: T201 - for people
