"""The command line: build, test and measure the image."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from fourme import VERSION
from tools.image.bench import Options, bench
from tools.image.checks import checks_of
from tools.image.container import check_machine
from tools.image.problems import ImageError
from tools.image.suite import run_suite
from tools.image.workshop import NAME, Workshop, build_for_use

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.image.checks import Check

FAILED = 1


def main(arguments: Sequence[str]) -> int:
    """Do what is asked for; return the exit code: 0, 1 when it fails, 2 after wrong use."""
    options = _parser().parse_args(arguments)
    try:
        if options.job == "build":
            build_for_use(options.tag, options.base, say)
            return 0
        if options.job == "test":
            return test(options.base)
        if options.job == "suite":
            return run_suite(options.pytest, options.base, say)
        bench(Options(options.runs, options.base, here=options.here), say)
    except ImageError as error:
        say(str(error))
        return FAILED
    return 0


def test(base: str | None) -> int:
    """Build the image, and check all that it promises.

    Raises:
        ImageError: it cannot be built or run here.
    """
    check_machine()
    with Workshop(say, base) as workshop:
        built = workshop.lay_out()
        say(f"it adds {built.size / 2**20:.1f} MiB to {built.base}; it ...")
        failed = sum(not _holds(check) for check in checks_of(built, workshop))
    if failed:
        say(f"{failed} promises are broken.")
    return FAILED if failed else 0


def _holds(check: Check) -> bool:
    started = time.monotonic()
    wrong = check.keep()
    seconds = time.monotonic() - started
    say(f"  {'FAILED' if wrong else 'ok    '} {check.promise} ({seconds:.1f} s)")
    if wrong:
        say("         " + wrong.replace("\n", "\n         "))
    return not wrong


def say(text: str) -> None:
    """Tell what is going on."""
    print(text, flush=True)  # noqa: T201  what the command is for


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.image", description=__doc__)
    jobs = parser.add_subparsers(dest="job", required=True)
    based = argparse.ArgumentParser(add_help=False)
    based.add_argument(
        "--base",
        type=lambda text: text or None,
        help="the image to build on; `debian` for a stand-in made of Debian's packages",
    )
    build = jobs.add_parser("build", parents=[based], help="build the image for use")
    build.add_argument("--tag", default=f"{NAME}:{VERSION}", help="its name (default: %(default)s)")
    jobs.add_parser("test", parents=[based], help="build the image, run it, check it")
    suite = jobs.add_parser("suite", parents=[based], help="run every test on the image's Python")
    suite.add_argument("pytest", nargs="*", help="arguments of pytest, after --")
    measure = jobs.add_parser("bench", parents=[based], help="measure what a run takes")
    measure.add_argument("--runs", type=_count, default=25, help="how many (default: %(default)s)")
    measure.add_argument(
        "--here", action="store_true", help="with this interpreter, without any image"
    )
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number
