"""Which engine a run is in: documented rules in a documented order."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from engines import Arguments, Engine, choose_engine
from engines.local import LocalEngine
from engines.relay import RelayEngine
from process.clock import Clock
from process.errors import ConfigError
from process.settings import Settings
from spec.schema import load_spec_schema
from tests.engines.sample_output import OUTPUTS, SCHEMA
from transport.context import RunContext

if TYPE_CHECKING:
    from collections.abc import Mapping

    from spec.schema import SpecSchema

RELAY = {"METADATA_API_URL": "http://:token@127.0.0.1:1"}
ACTION = {"GITHUB_ACTIONS": "true", "INPUT_REQUEST": "", "GITHUB_OUTPUT": "/nowhere/output"}
REQUEST = {"FOURME_REQUEST": "{request_id: 1}"}
NUMBER = {"FOURME_REQUEST_ID": "1"}
FIND = {"FOURME_FIND": "{supplier_requestID: a}"}
FILE = Arguments(spec="spec.yaml")


GET = load_spec_schema("steps/get")


def choose(
    environ: Mapping[str, str],
    arguments: Arguments = Arguments(),  # noqa: B008  immutable
    schema: SpecSchema = SCHEMA,
) -> Engine:
    """Return the engine of a run."""
    context = RunContext(Settings(), Clock())
    return choose_engine(environ, arguments, context, OUTPUTS, schema)


def places(engine: Engine) -> list[str]:
    """Return where a local engine writes."""
    assert isinstance(engine, LocalEngine)
    return [target.name for target in engine.targets]


def test_each_source_alone_is_used() -> None:
    """Relay, an action, the environment and a file are each recognised by their condition."""
    assert isinstance(choose(RELAY), RelayEngine)
    assert places(choose(ACTION)) == ["/nowhere/output"]
    assert places(choose(REQUEST)) == ["standard output"]
    assert places(choose(NUMBER)) == ["standard output"]
    assert places(choose(FIND)) == ["standard output"]
    assert places(choose(FIND, schema=GET)) == ["standard output"]
    assert places(choose({}, FILE)) == ["standard output"]


@pytest.mark.parametrize("environ", [RELAY, ACTION, NUMBER, FIND, RELAY | ACTION | NUMBER])
def test_a_file_on_the_command_line_comes_first(environ: Mapping[str, str]) -> None:
    """What is for one run precedes what an engine sets for every run."""
    assert places(choose(environ, FILE)) == ["standard output"]


@pytest.mark.parametrize(
    ("environ", "arguments", "named"),
    [
        (RELAY | REQUEST, Arguments(), "METADATA_API_URL and FOURME_REQUEST"),
        (RELAY | NUMBER, Arguments(), "METADATA_API_URL and FOURME_REQUEST"),
        (RELAY | ACTION, Arguments(), "(INPUT_...) and METADATA_API_URL"),
        (ACTION | REQUEST, Arguments(), "(INPUT_...) and FOURME_REQUEST"),
        (REQUEST, FILE, "--spec and FOURME_REQUEST"),
        (RELAY | NUMBER, Arguments(), "METADATA_API_URL and FOURME_REQUEST_ID are set"),
        (RELAY | REQUEST | NUMBER, Arguments(), "FOURME_REQUEST and FOURME_REQUEST_ID are set"),
        (RELAY | REQUEST | FIND, Arguments(), "URL and FOURME_REQUEST and FOURME_FIND are set"),
        (RELAY | FIND, Arguments(), "METADATA_API_URL and FOURME_FIND are set"),
    ],
)
def test_two_sources_are_ambiguous(
    environ: Mapping[str, str], arguments: Arguments, named: str
) -> None:
    """The run ends before anything is read, and names both."""
    with pytest.raises(ConfigError) as caught:
        choose(environ, arguments)
    assert "It is not clear which spec to read" in caught.value.what
    assert named in caught.value.what
    assert len(caught.value.details) == 4


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"METADATA_API_URL": " ", "FOURME_REQUEST": "\n", "FOURME_REQUEST_ID": ""},
        {"FOURME_HOST": "h", "FOURME_ACCESS_TOKEN": "t", "FOURME_ACCOUNT": "a", "FOURME_NOTE": "n"},
        {"GITHUB_ACTIONS": "true"},
        {"GITHUB_ACTIONS": "true", "INPUT_FILE": "of another action", "INPUT_HOST": "likewise"},
        {"GITHUB_ACTIONS": "false", "INPUT_REQUEST": "x"},
    ],
)
def test_without_a_source_the_message_lists_them_all(environ: Mapping[str, str]) -> None:
    """With a connection alone, too; in their order."""
    with pytest.raises(ConfigError) as caught:
        choose(environ)
    text = "\n".join(caught.value.details)
    sources = ["step.py --spec FILE", "FOURME_REQUEST", "GitHub Actions", "METADATA_API_URL"]
    found = [text.find(source) for source in sources]
    assert min(found) >= 0
    assert all(one < other for one, other in pairwise(found))


def test_the_variables_are_those_of_the_operation() -> None:
    """What only another operation needs is no source, and no message names it."""
    assert places(choose(NUMBER, schema=GET)) == ["standard output"]
    assert places(choose(REQUEST, FILE, GET)) == ["standard output"]
    assert isinstance(choose(RELAY | REQUEST, schema=GET), RelayEngine)
    action = {"GITHUB_ACTIONS": "true", "INPUT_REQUEST_ID": "", "GITHUB_OUTPUT": "/nowhere/output"}
    assert places(choose(action, schema=GET)) == ["/nowhere/output"]
    action = {"GITHUB_ACTIONS": "true", "INPUT_FIND": "", "GITHUB_OUTPUT": "/nowhere/output"}
    assert places(choose(action, schema=GET)) == ["/nowhere/output"]
    with pytest.raises(ConfigError, match="no spec to read") as caught:
        choose(REQUEST, schema=GET)
    assert caught.value.details[1].startswith(
        "FOURME_REQUEST_ID or FOURME_FIND (as YAML or JSON): environment variables; with "
    )


@pytest.mark.parametrize("environ", [RELAY, ACTION])
def test_an_output_file_is_rejected_where_the_engine_has_its_own(
    environ: Mapping[str, str],
) -> None:
    """--output is an error in Relay and in an action."""
    with pytest.raises(ConfigError, match="--output cannot be combined with"):
        choose(environ, Arguments(output="request.json"))


def test_an_action_without_a_place_for_outputs_is_rejected() -> None:
    """Before anything is sent: no one could read its outputs."""
    with pytest.raises(ConfigError, match="GITHUB_OUTPUT is not set"):
        choose({**ACTION, "GITHUB_OUTPUT": ""})
