"""The environment variables that hold a spec and name the places of its outputs."""

from __future__ import annotations

from typing import NamedTuple

PREFIX = "FOURME_"
GITHUB_PREFIX = "INPUT_"

OUTPUT = "FOURME_OUTPUT"
RESULTS_DIR = "FOURME_RESULTS_DIR"
DOTENV = "FOURME_DOTENV"
ANNOTATIONS = "FOURME_ANNOTATIONS"


ACCESS_TOKEN = "ACCESS_TOKEN"  # noqa: S105  the name of a variable
ACCESS_TOKEN_FILE = "ACCESS_TOKEN_FILE"  # noqa: S105  likewise
# A run whose spec is in variables has one of these; the others can also complete a file.
MAIN_INPUTS = ("REQUEST", "REQUEST_ID")
# GitHub sets all inputs of an action, also to nothing; a run of this action has one of these.
ACTION_INPUTS = ("HOST", "ACCOUNT", "ACCESS_TOKEN", *MAIN_INPUTS)


class EngineVariable(NamedTuple):
    """An environment variable as the documentation describes it."""

    name: str
    meaning: str


SPEC_VARIABLES = (
    EngineVariable("FOURME_HOST", "`connection.host`"),
    EngineVariable("FOURME_ACCESS_TOKEN", "`connection.accessToken`"),
    EngineVariable("FOURME_ACCESS_TOKEN_FILE", "a file that holds the access token"),
    EngineVariable("FOURME_ACCOUNT", "`connection.account`"),
    EngineVariable("FOURME_REQUEST", "`request`, as YAML or JSON text"),
    EngineVariable("FOURME_REQUEST_ID", "`request.request_id`; `request_id` of `get`"),
    EngineVariable("FOURME_NOTE", "`request.note`: used as it is, whatever the text contains"),
    EngineVariable("FOURME_INTERNAL_NOTE", "`request.internal_note`, likewise"),
    EngineVariable("FOURME_NOTES", "`notes` of `get`"),
    EngineVariable("FOURME_IF_MISSING", "`if_missing` of `get`"),
    EngineVariable("FOURME_DEBUG", "`debug`"),
)
OUTPUT_VARIABLES = (
    EngineVariable(
        OUTPUT,
        "file for the main value, such as the request, as JSON; a folder: every value as "
        "`<name>.json`; `-`: stdout",
    ),
    EngineVariable(RESULTS_DIR, "folder for one file per result, without a final line break"),
    EngineVariable(DOTENV, "file for the results as lines `FOURME_RESULT_<NAME>=value`"),
    EngineVariable(ANNOTATIONS, "file for a GitLab job annotation that links to 4me"),
)
