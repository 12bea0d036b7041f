"""The command line: build, test and measure the image."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from process import VERSION
from tools.image.bench import Options, bench
from tools.image.checks import checks_of
from tools.image.container import check_requirements
from tools.image.errors import ImageError
from tools.image.image_build import NAME, ImageBuild, build_for_use
from tools.image.suite import run_suite

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools.image.checks import Check

EXIT_FAILED = 1


def main(arguments: Sequence[str]) -> int:
    """Run a command; return the exit code: 0, 1 when it fails, 2 after wrong use."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options)
    except ImageError as error:
        echo(str(error))
        return EXIT_FAILED


def _run(options: argparse.Namespace) -> int:
    match options.command:
        case "test":
            return test(options.base)
        case "suite":
            return run_suite(options.pytest, options.base, echo)
        case "build":
            build_for_use(options.tag, options.base, echo)
        case _:
            bench(Options(options.runs, options.base, here=options.here), echo)
    return 0


def test(base: str | None) -> int:
    """Build the image, and run all checks on it.

    Raises:
        ImageError: it cannot be built or run here.
    """
    check_requirements()
    with ImageBuild(echo, base) as image_build:
        image = image_build.build_and_unpack()
        echo(f"it adds {image.size / 2**20:.1f} MiB to {image.base}; it ...")
        failed = sum(not _passes(check) for check in checks_of(image, image_build))
    if failed:
        echo(f"{failed} checks failed.")
    return EXIT_FAILED if failed else 0


def _passes(check: Check) -> bool:
    started = time.monotonic()
    problem = check.run()
    seconds = time.monotonic() - started
    echo(f"  {'FAILED' if problem else 'ok    '} {check.name} ({seconds:.1f} s)")
    if problem:
        echo("         " + problem.replace("\n", "\n         "))
    return not problem


def echo(text: str) -> None:
    """Print at once."""
    print(text, flush=True)  # noqa: T201  what the command is for


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.image", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    base = argparse.ArgumentParser(add_help=False)
    base.add_argument(
        "--base",
        type=lambda text: text or None,
        help="the base image; `debian` for one made of Debian's packages",
    )
    build = commands.add_parser("build", parents=[base], help="build the image for use")
    build.add_argument("--tag", default=f"{NAME}:{VERSION}", help="its name (default: %(default)s)")
    commands.add_parser("test", parents=[base], help="build the image, run it, check it")
    suite = commands.add_parser("suite", parents=[base], help="run all tests on the image's Python")
    suite.add_argument("pytest", nargs="*", help="arguments of pytest, after --")
    measure = commands.add_parser("bench", parents=[base], help="measure what a run takes")
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
