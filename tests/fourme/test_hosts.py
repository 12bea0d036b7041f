"""`fourme.hosts`: which hosts are spoken to, and what follows from each."""

from __future__ import annotations

import pytest

from fourme.hosts import Connection, Host, is_safe, origin_of, parse_host


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://api.4me.com", "https://api.4me.com/v1"),
        ("api.4me.com", "https://api.4me.com/v1"),
        ("api.4me.com/", "https://api.4me.com/v1"),
        ("api.4me.com/v1", "https://api.4me.com/v1"),
        ("HTTPS://API.4me.COM/v1/", "https://api.4me.com/v1"),
        ("https://api.4me.com:8443/v1", "https://api.4me.com:8443/v1"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443/v1"),
        ("https://192.0.2.1", "https://192.0.2.1/v1"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1"),
        ("http://127.255.255.255", "http://127.255.255.255/v1"),
        ("http://localhost:1", "http://localhost:1/v1"),
        ("http://LOCALHOST:65535", "http://localhost:65535/v1"),
        ("http://[::1]:8080/v1", "http://[::1]:8080/v1"),
        ("localhost:8080", "https://localhost:8080/v1"),
        ("https://api.4me.com:443/v1", "https://api.4me.com/v1"),
        ("api.4me.com:0443", "https://api.4me.com/v1"),
        ("https://api.4me.com:80", "https://api.4me.com:80/v1"),
        ("http://127.0.0.1:80", "http://127.0.0.1/v1"),
        ("http://127.0.0.1:443", "http://127.0.0.1:443/v1"),
        ("4me.example.com", "https://4me.example.com/v1"),
        ("api.eu.xurrent.com", "https://api.eu.xurrent.com/v1"),
    ],
)
def test_accepted(text: str, url: str) -> None:
    """A host may be written with or without scheme, its port, trailing slash or version."""
    assert parse_host(text).api_url == url


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "https://",
        "https:///v1",
        "https://me@api.4me.com",
        "https://me:pw@api.4me.com",
        "https://api.4me.com?a=b",
        "https://api.4me.com/v1?a=b",
        "https://api.4me.com#a",
        "https://api.4me.com/v2",
        "https://api.4me.com//",
        "https://api.4me.com/v1/v1",
        "https://api.4me.com/v1/requests",
        "https://api.4me.com\\@evil.example",
        "https://api.4me.com:",
        "https://api.4me.com:0",
        "https://api.4me.com:65536",
        "https://api.4me.com:port",
        "https://api.4me.com:\uff18",
        "https://-api.4me.com",
        "https://api.4me.com.",
        "https://api 4me.com",
        "https://api.4me.com\n",
        "https://äpi.4me.com",
        "https://api.4me.com\u2215v1",
        "ftp://api.4me.com",
        "file:///etc/passwd",
        "//api.4me.com",
        "::1",
        "http\u017f://api.4me.com",
        "https://api.4me.com.\u212a",
        # Plain http beyond this machine:
        "http://api.4me.com",
        "http://128.0.0.1",
        "http://127.0.0.1.example.com",
        "http://127.0.0.256",
        "http://127.0.0",
        "http://localhost.example.com",
        "http://notlocalhost",
        "http://[::2]",
        "http://[::ffff:127.0.0.1]",
        "http://0.0.0.0",
    ],
)
def test_invalid(text: str) -> None:
    """Anything but a host is invalid, plain http beyond loopback too; user info is not shown."""
    with pytest.raises(ValueError, match=r"host|port|plain http") as caught:
        parse_host(text)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("wdc.4me.com", "api.4me.com"),
        ("4me.com", "api.4me.com"),
        ("https://www.4me.com/", "api.4me.com"),
        ("oauth.4me.com", "api.4me.com"),
        ("developer.4me.com", "api.4me.com"),
        ("WDC.4me.com:8443", "api.4me.com"),
        ("wdc.au.xurrent.com", "api.au.xurrent.com"),
        ("au.xurrent.com", "api.au.xurrent.com"),
        ("oauth.us.xurrent.com", "api.us.xurrent.com"),
        ("graphql.uk.4me.com", "api.uk.4me.com"),
        ("w-1.xurrent.qa", "api.xurrent.qa"),
        ("xurrent.qa", "api.xurrent.qa"),
        ("wdc.xurrent-demo.com", "api.xurrent-demo.com"),
        ("wdc.4me-demo.com", "api.4me-demo.com"),
        ("wdc.eu.4me.com", "api.4me.com"),
        ("wdc.ch.4me.com", "api.ch.4me.com"),
    ],
)
def test_a_host_for_people_or_tokens_is_invalid_and_the_right_one_is_named(
    text: str, right: str
) -> None:
    """A call to it would end in a redirect, or in a login page."""
    with pytest.raises(ValueError, match="does not serve the API") as caught:
        parse_host(text)
    assert str(caught.value).endswith(f"https://{right}")


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("api.4me.com", True),
        ("api.au.4me.com", True),
        ("api.uk.xurrent.com", True),
        ("api.ch.xurrent.com", True),
        ("api.us.4me.com", True),
        ("api.4me.qa", True),
        ("api.xurrent.qa", True),
        ("api.4me-demo.com", True),
        ("api.xurrent-demo.com", True),
        ("127.0.0.1", True),
        ("localhost", True),
        ("api.eu.4me.com", False),
        ("api.au.4me.qa", False),
        ("api.4me.com.example.com", False),
        ("api.not4me.com", False),
        ("not4me.com", False),
        ("apix4me.com", False),
        ("4me.example.com", False),
        ("192.0.2.1", False),
    ],
)
def test_known_hosts(name: str, known: bool) -> None:  # noqa: FBT001  a table's column
    """Known are the APIs of the hosted 4me; any other host is used, and logged."""
    assert parse_host(name).is_known is known


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("localhost", True),
        ("[::1]", True),
        ("api.4me.com", False),
        ("127.0.0.1.example.com", False),
        ("128.0.0.1", False),
    ],
)
def test_loopback(name: str, expected: bool) -> None:  # noqa: FBT001  a table's column
    """Loopback is 127.0.0.0/8, ::1 and localhost."""
    assert Host("https", name, None).is_loopback is expected


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("api.4me.com", "X-4me-Account"),
        ("api.au.4me.com", "X-4me-Account"),
        ("api.4me.qa", "X-4me-Account"),
        ("api.4me-demo.com", "X-4me-Account"),
        ("api.xurrent.com", "X-Xurrent-Account"),
        ("api.au.xurrent.com", "X-Xurrent-Account"),
        ("api.xurrent.qa", "X-Xurrent-Account"),
        ("api.xurrent-demo.com", "X-Xurrent-Account"),
        ("notxurrent.example.com", "X-4me-Account"),
        ("127.0.0.1", "X-4me-Account"),
    ],
)
def test_account_header(name: str, header: str) -> None:
    """The API's own headers have the new name on hosts with the new name."""
    assert Host("https", name, None).header_prefix + "Account" == header


@pytest.mark.parametrize(
    ("host", "account", "page"),
    [
        ("api.4me.com", "wdc", "https://wdc.4me.com/requests/80339"),
        ("api.au.4me.com", "wdc", "https://wdc.au.4me.com/requests/80339"),
        ("api.xurrent.qa:8443", "w-1", "https://w-1.xurrent.qa:8443/requests/80339"),
        ("4me.example.com", "wdc", "https://4me.example.com/requests/80339"),
        ("http://localhost:80", "wdc", "http://localhost/requests/80339"),
        ("api.4me.com", "evil.example/", "https://api.4me.com/requests/80339"),
        ("api.4me.com", "-", "https://api.4me.com/requests/80339"),
    ],
)
def test_page(host: str, account: str, page: str) -> None:
    """A request's page is on the account's host, for accounts that can be part of one."""
    assert parse_host(host).html_url(account, 80339) == page


def test_address() -> None:
    """The address has the port where it is not the scheme's own."""
    assert parse_host("api.4me.com").address == "api.4me.com"
    assert parse_host("api.4me.com:8443").address == "api.4me.com:8443"
    assert parse_host("api.4me.com:443").address == "api.4me.com"


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.4me.com/v1/attachments", ("https", "api.4me.com")),
        ("https://API.4me.com:443/v1/attachments", ("https", "api.4me.com")),
        ("https://api.4me.com:8443", ("https", "api.4me.com:8443")),
        ("https://api.4me.com:80/", ("https", "api.4me.com:80")),
        ("https://api.4me.com:/", ("https", "api.4me.com:")),
        ("http://127.0.0.1:80/", ("http", "127.0.0.1")),
        ("http://[::1]:80/", ("http", "[::1]")),
        ("http://[::1]:8080/", ("http", "[::1]:8080")),
        ("https://me@api.4me.com:443/", ("https", "me@api.4me.com")),
        ("ftp://api.4me.com:443/", ("ftp", "api.4me.com:443")),
    ],
)
def test_origin(url: str, origin: tuple[str, str]) -> None:
    """Two URLs have one origin whether they write out the usual port; user info is no part."""
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://4me.s3-accelerate.dualstack.amazonaws.com/", True),
        ("https://api.example.com:8443/v1/attachments?a=b", True),
        ("http://127.0.0.1:8080/v1/attachments", True),
        ("http://[::1]:8080/", True),
        ("http://localhost/", True),
        ("http://api.example.com/v1/attachments", False),
        ("http://127.0.0.1@evil.example/", False),
        ("http://127.0.0.1.evil.example/", False),
        ("http://evil.example/?http://127.0.0.1", False),
        ("http://127.0.0.1\\@evil.example/", False),
        ("https://[oops", False),
        ("https://", False),
        ("https:///path", False),
        ("https://me@/path", False),
        ("//example.com", False),
        ("ftp://example.com", False),
        ("file:///etc/passwd", False),
        ("", False),
    ],
)
def test_safe(url: str, expected: bool) -> None:  # noqa: FBT001  a table's column
    """Data may be sent over https, and over http to this machine only, where that is allowed."""
    assert is_safe(url, loopback=True) is expected
    assert is_safe(url, loopback=False) is (expected and url.startswith("https"))


def test_the_repr_of_a_connection_has_no_token() -> None:
    """It may be in a traceback."""
    connection = Connection(parse_host("api.4me.com"), "a-secret", "wdc")
    assert repr(connection) == "Connection(api.4me.com, wdc)"
