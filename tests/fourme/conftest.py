"""What the tests of `fourme` share."""

from __future__ import annotations

import pytest

from fourme.schema import SpecSchema, load_spec_schema


@pytest.fixture(scope="session")
def schema() -> SpecSchema:
    """Return the schema of a spec."""
    return load_spec_schema()
