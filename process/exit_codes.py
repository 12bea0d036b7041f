"""The exit codes of the step, after sysexits.h, and what each one means."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit code of the process; `EXIT_CODES` has the meaning of each."""

    OK = 0
    DATA = 65
    NO_INPUT = 66
    SOFTWARE = 70
    IO = 74
    TRY_LATER = 75
    PROTOCOL = 76
    PERMISSION = 77
    CONFIG = 78
