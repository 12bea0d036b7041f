"""The description of a request's fields."""

from __future__ import annotations

from jsonschema import Draft202012Validator

from sandbox.fourme.fields import SCHEMA, blank


def test_the_description_is_a_json_schema() -> None:
    """The description is valid, so that no misspelt keyword is ignored."""
    Draft202012Validator.check_schema(SCHEMA)
    known = {*Draft202012Validator.VALIDATORS, "default", "readOnly", "writeOnly"}
    known |= {"x-collection", "x-duration", "x-required"}
    used = {keyword for entry in SCHEMA["properties"].values() for keyword in entry}
    assert used <= known


def test_a_blank_request_has_what_can_be_read() -> None:
    """References are without `_id`, defaults are filled in, and what is only written is absent."""
    request = blank()
    assert list(request)[:2] == ["id", "subject"]
    assert (request["team"], request["urgent"], request["grouping"]) == (None, False, "none")
    assert not {"team_id", "note", "time_spent", "note_attachments"} & set(request)
