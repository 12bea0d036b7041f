"""Faults: what each does to a call, the rules that a user writes, and their schedule."""

from sandbox.faults.rules import FAULTS, FaultError, help_text, parse

__all__ = ["FAULTS", "FaultError", "help_text", "parse"]
