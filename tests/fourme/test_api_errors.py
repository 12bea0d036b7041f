"""`fourme.api_errors`: what 4me's own errors mean to a user."""

from __future__ import annotations

import html
import json
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from fourme import api_errors
from fourme.api_errors import details_of
from fourme.client import ErrorContext
from process.errors import AccessError, RejectedError, RequestNotFoundError
from tests.fourme.scripted_api import answer

if TYPE_CHECKING:
    import requests

    from process.errors import StepError

UPDATE = ErrorContext("update request 5", 5, ("Specialist", "Auditor"), sends_values=True)


def error_from_response(response: requests.Response, error_context: ErrorContext) -> StepError:
    """Return the error for a response in the account `wdc`."""
    return api_errors.error_from_response(response, error_context, "wdc")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RejectedError),
        (401, AccessError),
        (403, AccessError),
        (404, RequestNotFoundError),
        (409, RejectedError),
        (418, RejectedError),
        (422, RejectedError),
    ],
)
def test_each_status_is_an_error_of_its_own(status: int, kind: type[StepError]) -> None:
    """Status and 4me's id of the answer are kept as facts; nothing was applied."""
    error = error_from_response(answer({}, status, X_Request_Id="abc"), UPDATE)
    assert type(error) is kind
    assert (error.status, error.trace_id, error.applied) == (status, "abc", "no")
    assert error.fix


def test_a_404_that_is_about_no_request_is_a_rejection() -> None:
    """Only a request can be unknown."""
    error = error_from_response(answer({}, 404), ErrorContext("ask where to upload files"))
    assert type(error) is RejectedError


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_a_rejected_read_names_no_update(status: int) -> None:
    """What is only read has no values to fix, and is not updated."""
    error = error_from_response(answer({}, status), ErrorContext("read request 5", 5))
    assert error.fix
    assert "updat" not in f"{error.what} {error.cause} {error.fix}"
    assert "value" not in f"{error.what} {error.cause} {error.fix}"


def test_a_rejected_update_names_its_values() -> None:
    """They are what the user can fix."""
    error = error_from_response(answer({}, 422), UPDATE)
    assert error.cause == "a value does not fit this request"
    assert error.fix == (
        "Fix these values in the workflow. Referenced records must exist in this account, and be "
        "enabled."
    )


def test_a_403_names_the_roles() -> None:
    """All roles that the update requires are named."""
    assert "Specialist, Auditor" in error_from_response(answer({}, 403), UPDATE).cause


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
        (b"x" * 20_000, ("x" * 12_288,)),
        (b"x" * 16_000 + b" " + b"y" * 4_000, ("x" * 16_000,)),
        ({"message": "x " * 20_000}, (("x " * 8_192).strip(),)),
        (
            {"errors": [["x y", "z"], ["note"], ["n" * 41, "z"]]},
            ("x y: z", "note", f"{'n' * 41}: z"),
        ),
    ],
)
def test_any_error_message_is_quoted_in_printable_lines(
    body: object, details: tuple[str, ...] | None
) -> None:
    """Field by field where it can be, else as it is; never an error of our own.

    It is cut at the end of a word: a cut within one could leave the beginning of a secret.
    """
    found = details_of(answer(body, 422))
    assert found == details if details is not None else len(found) == 1


@pytest.mark.parametrize("charset", ["idna", "undefined", "punycode", "bogus", "\x00"])
def test_odd_charsets_do_no_harm(charset: str) -> None:
    """Whatever an answer claims to be encoded in, it is quoted, and the error stays the same."""
    response = answer(b"<p>N\xc3\xb6</p>" * 10, 422, Content_Type=f"text/html; charset={charset}")

    error = error_from_response(response, UPDATE)
    assert type(error) is RejectedError
    assert error.details == ("<p>N\u00f6</p>" * 10,)


NOTE = 'The password of "db-1" is tr0ub4dor&3;\nplease change it.'


@pytest.mark.parametrize(
    "quoted",
    [
        NOTE,
        NOTE.upper(),
        " ".join(NOTE.split()),
        html.escape(NOTE),
        html.escape(html.escape(NOTE)),
        quote(NOTE),
        json.dumps(NOTE)[1:-1],
        json.dumps(json.dumps(NOTE))[3:-3],
        NOTE[:40],
        NOTE[25:],
        "tr0ub4dor&3",
        "Tr0ub4dor&amp;3",
    ],
)
@pytest.mark.parametrize("status", [400, 403, 422])
def test_an_error_quotes_nothing_of_a_note(status: int, quoted: str) -> None:
    """Neither all of it nor a part, however it is escaped; the field and the reason are read."""
    error_context = ErrorContext("update request 5", 5, private_texts=("other", NOTE))
    body = {"errors": [["note", f"must not be blank or '{quoted}'"], ["impact", "is odd"]]}

    for error in (body, {"message": str(body["errors"])}, str(body["errors"]).encode()):
        text = str(error_from_response(answer(error, status), error_context))
        assert "must not be blank or" in text
        assert "impact" in text
        assert "is odd" in text
        for word in ("password", "tr0ub", "please", "change"):
            assert word not in text.lower()


def test_a_field_is_named_though_a_note_has_its_name() -> None:
    """4me's names of fields are no quotations."""
    error_context = ErrorContext(
        "update", 5, private_texts=("custom fields attachments are missing",)
    )
    body = {"errors": [["custom_fields_attachments", "are missing"]]}

    assert error_from_response(answer(body, 422), error_context).details == (
        "custom_fields_attachments: are missing",
    )


def test_the_steps_own_words_stay() -> None:
    """A note that says the same as the step itself hides nothing of it."""
    note = str(error_from_response(answer({}, 422), UPDATE))
    error_context = UPDATE._replace(private_texts=(note,))

    assert str(error_from_response(answer({}, 422), error_context)) == note


def test_of_many_errors_the_first_are_quoted() -> None:
    """An answer of many megabytes neither floods the log nor slows the step down."""
    started = time.process_time()
    body = {"errors": [["note", "is odd: " + "x " * 8_000]] * 1_000}
    found = details_of(answer(body, 422), ("x " * 32_000,))

    assert found == ("note: is odd: ***",) * 2 + ("... and more",)
    many = details_of(answer({"errors": [["note", "is odd"]] * 100_000}, 422))
    assert len(many) < 200
    assert many[-1] == "... and more"
    assert time.process_time() - started < 4


@pytest.mark.parametrize("depth", [500, 900, 990, 5_000])
@pytest.mark.parametrize("body", ['{"errors": [%s]}', '{"a": %s}', "%s"])
def test_deep_answers_do_no_harm(depth: int, body: str) -> None:
    """However deep an answer is nested, there is one line of it."""
    raw = (body % ("[" * depth + "]" * depth)).encode()
    assert len(details_of(answer(raw, 422), (NOTE,))) == 1


@pytest.mark.parametrize(
    ("errors", "details"),
    [
        ([["note", "'hunter' is not allowed"]], ("note: '***' is not allowed",)),
        ([["internal_note", "4711 is too long"]], ("internal_note: *** is too long",)),
        ([["note", "Frau Schmidt may not be"]], ("note: *** *** may not be",)),
        ([["subject", "must not be about the hunter"]], ("subject: must not be about the hunter",)),
        (["the hunter is not valid"], ('"the *** is not valid"',)),
    ],
)
def test_no_word_of_a_note_is_in_what_is_said_of_it(
    errors: list[object], details: tuple[str, ...]
) -> None:
    """What 4me says of another field may have a word in common by chance."""
    note = "The root password is hunter, and the PIN 4711. Frau Schmidt called; it is not too long."
    rejected = answer({"message": "Validation Failed", "errors": errors}, 422)
    assert details_of(rejected, (note,)) == details
