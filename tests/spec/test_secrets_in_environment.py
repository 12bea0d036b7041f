"""`spec.secrets`: the secrets in environment variables."""

from __future__ import annotations

import pytest

from spec.secrets import credentials_in_environment, secrets_in_environment


@pytest.mark.parametrize(
    ("environ", "access", "others"),
    [
        ({"METADATA_API_URL": "http://:TOKEN@10.0.0.1:7000"}, {"TOKEN"}, set()),
        ({"METADATA_API_URL": "http://TOKEN@10.0.0.1:7000"}, {"TOKEN"}, set()),
        ({"METADATA_API_URL": "http://relay:TOKEN@10.0.0.1:7000"}, {"TOKEN"}, set()),
        (
            {"METADATA_API_URL": "http://:TOKEN@10.0.0.1:7000/a@b"},
            {"TOKEN", "TOKEN@10.0.0.1:7000/a"},
            set(),
        ),
        ({"https_proxy": "http://me:p@ss@proxy:3128"}, set(), {"p@ss"}),
        ({"https_proxy": "http://me:p//s?@proxy:3128"}, set(), {"p//s?"}),
        ({"HTTP_PROXY": "me:pass@proxy"}, set(), {"pass"}),
        ({"HTTP_PROXY": "http://customer@proxy"}, set(), {""}),
        ({"ALL_PROXY": "socks5://proxy"}, set(), set()),
        (
            {"FOURME_ACCESS_TOKEN": "a", "INPUT_ACCESS_TOKEN": "b"},
            {"a", "b"},
            set(),
        ),
        (
            {"FOURME_CLIENT_SECRET": "a", "INPUT_CLIENT_SECRET": "b"},
            {"a", "b"},
            set(),
        ),
        ({"METADATA_API_URL": "http://10.0.0.1:7000", "OTHER": "http://a:b@c"}, set(), set()),
        ({}, set(), set()),
    ],
)
def test_environment(environ: dict[str, str], access: set[str], others: set[str]) -> None:
    """Tokens and passwords are secrets, user names are not; a proxy's password gives no access."""
    assert set(credentials_in_environment(environ)) == access
    assert set(secrets_in_environment(environ)) == access | others
