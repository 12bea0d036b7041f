"""The names of calls."""

from __future__ import annotations

import pytest

from sandbox.calls import CALL_ORDER, FOURME, METADATA, S3, name_of


@pytest.mark.parametrize(
    ("service", "call", "name"),
    [
        (METADATA, "GET /spec", "spec"),
        (METADATA, "PUT /outputs/request", "output"),
        (METADATA, "POST /decorators/request", "link"),
        (FOURME, "GET /v1/requests", "search"),
        (FOURME, "GET /v1/requests/open", "search"),
        (FOURME, "GET /v1/requests/completed", "search"),
        (FOURME, "GET /v1/requests/80339", "read"),
        (FOURME, "PATCH /v1/requests/80339", "patch"),
        (FOURME, "GET /v1/requests/80339/notes", "verification"),
        (FOURME, "GET /v1/requests/80339/cis", "linked"),
        (FOURME, "GET /v1/requests/80339/knowledge_articles", "linked"),
        (FOURME, "GET /v1/attachments/storage", "storage"),
        (FOURME, "POST /v1/attachments", "upload"),
        (S3, "POST /s3/", "upload"),
        (FOURME, "POST /v1/requests", "other"),
        (FOURME, "GET /v1/requests/80339/tags", "other"),
        (METADATA, "GET /v1/requests", "other"),
    ],
)
def test_calls_have_names(service: str, call: str, name: str) -> None:
    """The name of a call follows from service, method and path."""
    assert name_of(service, *call.split()) == name
    assert name == "other" or name in CALL_ORDER
