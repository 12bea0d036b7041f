"""Placeholder until the branch with find is merged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fourme.client import ApiClient


def find_request(find: Mapping[str, Any], api: ApiClient) -> int:
    """Not yet."""
    raise NotImplementedError(find, api)
