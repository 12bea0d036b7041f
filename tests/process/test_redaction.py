"""`process.redaction`: what is redacted in logs, and what in outputs."""

from __future__ import annotations

import logging

import pytest

from process.redaction import MASK, Redactor


def redactor(*secrets: str) -> Redactor:
    """Return a redactor that knows some secrets."""
    found = Redactor()
    found.add_secrets(secrets)
    return found


def test_secret_within_another() -> None:
    """A secret that contains another is redacted whole."""
    assert redactor("token", "token-and-more").redact("token-and-more") == MASK


def test_secrets_accumulate() -> None:
    """Secrets that are added later do not replace earlier ones."""
    found = redactor("first-one")
    found.add_secrets(["second-one"])

    assert found.redact("first-one second-one") == f"{MASK} {MASK}"


@pytest.mark.parametrize("secret", ["", " ", "\n"])
def test_empty_secret(secret: str) -> None:
    """An empty secret redacts nothing."""
    assert redactor(secret).redact("some text") == "some text"


def test_lone_surrogate() -> None:
    """A secret that is not valid Unicode is redacted, too."""
    assert redactor("to\ud800ken").redact("a to\ud800ken") == f"a {MASK}"


def test_values() -> None:
    """A JSON value keeps its shape; its strings and names are redacted."""
    value = {"a long-token": ["long-token", 5, None, True, 1.5, {"b": "x long-token"}]}

    assert redactor("long-token").redact_value(value) == {
        f"a {MASK}": [MASK, 5, None, True, 1.5, {"b": f"x {MASK}"}]
    }
    assert value == {"a long-token": ["long-token", 5, None, True, 1.5, {"b": "x long-token"}]}


def test_object() -> None:
    """An object stays an object; a name that is a secret is redacted."""
    found = redactor("long-token").redact_value({"long-token": "long-token"})

    assert found == {MASK: MASK}


def test_redacted_names_stay_unique() -> None:
    """No value is lost because its name was redacted, and no other name changes."""
    values = {"one-token": 1, "two-token": 2, MASK: 3, "other": 4}

    found = redactor("one-token", "two-token").redact_value(values)

    assert found[MASK] == 3
    assert sorted(map(str, found.values())) == ["1", "2", "3", "4"]
    assert "token" not in "".join(found)


def test_deep_values() -> None:
    """A value nested deeper than Python's stack is redacted like any other."""
    value: object = "long-token"
    for _ in range(5_000):
        value = [{"a": value}]

    found = redactor("long-token").redact_value(value)

    while isinstance(found, list):
        found = found[0]["a"]
    assert found == MASK


def test_redacted_output_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """The first redaction of an output logs a warning."""
    found = redactor("long-token")
    with caplog.at_level(logging.WARNING):
        found.redact_value({"a": "other"})
        assert caplog.messages == []
        found.redact_value({"long-token": 1})
        found.redact_value({"a": "long-token"})

    assert len(caplog.messages) == 1
    assert f"{MASK} stands in its place" in caplog.messages[0]
    assert "make a new one" in caplog.messages[0]


def test_log_secrets_stay_in_outputs(caplog: pytest.LogCaptureFixture) -> None:
    """Secrets that give no access are redacted in logs only; `waiting_for_customer` stays."""
    found = redactor("long-token")
    found.add_log_secrets(["customer", "long-token"])
    values = {"status": "waiting_for_customer", "token": "long-token"}

    with caplog.at_level(logging.WARNING):
        assert found.redact_value(values) == {
            "status": "waiting_for_customer",
            "token": MASK,
        }
    assert found.redact("waiting_for_customer long-token") == f"waiting_for_{MASK} {MASK}"


def test_log_secret_that_gives_access() -> None:
    """The same text may be a proxy's password and the access token."""
    found = Redactor()
    found.add_log_secrets(["long-token"])
    assert found.redact_value("long-token") == "long-token"
    found.add_secrets(["long-token"])
    assert found.redact_value("long-token") == MASK


@pytest.mark.parametrize("secret", ["t", "id", "token", "1234567"])
def test_short_secret(secret: str) -> None:
    """A secret below 8 characters is redacted in logs only."""
    found = redactor(secret)

    assert found.redact(f"a {secret}.") == f"a {MASK}."
    assert found.redact_value({"a": f"a {secret}."}) == {"a": f"a {secret}."}


def test_eight_characters() -> None:
    """A secret of 8 characters is redacted in outputs."""
    assert redactor("12345678").redact_value("a 12345678") == f"a {MASK}"


def test_private_texts() -> None:
    """Notes are redacted in logs, where a server may quote them, but not in outputs."""
    found = redactor("long-token")
    found.add_private_texts(["Printed a page", "short"])
    found.add_private_texts(["Another note"])
    text = "Printed a page is bad, so is Another note, short, long-token"

    assert found.redact(text) == f"{MASK} is bad, so is {MASK}, short, {MASK}"
    assert found.redact_value(text) == text.replace("long-token", MASK)


def test_private_text_that_overlaps_a_secret() -> None:
    """Neither uncovers a part of the other."""
    redactor = Redactor()
    redactor.add_secrets(["demo-token-12345"])
    redactor.add_private_texts(["demo-token", "a note with demo-token-12345 in it"])
    quote = redactor.redact("x demo-token-12345 y a note with demo-token-12345 in it z")
    assert quote == f"x {MASK} y {MASK} z"
