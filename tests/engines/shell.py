"""The step as people start it in a shell: arguments, standard streams, a working folder."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.step_process import ACCESS_TOKEN, ACCOUNT, ROOT, STEP, Ended, environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from sandbox import Sandbox


def run_in(
    folder: Path,
    arguments: Sequence[str],
    extra: Mapping[str, str],
    stdin: bytes = b"",
    *,
    redirected: str = "",
) -> Ended:
    """Run the step in a folder to its end.

    Args:
        folder: the working folder.
        arguments: the command line without the program.
        extra: environment variables.
        stdin: what is piped in.
        redirected: the shell's redirections, such as `>&-`.
    """
    command = [sys.executable, str(STEP), *arguments]
    process = subprocess.run(
        ["/bin/sh", "-c", f'exec "$@" {redirected}', "sh", *command],
        env=environment({"PYTHONPATH": str(ROOT), **extra}),
        cwd=folder,
        input=stdin,
        capture_output=True,
        timeout=120,
        check=False,
    )
    return Ended(process.returncode, process.stdout.decode(), process.stderr.decode())


def connection_variables(sandbox: Sandbox, **changes: str) -> dict[str, str]:
    """Return the variables that lead to a sandbox's 4me."""
    return {
        "FOURME_HOST": sandbox.fourme_url,
        "FOURME_ACCESS_TOKEN": ACCESS_TOKEN,
        "FOURME_ACCOUNT": ACCOUNT,
        **changes,
    }
