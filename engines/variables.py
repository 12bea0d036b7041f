"""The environment variables that hand over a spec and say where the outputs go: one table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class EngineVariable:
    """An environment variable of the engines; one that is unset or empty says nothing."""

    name: str
    meaning: str


# What can be handed over on its own, by the part of the variable's name behind the prefix. The
# prefix is FOURME_, in GitHub Actions also INPUT_.
SPEC_PATHS = {
    "HOST": ("connection", "host"),
    "ACCESS_TOKEN": ("connection", "accessToken"),
    "ACCOUNT": ("connection", "account"),
    "REQUEST_ID": ("request", "request_id"),
    "NOTE": ("request", "note"),
    "INTERNAL_NOTE": ("request", "internal_note"),
    "DEBUG": ("debug",),
}
REQUEST = "REQUEST"
ACCESS_TOKEN_FILE = "ACCESS_TOKEN_FILE"  # noqa: S105  the name of a variable
PREFIX = "FOURME_"
GITHUB_PREFIX = "INPUT_"

OUTPUT = "FOURME_OUTPUT"
RESULTS_DIR = "FOURME_RESULTS_DIR"
DOTENV = "FOURME_DOTENV"
ANNOTATIONS = "FOURME_ANNOTATIONS"

SPEC_VARIABLES = (
    EngineVariable("FOURME_HOST", "`connection.host`"),
    EngineVariable("FOURME_ACCESS_TOKEN", "`connection.accessToken`"),
    EngineVariable("FOURME_ACCESS_TOKEN_FILE", "a file that holds the access token"),
    EngineVariable("FOURME_ACCOUNT", "`connection.account`"),
    EngineVariable("FOURME_REQUEST", "`request`, as YAML or JSON text"),
    EngineVariable("FOURME_REQUEST_ID", "`request.request_id`"),
    EngineVariable("FOURME_NOTE", "`request.note`: taken as it is, whatever the text holds"),
    EngineVariable("FOURME_INTERNAL_NOTE", "`request.internal_note`, likewise"),
    EngineVariable("FOURME_DEBUG", "`debug`"),
)
OUTPUT_VARIABLES = (
    EngineVariable(
        OUTPUT, "file for the full request as JSON; a folder: `request.json` in it; `-`: stdout"
    ),
    EngineVariable(RESULTS_DIR, "folder for one file a scalar, without a line break at the end"),
    EngineVariable(DOTENV, "file for the scalars as lines `FOURME_RESULT_<NAME>=value`"),
    EngineVariable(ANNOTATIONS, "file for a GitLab job annotation that links to the request"),
)
