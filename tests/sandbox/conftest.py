"""A running sandbox, and a client for it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
import requests

from sandbox import FOURME_HOST, FourMeOptions, Sandbox, document_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox import Document
    from sandbox.faults import Rule


@pytest.fixture
def start() -> Iterator[Callable[..., Sandbox]]:
    """Start a sandbox with a 4me API; it ends with the test."""
    with ExitStack() as running:

        def start_one(
            *faults: str | Rule,
            document: Document | None = None,
            fourme: FourMeOptions | None = None,
            clock_skew: float = 0.0,
        ) -> Sandbox:
            spec = {"connection": {"host": FOURME_HOST}, "request": {"request_id": 80339}}
            sandbox = Sandbox(
                document or document_for(spec),
                fourme=fourme or FourMeOptions(),
                faults=faults,
                clock_skew=clock_skew,
            )
            return running.enter_context(sandbox)

        yield start_one


@pytest.fixture
def client() -> Iterator[requests.Session]:
    """A client with the demo token and account, in English, without this machine's settings."""
    with requests.Session() as session:
        session.trust_env = False
        session.headers["Authorization"] = "Bearer demo-token"
        session.headers["X-4me-Account"] = "wdc"
        session.headers["X-4me-Language"] = "en-US"
        yield session
