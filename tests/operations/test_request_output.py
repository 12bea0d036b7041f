"""`operations.request_output`: what is published of a request, and that it always fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from engines.results import fit_results
from fourme.hosts import Connection, Host
from operations.request_output import REQUEST_RESULTS, request_output
from process.output import Link, Summary
from tests.engines.tekton_rules import MAX_MESSAGE, MAX_MESSAGE_OF_FOUR, termination_message

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECTION = Connection(Host("https", "api.4me.com", None), "the-token", "wdc")
PAGE = "https://wdc.4me.com/requests/80339"


def results_of(
    request: Mapping[str, Any], connection: Connection = CONNECTION
) -> Mapping[str, str]:
    """Return the results of a request, cut to their sizes."""
    return fit_results(REQUEST_RESULTS, request_output(request, connection, "yes"))


def longest(subject: str) -> dict[str, object]:
    """Return a request whose values are as long as 4me allows."""
    return {
        "id": 2**63 - 1,
        "status": "workflow_pending_or_some_longer_status_of_the_future",
        "subject": subject,
        "team": {"id": 2**63 - 1, "name": "x" * 9999},
        "member": {"id": 2**63 - 1},
        "next_target_at": "2026-11-21T17:30:00.000000-06:00",
        "updated_at": "2026-11-21T17:30:00.000000-06:00",
    }


@pytest.mark.parametrize("char", ["a", "<", '"', "\\", "\U0001f6a8", "é", "\x07", "\u200b"])
def test_tekton_takes_the_longest_legal_values(char: str) -> None:
    """All results fit into a termination message, in a pod of four containers too."""
    connection = Connection(Host("https", "h" * 253, 65535), "the-token", "wdc")
    results = results_of(longest(char * 255), connection)
    assert len(results["subject"]) >= 255
    assert all(results.values())
    size = len(termination_message(results).encode())
    assert size < MAX_MESSAGE_OF_FOUR < MAX_MESSAGE


def test_tekton_takes_any_values_at_all() -> None:
    """The limits of all results together leave room for what Tekton adds itself."""
    names = {result.name: "" for result in REQUEST_RESULTS}
    sizes = sum(result.max_size for result in REQUEST_RESULTS)
    assert sizes + len(termination_message(names)) < MAX_MESSAGE_OF_FOUR


def test_what_4me_has_no_value_for_is_empty() -> None:
    """Every result is there; nulls and absent fields are empty texts."""
    request = {"id": 80339, "status": "assigned", "member": None, "team": {"name": "no id"}}
    assert results_of(request) == {
        "id": "80339",
        "status": "assigned",
        "subject": "",
        "team": "",
        "member": "",
        "next_target_at": "",
        "updated_at": "",
        "url": PAGE,
    }


def test_a_result_is_one_printable_line() -> None:
    """Line breaks become blanks, control characters visible escapes."""
    request = {"id": 1, "subject": " one\r\n::set-output name=x::y\ttwo\x1b[2J "}
    assert results_of(request)["subject"] == "one ::set-output name=x::y two\\x1b[2J"


def test_a_long_subject_is_cut_and_a_long_status_left_empty() -> None:
    """A cut subject can still be read; a cut status would be another one."""
    values = results_of({"id": 1, "subject": "é" * 1000, "status": "s" * 65})
    assert values["subject"] == "é" * 763 + "…"
    assert values["status"] == ""


def test_the_whole_request_is_the_value() -> None:
    """Nothing is removed, nulls stay, and `request_id` can be passed to the next step."""
    request = {"id": 80339, "status": "assigned", "member": None}
    output = request_output(request, CONNECTION, "yes")
    assert output.values == {"request": {**request, "request_id": 80339}}
    assert output.applied == "yes"


def test_link_and_summary_lead_to_the_request() -> None:
    """The title and its link have the ID and the address, the table has the other results."""
    output = request_output({"id": 80339, "status": "assigned"}, CONNECTION, "no")
    assert output.link == Link("request", "Request 80339 in 4me", PAGE)
    assert isinstance(output.summary, Summary)
    assert (output.summary.title, *output.summary.columns) == (
        "4me request 80339",
        "field",
        "value",
    )
    names = ["status", "subject", "team", "member", "next_target_at", "updated_at"]
    assert [name for name, _ in output.summary.rows] == names
    assert output.summary.rows[0] == ("status", "assigned")
