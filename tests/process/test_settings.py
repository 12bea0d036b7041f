"""`process.settings`: budgets and limits from the environment."""

from __future__ import annotations

import pytest

from process.errors import ConfigError
from process.exit_codes import ExitCode
from process.settings import VARIABLES, Settings


def test_defaults() -> None:
    """Unset and empty variables mean the documented defaults."""
    expected = Settings(300, 3660, 10, 60, None)

    assert Settings.from_environment({}) == Settings() == expected
    empty = dict.fromkeys((*VARIABLES, "REQUESTS_CA_BUNDLE"), "")
    assert Settings.from_environment(empty) == expected


def test_environment() -> None:
    """Each variable sets its own limit."""
    settings = Settings.from_environment(
        {
            "FOURME_MAX_RETRY_TIME": "0",
            "FOURME_MAX_THROTTLE_TIME": " 7200 ",
            "FOURME_CONNECT_TIMEOUT": "2.5",
            "FOURME_READ_TIMEOUT": "100.0",
        }
    )

    assert settings == Settings(0, 7200, 2.5, 100)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"REQUESTS_CA_BUNDLE": "/a.pem", "CURL_CA_BUNDLE": "/b.pem"}, "/a.pem"),
        ({"CURL_CA_BUNDLE": "/b.pem"}, "/b.pem"),
        ({"REQUESTS_CA_BUNDLE": "", "CURL_CA_BUNDLE": ""}, None),
    ],
)
def test_ca_bundle(environ: dict[str, str], expected: str | None) -> None:
    """Private CAs come from REQUESTS_CA_BUNDLE, or else CURL_CA_BUNDLE."""
    assert Settings.from_environment(environ).ca_bundle == expected


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize(
    "text",
    [
        *("-1", "+5", "5.", ".5", "1,5", "1_0", "1e3", "1e9", "0x10", "\uff11\uff10"),
        *("86401", "9999999999", "nan", "inf", "5 minutes", "true"),
    ],
)
def test_bad_value(name: str, text: str) -> None:
    """A value that is no number in range is a ConfigError that names variable and value."""
    with pytest.raises(ConfigError) as caught:
        Settings.from_environment({name: text})

    assert caught.value.exit_code is ExitCode.CONFIG
    assert name in caught.value.what
    assert text in caught.value.what
    assert f"{VARIABLES[name][0]:g}" in caught.value.fix


@pytest.mark.parametrize("name", ["FOURME_CONNECT_TIMEOUT", "FOURME_READ_TIMEOUT"])
def test_zero_timeout(name: str) -> None:
    """A timeout of zero is rejected: no call could succeed."""
    with pytest.raises(ConfigError):
        Settings.from_environment({name: "0"})
