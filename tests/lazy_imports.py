"""Turn lazy imports on for the tests, and for the step as their process: the image has them on.

For Python 3.15 and newer:  python -m pytest -p tests.lazy_imports
"""

from __future__ import annotations

import os
import sys

import pytest

# They inspect modules while these are being imported, and fail with lazy ones.
_EAGER = ("_pytest", "pytest", "pluggy", "hypothesis", "_hypothesis")


def pytest_configure() -> None:
    """Make imports lazy but for those of the test tools.

    Raises:
        UsageError: this Python has no lazy imports.
    """
    if sys.version_info < (3, 15):
        raise pytest.UsageError("lazy imports take Python 3.15 or newer")
    sys.set_lazy_imports_filter(_may_be_lazy)
    sys.set_lazy_imports("all")
    os.environ["PYTHON_LAZY_IMPORTS"] = "all"  # what the tests start


def _may_be_lazy(importer: str, _name: str, _names: object = None) -> bool:
    return not importer.startswith(_EAGER)
