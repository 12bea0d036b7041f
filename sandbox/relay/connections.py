"""The host of a step's connection: where its calls to 4me go."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sandbox.relay.expressions import encode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sandbox.relay.expression_syntax import Segment
    from sandbox.relay.expressions import Evaluated

#: The domains of 4me's own environments, demonstration and quality assurance included.
_DOMAINS = ("4me.com", "4me.qa", "4me-demo.com", "xurrent.com", "xurrent.qa", "xurrent-demo.com")

#: The URLs in a connection, and the path that each is replaced by.
_URL_PATHS: Mapping[str, str] = {"host": "", "tokenURL": "/token"}

_NO_HOST = "an unknown host: the connection's host is invalid"


def redirect_hosts(url: str, value: object, path: Sequence[Segment] = ()) -> object:
    """Return a part of a spec with the URLs of its connection replaced by the sandbox's.

    A connection may be a mapping or JSON text, and either may be base64 in Relay's mapping. A URL
    that is neither text nor a number stays: nothing can be called there.

    Args:
        url: The address of the sandbox's 4me API; URLs below it stay.
        value: The part, as JSON.
        path: Where it is in the spec; empty for the whole spec.
    """
    if not path:
        spec = _decoded(value)
        if not isinstance(spec, dict) or "connection" not in spec:
            return value
        return {**spec, "connection": _connection(url, spec["connection"])}
    if path[0] != "connection":
        return value
    if len(path) == 1:
        return _connection(url, value)
    return _url(url, str(path[1]), value)


def describe_host(spec: Evaluated) -> str:
    """Return a text for people: the host that a step with this spec calls."""
    tree = _decoded(encode(spec.value))
    found = _parsed(tree.get("connection")) if isinstance(tree, dict) else None
    host = _decoded(found.get("host")) if isinstance(found, dict) else None
    if not isinstance(host, str) or "${" in host:
        return "an unknown host: the spec has no host that can be resolved"
    try:
        parts = urlsplit(host if "://" in host else f"https://{host}")
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return _NO_HOST
    name = parts.hostname
    if not name or not name.isprintable():
        return _NO_HOST
    return f"{parts.scheme}://{f'[{name}]' if ':' in name else name}{port}: {_kind(name)}"


def _kind(name: str) -> str:
    if name == "localhost" or _is_loopback(name):
        return "this machine"
    is_4me = any(name == domain or name.endswith(f".{domain}") for domain in _DOMAINS)
    return "the real 4me" if is_4me else "another machine"


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _connection(url: str, value: object) -> object:
    parsed = _parsed(value)
    if not isinstance(parsed, dict):
        return value
    redirected = {name: _url(url, name, item) for name, item in parsed.items()}
    return json.dumps(redirected) if isinstance(_decoded(value), str) else redirected


def _url(url: str, name: str, value: object) -> object:
    text = _decoded(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        text = str(value)  # a step may convert it to text, and a resolver that to an IPv4 address
    if name not in _URL_PATHS or not isinstance(text, str):
        return value
    # The URL itself or with a path: `http://127.0.0.1:8080@elsewhere` is another host.
    is_here = text == url or text.startswith(f"{url}/")
    return text if is_here else url + _URL_PATHS[name]


def _parsed(value: object) -> object:
    """Return the value of JSON text; any other value unchanged."""
    text = _decoded(value)
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _decoded(value: object) -> object:
    """Return the text of Relay's base64 mapping; any other value unchanged."""
    if not isinstance(value, dict) or "$encoding" not in value:
        return value
    data = _decoded(value.get("data"))
    if value["$encoding"] != "base64" or not isinstance(data, str):
        return data
    try:
        return base64.b64decode(data).decode("utf-8", "replace")
    except binascii.Error:
        return value
