"""`fourme.refusals`: what 4me's own errors mean to a user."""

from __future__ import annotations

import pytest

from fourme.errors import AccessError, RefusedError, RequestNotFoundError, StepError
from fourme.refusals import Attempted, details_of, refusal
from tests.fourme.scripted_api import answer

ATTEMPTED = Attempted("update request 5", "wdc", 5, ("Specialist", "Auditor"))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RefusedError),
        (401, AccessError),
        (403, AccessError),
        (404, RequestNotFoundError),
        (409, RefusedError),
        (418, RefusedError),
        (422, RefusedError),
    ],
)
def test_each_status_is_an_error_of_its_own(status: int, kind: type[StepError]) -> None:
    """Status and 4me's id of the answer are kept as facts; nothing was applied."""
    error = refusal(answer({}, status, X_Request_Id="abc"), ATTEMPTED)
    assert type(error) is kind
    assert (error.status, error.trace, error.applied) == (status, "abc", "no")
    assert error.todo


def test_a_404_that_is_about_no_request_is_a_refusal() -> None:
    """Only a request can be unknown."""
    error = refusal(answer({}, 404), Attempted("ask where to upload files", "wdc"))
    assert type(error) is RefusedError


def test_a_403_names_the_roles() -> None:
    """All roles that the update takes are named."""
    assert "Specialist, Auditor" in refusal(answer({}, 403), ATTEMPTED).usually


@pytest.mark.parametrize(
    ("body", "details"),
    [
        ({"message": "No", "errors": [["impact", "is odd"]]}, ("impact: is odd",)),
        ({"errors": [["a", "b"], {"c": 1}, ["d", 2]]}, ("a: b", '{"c": 1}', '["d", 2]')),
        ({"message": "Not\nso"}, ("Not so",)),
        ({"errors": []}, ("{'errors': []}",)),
        ({"errors": "many", "message": 5}, ("5",)),
        (["x"], ('["x"]',)),
        (b"", ()),
        (b"<p>Bad\x1b gateway</p>", ("<p>Bad\\x1b gateway</p>",)),
        (b"[" * 100_000, None),
        (b"caf\xe9", ("caf\ufffd",)),
        (b"x" * 20_000, ("x" * 16_384,)),
    ],
)
def test_whatever_4me_says_is_quoted_in_harmless_lines(
    body: object, details: tuple[str, ...] | None
) -> None:
    """Field by field where it can be, else as it is; never an error of our own."""
    found = details_of(answer(body, 422))
    assert found == details if details is not None else len(found) == 1


@pytest.mark.parametrize("charset", ["idna", "undefined", "punycode", "bogus", "\x00"])
def test_odd_charsets_do_no_harm(charset: str) -> None:
    """Whatever an answer claims to be encoded in, it is quoted and the refusal stays one."""
    response = answer(b"<p>N\xc3\xb6</p>" * 10, 422, Content_Type=f"text/html; charset={charset}")

    error = refusal(response, ATTEMPTED)
    assert type(error) is RefusedError
    assert error.details == ("<p>N\u00f6</p>" * 10,)
