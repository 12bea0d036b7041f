"""The data of the sandbox's 4me."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import DocumentError, FourMeOptions, Store
from sandbox.clock import Clock
from sandbox.fourme.data_files import read, sample, sample_text
from sandbox.fourme.fields import REFERENCES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import requests

    from sandbox import Sandbox


def test_the_sample_has_what_the_examples_use() -> None:
    """The known requests exist, and every reference has something to refer to."""
    store = Store(None, None, Clock())
    assert {70384, 70470, 68673, 80339} <= set(store.requests)
    collections = sample()["references"]
    assert isinstance(collections, dict)
    for collection in {*REFERENCES.values()} - {"requests"}:
        assert collections[collection]


def test_the_samples_references_are_consistent() -> None:
    """Every reference of a sample request is the one that its id resolves to."""
    store = Store(None, None, Clock())
    checked = 0
    for request in store.requests.values():
        for name, collection in REFERENCES.items():
            value = request.get(name)
            if isinstance(value, dict):
                assert store.find(collection, value["id"]) == value
                checked += 1
    assert checked > 10


def test_reads_are_copies() -> None:
    """Changing what was read does not change the store."""
    store = Store(None, None, Clock())
    request = store.request(80339)
    assert request is not None
    request["subject"] = "changed"
    store.requests[80339]["subject"] = "changed"
    store.notes(80339)[0]["text"] = "changed"
    assert "changed" not in str((store.request(80339), store.notes(80339)))


def test_stores_do_not_share_the_sample() -> None:
    """An update in one store is not seen in another."""
    first, second = Store(None, None, Clock()), Store(None, None, Clock())
    access = first.access("demo-token")
    assert access is not None
    first.update(80339, {"subject": "changed"}, access)
    assert second.requests[80339]["subject"] != "changed"


def test_a_data_file_is_created_and_written_back(
    start: Callable[..., Sandbox], client: requests.Session, tmp_path: Path
) -> None:
    """A missing file is created from the sample; after a change, a new sandbox reads it."""
    path = tmp_path / "requests.yaml"
    data = {**read(path), "links": {"80339": {"cis": [1764, 1763]}}}
    assert path.read_text(encoding="utf-8") == sample_text()
    sandbox = start(fourme=FourMeOptions(data=data, path=path))
    body = {"subject": "1e3", "note": "kept\n", "time_spent": 5}
    client.patch(f"{sandbox.fourme_url}/v1/requests/80339", json=body)
    again = Store(read(path), None, Clock())
    assert again.request(80339) == sandbox.store.request(80339)
    assert again.notes(80339) == sandbox.store.notes(80339)
    assert again.time_spent_total(80339) == 5
    assert [item["id"] for item in again.linked(80339, "cis")] == [1764, 1763]
    assert again.access("demo-token") == sandbox.store.access("demo-token")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "needs the sections"),
        ("people: {}", "needs the sections"),
        ("a: [", "not YAML"),
        ("requests: {}", "requests: must be a list"),
        ("requests: [{id: x}]", "requests: must be a list"),
        ("{requests: [], notes: []}", "notes: must be a mapping"),
        ("{requests: [], notes: {x: []}}", r"notes\.x: must be the id"),
        ("{requests: [], time_spent: {'1': x}}", r"time_spent\.1: must be"),
        ("{requests: [], references: {teams: []}}", r"references\.teams: must be"),
        ("{requests: [], tokens: {t: {}}}", r"tokens\.t: needs account and person"),
        (
            "{requests: [], tokens: {t: {account: a, person: 6, team: x}}}",
            r"tokens\.t: needs .* team",
        ),
        ("{requests: [], links: {x: {}}}", r"links\.x: must be the id of a request and lists"),
        ("{requests: [], links: {'1': {teams: [1]}}}", r"links\.1: must be .* cis, knowledge_art"),
        ("{requests: [], links: {'1': {cis: [x]}}}", r"links\.1: must be"),
        ("{requests: [], links: {'1': {cis: 1763}}}", r"links\.1: must be"),
    ],
)
def test_the_error_in_a_data_file_is_located(tmp_path: Path, text: str, message: str) -> None:
    """The error for a file of the wrong structure has its name, the place and the reason."""
    path = tmp_path / "data.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


def test_a_data_file_that_cant_be_written_is_an_error(tmp_path: Path) -> None:
    """The error names a folder that does not exist."""
    with pytest.raises(DocumentError, match="nowhere"):
        read(tmp_path / "nowhere" / "data.yaml")
