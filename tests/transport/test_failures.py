"""`transport.failures`: which answers are failures, and what they ask for."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from process.errors import RedirectError
from tests.fake_clock import FakeClock
from transport.failures import AttemptFailed, FailureKind, raise_for_status
from transport.headers import server_time, trace_id_of

NOW = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)


def answer(status: int, **headers: str) -> requests.Response:
    """Return an answer; underscores in the names of headers are hyphens."""
    response = requests.Response()
    response.status_code = status
    response.reason = "Reason\x1b"
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    response.request = requests.Request("GET", "https://api.4me.com/v1/requests/5").prepare()
    return response


def failure_of(response: requests.Response, busy: frozenset[int] = frozenset()) -> AttemptFailed:
    """Return the failure that an answer is."""
    with pytest.raises(AttemptFailed) as caught:
        raise_for_status(response, FakeClock(now=NOW.timestamp()), busy)
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 204, 299, 400, 401, 403, 404, 409, 422, 418, 499])
def test_passes(status: int) -> None:
    """Answers to work with pass."""
    raise_for_status(answer(status), FakeClock(), frozenset())


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (429, FailureKind.RATE_LIMITED),
        (500, FailureKind.SERVER_ERROR),
        (501, FailureKind.SERVER_ERROR),
        (502, FailureKind.SERVER_ERROR),
        (503, FailureKind.SERVER_ERROR),
        (504, FailureKind.TIMEOUT),
        (408, FailureKind.TIMEOUT),
        (520, FailureKind.SERVER_ERROR),
        (522, FailureKind.TIMEOUT),
        (524, FailureKind.TIMEOUT),
        (598, FailureKind.TIMEOUT),
        (599, FailureKind.TIMEOUT),
        (100, FailureKind.SERVER_ERROR),
        (101, FailureKind.SERVER_ERROR),
        (199, FailureKind.SERVER_ERROR),
    ],
)
def test_failures(status: int, kind: FailureKind) -> None:
    """429, 408, 5xx and interim answers are failures, with their status and the service's id."""
    found = failure_of(answer(status, X_Request_Id="abc-1"))

    assert (found.kind, found.status, found.trace_id) == (kind, status, "abc-1")
    assert str(status) in found.reason
    assert "\x1b" not in found.reason


def test_words_of_a_status_are_the_standard_ones() -> None:
    """What a server says for a reason may be anything, a note among it."""
    response = answer(500)
    response.reason = "The note that was sent"
    assert failure_of(response).reason == "it answered 500 (Internal Server Error)"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"message": "Too Many Requests"}', FailureKind.RATE_LIMITED),
        (b'{"message": "too many requests. "}', FailureKind.RATE_LIMITED),
        (b'{"message": "Internal Server Error"}', FailureKind.SERVER_ERROR),
        (b'{"message": ["Too Many Requests"]}', FailureKind.SERVER_ERROR),
        (b'{"error": "Too Many Requests"}', FailureKind.SERVER_ERROR),
        (b'["Too Many Requests"]', FailureKind.SERVER_ERROR),
        (b"Too Many Requests", FailureKind.SERVER_ERROR),
        (b"[" * 4000, FailureKind.SERVER_ERROR),
        (b'{"message": "Too Many Requests"' + b" " * 5000 + b"}", FailureKind.SERVER_ERROR),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_a_500_may_be_a_rate_limit(body: bytes, kind: FailureKind) -> None:
    """4me says so in the message; its Retry-After is heeded, too."""
    response = answer(500, Retry_After="7")
    response._content = body  # noqa: SLF001  requests has no other way
    found = failure_of(response)
    assert found.kind is kind
    assert found.retry_after == (7.0 if kind is FailureKind.RATE_LIMITED else None)


def test_busy_status() -> None:
    """A status may mean "try again" in one place only."""
    assert failure_of(answer(409), frozenset({409})).kind is FailureKind.SERVER_ERROR


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("Sat, 21 Nov 2026 12:01:40 GMT", 100.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", 0.0),
        ("999999999", 999_999_999.0),
        ("9999999999", 1e9),
        ("9" * 500, 1e9),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 1e9),
        # What says nothing:
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("", None),
        ("\xb2", None),
        ("Sat, 99 Nov 2026 12:00:00 GMT", None),
    ],
)
@pytest.mark.parametrize("skew", [0, 100_000])
def test_retry_after(status: int, text: str, seconds: float | None, skew: int) -> None:
    """Retry-After is seconds or a date by the server's own clock; anything else says nothing."""
    date = datetime.fromtimestamp(NOW.timestamp(), UTC)
    response = answer(status, Retry_After=text, Date=format_datetime(date, usegmt=True))

    with pytest.raises(AttemptFailed) as caught:
        raise_for_status(response, FakeClock(now=NOW.timestamp() + skew), frozenset())

    found = caught.value
    assert (found.kind, found.retry_after) == (FailureKind.RATE_LIMITED, seconds)
    expected = None if seconds is None else NOW.timestamp() + seconds
    assert (found.until and found.until.timestamp()) == expected


def test_retry_after_without_date() -> None:
    """Without a date of the server's, this machine's clock serves."""
    found = failure_of(answer(429, Retry_After="60"))

    assert found.until == datetime(2026, 11, 21, 12, 1, 0, tzinfo=UTC)
    assert "60 s" in found.reason


def test_retry_after_at_the_end_of_time() -> None:
    """A server at the end of all calendars cannot say until when, but for how long."""
    found = failure_of(answer(429, Retry_After="60", Date="Fri, 31 Dec 9999 23:59:59 GMT"))

    assert (found.retry_after, found.until) == (60.0, None)


@given(
    st.text() | st.from_regex(r"(Mon, )?[0-9]{1,3} (Jan|Feb) [0-9]{1,5} [0-9:]{0,9} ?[-+A-Z0-9]*")
)
def test_any_date(text: str) -> None:
    """No header, however odd, is more than no date."""
    found = server_time({"Date": text})
    assert found is None or isinstance(found, float)
    failure = failure_of(answer(429, Retry_After=text.replace("\n", " "), Date=text))
    assert failure.retry_after is None or 0 <= failure.retry_after <= 1e9


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("https://wdc.4me.com/login?token=geheim", "https://wdc.4me.com"),
        ("https://me:geheim@evil.example/", "https://evil.example"),
        ("//evil.example:8443/geheim", "evil.example:8443"),
        ("/login?geheim", None),
        ("", None),
    ],
)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
def test_redirect(status: int, location: str, place: str | None) -> None:
    """A redirect is an error that says where to, without path, query and user info."""
    with pytest.raises(RedirectError) as caught:
        raise_for_status(answer(status, Location=location), FakeClock(), frozenset())

    assert caught.value.status == status
    assert "api.4me.com" in caught.value.what
    assert "geheim" not in str(caught.value)
    assert place is None or place in caught.value.what


@pytest.mark.parametrize("location", ["https://[oops", "http://[::1", "https://a\u2100b"])
def test_redirect_to_nowhere(location: str) -> None:
    """A redirect to something that is no URL is a redirect all the same."""
    with pytest.raises(RedirectError):
        raise_for_status(answer(302, Location=location), FakeClock(), frozenset())


def test_no_trace() -> None:
    """An answer without an id has none."""
    assert trace_id_of(answer(200)) is None
    assert trace_id_of(answer(200, X_Request_Id="")) is None


@pytest.mark.parametrize("text", ["Correct Horse", "a\x07", "x" * 129, "\u00e9", "a,b"])
def test_what_is_no_id_is_not_shown(text: str) -> None:
    """A service may put anything there, even a note."""
    assert trace_id_of(answer(200, X_Request_Id=text)) is None
