"""An isolated environment: no proxies, no CA bundles, no network beyond loopback."""

from __future__ import annotations

import ipaddress
import os
import sys
from typing import TYPE_CHECKING

import pytest
import requests
from hypothesis import settings

from spec.schema import SpecSchema, load_spec_schema

if TYPE_CHECKING:
    from collections.abc import Iterator

_NETWORK_SUFFIXES = ("_PROXY", "_CA_BUNDLE")
_STEP_PREFIXES = ("METADATA_API_URL", "RELAY", "CI", "FOURME_")


def pytest_configure() -> None:
    """Make property-based tests reproducible, and block connections beyond loopback."""
    settings.register_profile("reproducible", derandomize=True, deadline=None, database=None)
    settings.load_profile("reproducible")
    sys.addaudithook(_block_external_connections)


def _block_external_connections(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple) and not ipaddress.ip_address(address[0]).is_loopback:
        raise PermissionError(f"a test tried to reach {address[0]}")


@pytest.fixture(autouse=True)
def _isolated_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        upper = name.upper()
        if upper.endswith(_NETWORK_SUFFIXES) or upper.startswith(_STEP_PREFIXES):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def schema() -> SpecSchema:
    """Return the schema of a spec."""
    return load_spec_schema()


@pytest.fixture
def session() -> Iterator[requests.Session]:
    """Return a session that ignores the environment."""
    with requests.Session() as session:
        session.trust_env = False
        yield session
