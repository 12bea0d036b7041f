"""What the tests of the manifests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import FourMeOptions, Sandbox, document_for
from tests.catalog.alerts import alerted_data

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Return a running sandbox whose metadata service is not used."""
    with Sandbox(document_for({}), fourme=FourMeOptions()) as running:
        yield running


@pytest.fixture
def alerted() -> Iterator[Sandbox]:
    """Return a sandbox whose request 80339 was opened by a monitoring system."""
    with Sandbox(document_for({}), fourme=FourMeOptions(data=alerted_data())) as running:
        yield running


@pytest.fixture
def rate_limited() -> Iterator[Sandbox]:
    """Return a sandbox whose 4me asks to wait longer than any run would."""
    with Sandbox(document_for({}), fourme=FourMeOptions(), faults=["patch=429:86400"]) as running:
        yield running
