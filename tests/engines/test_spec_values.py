"""`engines.spec_values`: a spec merged from files and variables, and its conflicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engines.spec_values import SpecValue, merge, read_spec, spec_values_in
from process.errors import ConfigError, SpecError
from spec.schema import InputVariable
from tests.engines.sample_output import INPUTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONNECTION = {"host": "https://api.4me.com", "accessToken": "the-token", "account": "wdc"}
VARIABLES = {
    "FOURME_HOST": "https://api.4me.com",
    "FOURME_ACCESS_TOKEN": "the-token",
    "FOURME_ACCOUNT": "wdc",
}


def spec_from_environment(
    environ: Mapping[str, str], inputs: Mapping[str, InputVariable] = INPUTS
) -> object:
    """Return the spec in the variables of an operation."""
    return read_spec(environ, inputs)


def spec_from_file(path: str, environ: Mapping[str, str]) -> object:
    """Return the spec in a file, completed from variables."""
    return read_spec(environ, INPUTS, path)


def test_the_environment_holds_a_whole_spec() -> None:
    """Connection, request and debug come from the FOURME_ variables; blank ones are unset."""
    spec = spec_from_environment(
        {
            **VARIABLES,
            "FOURME_REQUEST": "{request_id: 80339, member: ''}",
            "FOURME_NOTE": "{a: note} that looks like YAML\n",
            "FOURME_INTERNAL_NOTE": " ",
            "FOURME_DEBUG": "true",
        }
    )
    assert spec == {
        "connection": CONNECTION,
        "request": {"request_id": 80339, "member": "", "note": "{a: note} that looks like YAML\n"},
        "debug": "true",
    }


def test_the_inputs_of_an_operation_have_variables_of_their_own(tmp_path: Path) -> None:
    """Each goes to its own place; objects and lists are YAML or JSON, anything else is text."""
    inputs = {
        **INPUTS,
        "REQUEST_ID": InputVariable(("request_id",)),
        "NOTES": InputVariable(("notes",)),
        "CONNECTION": InputVariable(("connection",), is_document=True),
        "WAIT_FOR": InputVariable(("wait_for",), is_document=True),
        "FAIL_ON": InputVariable(("fail_on",), is_document=True),
    }
    environ = {
        "FOURME_CONNECTION": '{"account": "wdc", "host": null}',
        "FOURME_HOST": "https://api.4me.com",
        "FOURME_REQUEST_ID": "80339",
        "FOURME_NOTES": "true",
        "FOURME_WAIT_FOR": "status: [completed]\nteam: null",
        "FOURME_FAIL_ON": " ",
    }
    expected = {
        "connection": {"host": "https://api.4me.com", "account": "wdc"},
        "request_id": "80339",
        "notes": "true",
        "wait_for": {"status": ["completed"], "team": None},
    }
    assert spec_from_environment(environ, inputs) == expected
    file = tmp_path / "spec.yaml"
    file.write_text("{request_id: 80339, wait_for: null, connection: {account: wdc}}", "utf-8")
    assert read_spec(environ, inputs, str(file)) == {
        **expected,
        "request_id": 80339,
    }


def test_a_whole_object_conflicts_with_its_members_in_any_order() -> None:
    """An object that is given as text cannot be completed."""
    member = SpecValue(("connection", "host"), "h", "INPUT_HOST")
    whole = SpecValue(("connection",), "text", "FOURME_CONNECTION")
    for values in ([member, whole], [whole, member]):
        with pytest.raises(ConfigError) as caught:
            merge(values)
        assert caught.value.details == ("connection: FOURME_CONNECTION and INPUT_HOST",)


def test_a_text_from_elsewhere_cannot_change_another_field() -> None:
    """FOURME_NOTE is one value, whatever is in it."""
    spec = spec_from_environment(
        {"FOURME_REQUEST_ID": "1", "FOURME_NOTE": "done\nstatus: completed\n"}
    )
    assert spec == {"request": {"request_id": "1", "note": "done\nstatus: completed\n"}}


def test_the_token_may_be_in_a_file(tmp_path: Path) -> None:
    """FOURME_ACCESS_TOKEN_FILE leads to it, as mounted secrets need."""
    file = tmp_path / "token"
    file.write_text("the-token\n", encoding="utf-8")
    spec = spec_from_environment({"FOURME_ACCESS_TOKEN_FILE": str(file)})
    assert spec == {"connection": {"accessToken": "the-token\n"}}


@pytest.mark.parametrize(
    "text",
    [
        "request: {request_id: 5}",
        '{"request": {"request_id": 5}, "connection": null}',
        "connection: {accessToken: null, account: wdc}\nrequest: {request_id: 5}",
        "\ufeffrequest: {request_id: 5}",
    ],
)
def test_the_environment_completes_a_file(tmp_path: Path, text: str) -> None:
    """What a file leaves out, or has as null, comes from the environment."""
    file = tmp_path / "spec.yaml"
    file.write_text(text, encoding="utf-8")
    spec = spec_from_file(str(file), {**VARIABLES, "FOURME_NOTE": "Done"})
    assert spec == {"connection": CONNECTION, "request": {"request_id": 5, "note": "Done"}}


@pytest.mark.parametrize(("text", "value"), [("[1]", [1]), ("", None), ("words", "words")])
def test_a_file_without_an_object_is_left_to_the_validation(
    tmp_path: Path, text: str, value: object
) -> None:
    """Anything but an object is returned as it is, so that one place alone rejects it."""
    file = tmp_path / "spec.yaml"
    file.write_text(text, encoding="utf-8")
    assert spec_from_file(str(file), VARIABLES) == value


@pytest.mark.parametrize(
    ("text", "environ", "details"),
    [
        (
            "connection: {host: https://api.4me.qa, account: wdc}",
            VARIABLES,
            ("connection.host: The spec file {file} and FOURME_HOST",),
        ),
        (
            "connection: '{}'\nrequest: []",
            {"FOURME_HOST": "h", "FOURME_REQUEST_ID": "1"},
            (
                "connection: The spec file {file} and FOURME_HOST",
                "request: The spec file {file} and FOURME_REQUEST_ID",
            ),
        ),
        (
            "request: {request_id: {id: 1}, note: a}",
            {"FOURME_REQUEST_ID": "1", "FOURME_NOTE": "b"},
            (
                "request.request_id: The spec file {file} and FOURME_REQUEST_ID",
                "request.note: The spec file {file} and FOURME_NOTE",
            ),
        ),
    ],
)
def test_two_different_values_are_an_error(
    tmp_path: Path, text: str, environ: Mapping[str, str], details: tuple[str, ...]
) -> None:
    """Neither of them is ignored silently; all such inputs are named, no value is shown."""
    file = tmp_path / "spec.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        spec_from_file(str(file), environ)
    assert caught.value.details == tuple(line.format(file=file) for line in details)


@pytest.mark.parametrize("text", ["Gr\u00f6\u00dfe", "caf\udce9", "\ud83d"])
def test_a_variables_text_is_what_it_is(text: str) -> None:
    """Decoded as UTF-8; invalid bytes and lone surrogates are left to the validation."""
    (item,) = spec_values_in({"FOURME_NOTE": text}, "FOURME_", INPUTS)
    assert item.value == text


def test_the_same_value_twice_is_no_error() -> None:
    """A number and its text are the same value."""
    values = [
        SpecValue(("request", "request_id"), 5, "a"),
        SpecValue(("request", "request_id"), " 5\n", "b"),
    ]
    assert merge(values) == {"request": {"request_id": 5}}


def test_a_file_that_cannot_be_read_is_a_config_error(tmp_path: Path) -> None:
    """A spec or token file that is missing, or a folder, ends in 78 and names it."""
    missing = str(tmp_path / "nothing.yaml")
    with pytest.raises(ConfigError, match=f"The spec file {missing} cannot be read: No such file"):
        spec_from_file(missing, {})
    with pytest.raises(ConfigError, match="Is a directory"):
        spec_from_file(str(tmp_path), {})
    message = f"The file {missing} that FOURME_ACCESS_TOKEN_FILE names cannot be read"
    with pytest.raises(ConfigError, match=message):
        spec_from_environment({"FOURME_ACCESS_TOKEN_FILE": missing})


def test_a_token_in_place_of_its_file_is_not_shown() -> None:
    """Only what begins as a path does is named."""
    with pytest.raises(ConfigError, match="The file that FOURME_ACCESS_TOKEN_FILE") as caught:
        spec_from_environment({"FOURME_ACCESS_TOKEN_FILE": "s3cret"})
    assert "s3cret" not in str(caught.value)


def test_a_file_that_is_not_text_is_a_spec_error(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 end in 65."""
    file = tmp_path / "spec.yaml"
    file.write_bytes(b"note: caf\xe9")
    with pytest.raises(SpecError, match="byte 9 is not UTF-8"):
        spec_from_file(str(file), {})
