"""What the tests of `fourme` share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from fourme.schema import SpecSchema, load_spec_schema

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def schema() -> SpecSchema:
    """Return the schema of a spec."""
    return load_spec_schema()


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """Return a session that knows nothing of the environment."""
    with requests.Session() as session:
        session.trust_env = False
        yield session
