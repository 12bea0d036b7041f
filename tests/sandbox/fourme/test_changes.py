"""What a PATCH of a request changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sandbox import FourMeOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    import requests

    from sandbox import Sandbox


@pytest.fixture
def sandbox(start: Callable[..., Sandbox]) -> Sandbox:
    """Serve the packaged sample."""
    return start()


@pytest.fixture
def url(sandbox: Sandbox) -> str:
    """Return the address of request 80339."""
    return f"{sandbox.fourme_url}/v1/requests/80339"


def test_an_update_returns_the_whole_request(
    client: requests.Session, url: str, sandbox: Sandbox
) -> None:
    """Values are set, references become objects, and 4me sets the fields that depend on them."""
    before = sandbox.store.request(80339) or {}
    body = {
        "status": "completed",
        "completion_reason": "solved",
        "team_id": 13,
        "member_id": 54,
        "ci_id": 1764,
        "workflow_id": 238,
        "planned_effort": "2:30",
        "urgent": True,
        "custom_fields": [{"id": "build", "value": 1188}],
        "desired_completion_at": "2026-12-01T10:00",
    }
    response = client.patch(url, json=body)
    assert response.status_code == 200
    after = response.json()
    assert after == sandbox.store.request(80339)
    changed = {name: value for name, value in after.items() if value != before[name]}
    for name in ("updated_at", "completed_at", "resolution_duration"):
        assert changed.pop(name)
    assert changed == {
        "status": "completed",
        "completion_reason": "solved",
        "team": {"id": 13, "name": "Unix Servers"},
        "member": {"id": 54, "name": "Carla Cluster"},
        "ci": {"id": 1764, "label": "WDC-SW-0004"},
        "workflow": {"id": 238, "subject": "Install new rack"},
        "planned_effort": 150,
        "urgent": True,
        "custom_fields": [{"id": "build", "value": 1188}],
        "desired_completion_at": "2026-12-01T16:00:00Z",
        "assignment_count": 2,
        "new_assignment": False,
        "next_target_at": "no_target",
    }


def test_notes_and_time_are_added(client: requests.Session, url: str, sandbox: Sandbox) -> None:
    """Notes are appended, and time is added to its total; neither is in the response."""
    body = {"note": "seen by all", "internal_note": "seen by us", "time_spent": 15}
    response = client.patch(url, json=body)
    assert not set(body) & set(response.json())
    notes = client.get(f"{url}/notes").json()
    assert [(note["text"], note["internal"]) for note in notes[-2:]] == [
        ("seen by all", False),
        ("seen by us", True),
    ]
    assert notes[-1]["created_at"] == response.json()["updated_at"]
    client.patch(url, json={"time_spent": "0:10"})
    assert sandbox.store.time_spent_total(80339) == 25


def test_a_note_alone_does_not_change_updated_at(client: requests.Session, url: str) -> None:
    """As recorded: only a change of the request itself changes `updated_at`."""
    before = client.get(url).json()["updated_at"]
    assert client.patch(url, json={"note": "x"}).json()["updated_at"] == before
    assert client.patch(url, json={"note": "x", "impact": "low"}).json()["updated_at"] != before


@pytest.mark.parametrize("blank", ["", " ", "\n\t", None])
def test_a_blank_note_adds_nothing(
    client: requests.Session, url: str, sandbox: Sandbox, blank: object
) -> None:
    """A blank note is accepted, and not stored."""
    before = sandbox.store.notes(80339)
    assert client.patch(url, json={"note": blank, "internal_note": blank}).status_code == 200
    assert sandbox.store.notes(80339) == before


@pytest.mark.parametrize(
    "body",
    [
        {"team": 13},
        {"change_id": 238},
        {"change": 238},
        {"request_id": 80339},
        {"subject_id": 1},
        {"id": 1},
        {"nope": [1]},
    ],
)
def test_unknown_fields_are_silently_ignored(
    client: requests.Session, url: str, sandbox: Sandbox, body: dict[str, object]
) -> None:
    """As recorded: an unknown field, or a reference without `_id`, gets a 200 without effect."""
    before = sandbox.store.request(80339)
    response = client.patch(url, json=body)
    assert (response.status_code, response.json()) == (200, before)
    assert sandbox.store.ignored == ((80339, next(iter(body))),)


def test_a_server_may_ignore_fields(
    client: requests.Session, start: Callable[..., Sandbox]
) -> None:
    """Fields of the option get a 200 without effect, valid or not; the others are applied."""
    sandbox = start(fourme=FourMeOptions(ignored_fields=frozenset({"team_id", "impact", "note"})))
    url = f"{sandbox.fourme_url}/v1/requests/80339"
    before, notes = client.get(url).json(), sandbox.store.notes(80339)
    body = {"team_id": 13, "impact": "huge", "note": "x", "urgent": True}
    response = client.patch(url, json=body)
    assert response.status_code == 200
    changed = {name for name, value in response.json().items() if value != before[name]}
    assert changed == {"next_target_at", "urgent", "updated_at"}
    assert sandbox.store.notes(80339) == notes
    assert sandbox.store.ignored == ((80339, "team_id"), (80339, "impact"), (80339, "note"))


def test_custom_fields_merge(client: requests.Session, url: str) -> None:
    """As recorded: what is not sent stays, and the texts `true` and `false` become booleans."""
    first = [{"id": "a", "value": 1}, {"id": "b", "value": "true"}, {"id": "c", "value": ["true"]}]
    client.patch(url, json={"custom_fields": first})
    second = [{"id": "a", "value": "false"}, {"id": "d", "value": "True"}]
    response = client.patch(url, json={"custom_fields": second})
    assert response.json()["custom_fields"] == [
        {"id": "a", "value": False},
        {"id": "b", "value": True},
        {"id": "c", "value": ["true"]},
        {"id": "d", "value": "True"},
    ]


@pytest.mark.parametrize(
    ("sent", "returned"),
    [
        ("2026-12-01T10:00", "2026-12-01T16:00:00Z"),
        ("2026-12-01T10:00:30", "2026-12-01T16:00:30Z"),
        ("2026-12-01T10:00Z", "2026-12-01T10:00:00Z"),
        ("2026-12-01T10:00+01:00", "2026-12-01T09:00:00Z"),
    ],
)
def test_a_time_without_an_offset_is_in_the_users_zone(
    client: requests.Session, url: str, sent: str, returned: str
) -> None:
    """As recorded: times come back as UTC, those without a zone from the user's (-06:00)."""
    response = client.patch(url, json={"desired_completion_at": sent})
    assert response.json()["desired_completion_at"] == returned


def test_empty_text_clears(client: requests.Session, url: str) -> None:
    """An empty string makes an optional field blank."""
    response = client.patch(url, json={"impact": "", "ci_id": "", "sourceID": "", "note": ""})
    assert response.status_code == 200
    assert [response.json()[name] for name in ("impact", "ci", "sourceID")] == [None] * 3


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"impact": "huge"}, [["impact", "is not included in the list"]]),
        ({"status": "change_pending"}, [["status", "is not included in the list"]]),
        ({"status": ""}, [["status", "can't be blank"]]),
        ({"team_id": ""}, [["team_id", "can't be blank"]]),
        ({"urgent": "true"}, [["urgent", "is not a boolean"]]),
        ({"urgent": ""}, [["urgent", "is not a boolean"]]),
        ({"subject": "x" * 256}, [["subject", "is too long (maximum is 255 characters)"]]),
        ({"subject": 5}, [["subject", "is not a string"]]),
        ({"source": "x" * 31}, [["source", "is too long (maximum is 30 characters)"]]),
        ({"note": "ü" * 32_769}, [["note", "is too long (maximum is 64 KB)"]]),
        ({"note": 5}, [["note", "is not a string"]]),
        ({"planned_effort": 600_001}, [["planned_effort", "must be less than or equal to 600000"]]),
        ({"planned_effort": "x"}, [["planned_effort", "is not a number"]]),
        ({"time_spent": -1}, [["time_spent", "must be greater than or equal to 0"]]),
        ({"agile_board_column_position": 0},
         [["agile_board_column_position", "must be greater than or equal to 1"]]),
        ({"team_id": 99}, [["team_id", "does not exist"]]),
        ({"team_id": "13"}, [["team_id", "is not a number"]]),
        ({"team_id": True}, [["team_id", "is not a number"]]),
        ({"grouped_into_id": 1}, [["grouped_into_id", "does not exist"]]),
        ({"waiting_until": "2026-12-01T10:00"},
         [["waiting_until", "can only be set when status is waiting_for"]]),
        ({"status": "waiting_for", "waiting_until": "2026-02-30T10:00"},
         [["waiting_until", "is not a date and time"]]),
        ({"downtime_start_at": "tomorrow"}, [["downtime_start_at", "is not a date and time"]]),
        ({"status": "workflow_pending"},
         [["status", "can only be workflow_pending when workflow is filled in"]]),
        ({"custom_fields": {"a": 1}}, [["custom_fields", "is not a list"]]),
        ({"custom_fields": [{"id": "a"}]},
         [["custom_fields", "is invalid: 'value' is a required property"]]),
        ({"custom_fields": [{"id": 1, "value": 1}]},
         [["custom_fields", "is invalid: 1 is not of type 'string'"]]),
        ({"checked_items": [1]}, [["checked_items", "is invalid: 1 is not of type 'string'"]]),
        ({"note_attachments": {}}, [["note_attachments", "is not a list"]]),
        ({"note_attachments": [{}]},
         [["note_attachments", "is invalid: 'key' is a required property"]]),
        ({"note_attachments": [{"key": "a", "name": "b"}]},
         [["note_attachments", ("is invalid: Additional properties are not allowed "
           "('name' was unexpected)")]]),
        ({"note_attachments": [{"key": "a", "inline": "yes"}]},
         [["note_attachments", "is invalid: 'yes' is not of type 'boolean'"]]),
        ({"note_attachments": [{"key": "a"}]}, [["note_attachments", "a was not uploaded"]]),
        ({"note_attachments": [{"key": "a", "_destroy": True}]},
         [["note_attachments", "a is not attached"]]),
        ({"impact": "x", "nope": 1, "urgent": 1},
         [["impact", "is not included in the list"], ["urgent", "is not a boolean"]]),
    ],
)  # fmt: skip
def test_invalid_values_are_rejected_as_a_whole(
    client: requests.Session, url: str, sandbox: Sandbox, body: dict[str, object], errors: object
) -> None:
    """A 422 lists every field and reason, and nothing of the body is applied."""
    before = sandbox.store.request(80339), sandbox.store.notes(80339)
    response = client.patch(url, json={"internal_note": "must not appear", **body})
    assert response.status_code == 422
    assert response.json() == {"message": "Validation Failed", "errors": errors}
    assert (sandbox.store.request(80339), sandbox.store.notes(80339)) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("category", "case"),
        ("rfc_type", "standard"),
        ("closure_code", "S1"),
        ("status", "on_backlog"),
        ("checked_items", ["a"]),
        ("product_backlog_position", 3),
        ("downtime_end_at", "2026-11-21T10:00:00Z"),
    ],
)
def test_newer_fields_are_accepted(
    client: requests.Session, url: str, name: str, value: object
) -> None:
    """Fields that were added to the API later are accepted."""
    assert client.patch(url, json={name: value}).json()[name] == value


def test_waiting_until_goes_with_its_status(client: requests.Session, url: str) -> None:
    """It is accepted with waiting_for, and cleared when the status changes."""
    waiting = {"status": "waiting_for", "waiting_until": "2026-12-01T10:00"}
    assert client.patch(url, json=waiting).json()["waiting_until"] == "2026-12-01T16:00:00Z"
    assert client.patch(url, json={"status": "assigned"}).json()["waiting_until"] is None


def test_a_completed_request_can_be_reopened(client: requests.Session, sandbox: Sandbox) -> None:
    """Reopening is counted, and the time of completion is cleared."""
    url = f"{sandbox.fourme_url}/v1/requests/68673"
    after = client.patch(url, json={"status": "assigned"}).json()
    assert (after["completed_at"], after["reopen_count"]) == (None, 1)


@pytest.mark.parametrize(
    ("body", "name", "value"),
    [
        ({"status": "waiting_for_customer"}, "next_target_at", "clock_stopped"),
        ({"desired_completion_at": "2027-01-01T10:00"}, "next_target_at", "2027-01-01T16:00:00Z"),
        ({"status": "declined"}, "new_assignment", True),
        ({"provider_not_accountable": True}, "provider_was_not_accountable", True),
        ({"status": "workflow_pending", "workflow_id": 238}, "status", "workflow_pending"),
        ({"impact": None}, "impact", None),
        ({"internal_note": None, "support_domain": "wdc"}, "id", 80339),
        ({"time_spent_effort_class_id": 3}, "id", 80339),
        ({"time_spent": ""}, "id", 80339),
    ],
)
def test_4me_sets_dependent_fields(
    client: requests.Session, url: str, body: object, name: str, value: object
) -> None:
    """Some fields depend on others; write-only fields change nothing else."""
    assert client.patch(url, json=body).json()[name] == value
