"""Faults: what each does to a call, the rules of `--fault`, and their schedule."""

from sandbox.faults.rules import FaultError, Rule, help_text, parse
from sandbox.faults.schedule import FaultSchedule
from sandbox.faults.table import FAULTS, TLS, Fault

__all__ = [
    "FAULTS",
    "TLS",
    "Fault",
    "FaultError",
    "FaultSchedule",
    "Rule",
    "help_text",
    "parse",
]
