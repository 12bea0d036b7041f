"""The scalars of an output: what they hold, and that they always fit."""

from __future__ import annotations

import json

import pytest

from engines import Output
from engines.results import RESULTS, json_size, results_of

PAGE = "https://wdc.4me.com/requests/80339"
TEKTON_LIMIT = 4096
FOUR_CONTAINERS = 12 * 1024 // 4


def tekton_message(results: dict[str, str]) -> str:
    """Return the termination message of a Tekton step, as Go writes JSON."""
    entries = [{"key": name, "value": value, "type": 1} for name, value in results.items()]
    entries.append({"key": "StartedAt", "value": "2026-11-21T17:30:00.123Z", "type": 3})
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


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
    page = f"https://{'h' * 253}:65535/requests/{2**63 - 1}"
    results = results_of(Output(longest(char * 255), page))
    assert len(results["subject"]) >= 255
    assert all(results.values())
    size = len(tekton_message(results).encode())
    assert size < FOUR_CONTAINERS < TEKTON_LIMIT


def test_tekton_takes_any_values_at_all() -> None:
    """The limits of all scalars together leave room for what Tekton adds itself."""
    names = {result.name: "" for result in RESULTS}
    assert sum(result.limit for result in RESULTS) + len(tekton_message(names)) < FOUR_CONTAINERS


def test_sizes_are_those_that_go_writes() -> None:
    """A text's size is that of its JSON, with the characters of HTML escaped."""
    for text in ("plain", '"quoted" \\ <b>&amp;</b>', "\U0001f6a8 é"):
        entry = tekton_message({"x": text})
        assert json_size(text) == len(entry.encode()) - len(tekton_message({"x": ""}).encode())


def test_what_4me_has_no_value_for_is_empty() -> None:
    """Every scalar is there; nulls and absent fields are empty texts."""
    request = {"id": 80339, "status": "assigned", "member": None, "team": {"name": "no id"}}
    assert results_of(Output(request, PAGE)) == {
        "id": "80339",
        "status": "assigned",
        "subject": "",
        "team": "",
        "member": "",
        "next_target_at": "",
        "updated_at": "",
        "url": PAGE,
    }


def test_a_scalar_is_one_printable_line() -> None:
    """Line breaks become blanks, control characters visible escapes."""
    request = {"id": 1, "subject": " one\r\n::set-output name=x::y\ttwo\x1b[2J "}
    assert results_of(Output(request, PAGE))["subject"] == (
        "one ::set-output name=x::y two\\x1b[2J"
    )


def test_prose_is_cut_and_anything_else_is_left_empty() -> None:
    """A cut subject can still be read; a cut address would lead elsewhere."""
    request = {"id": 1, "subject": "é" * 1000, "status": "s" * 65}
    values = results_of(Output(request, "https://x/" + "y" * 512))
    assert values["subject"] == "é" * 763 + "…"
    assert values["status"] == ""
    assert values["url"] == ""
