"""The 4me API."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from sandbox.fields import blank

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


def test_a_request_has_all_fields(client: requests.Session, url: str) -> None:
    """Every documented field is in the answer, blank ones as null."""
    answer = client.get(url)
    assert answer.status_code == 200
    assert sorted(answer.json()) == sorted(blank())
    assert answer.json()["team"] == {"id": 17, "name": "Application Development"}
    assert answer.json()["workflow"] is None


def test_every_answer_has_4mes_headers(client: requests.Session, url: str) -> None:
    """Rate limit, request id, date, content type; and gzip, as requests asks for it."""
    first, second = client.get(url), client.get(url)
    for answer in (first, second):
        assert answer.headers["X-RateLimit-Limit"] == "3600"
        assert int(answer.headers["X-RateLimit-Reset"]) % 3600 == 0
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert answer.headers["Content-Encoding"] == "gzip"
        assert parsedate_to_datetime(answer.headers["Date"]).tzinfo is not None
    used = [int(answer.headers["X-RateLimit-Remaining"]) for answer in (first, second)]
    assert used == [3599, 3598]
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


def test_gzip_is_only_sent_when_asked_for(client: requests.Session, url: str) -> None:
    """A caller that accepts no compression gets none."""
    answer = client.get(url, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in answer.headers
    assert answer.json()["id"] == 80339


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": None},
        {"Authorization": "Bearer nope"},
        {"Authorization": "Basic demo-token"},
        {"X-4me-Account": None},
        {"X-4me-Account": "other"},
    ],
)
def test_bad_credentials_are_unauthorized(
    client: requests.Session, url: str, headers: dict[str, str]
) -> None:
    """A missing or unknown token or account gets 4me's 401."""
    answer = client.get(url, headers=headers)
    assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})


def test_the_newer_account_header_will_do(client: requests.Session, url: str) -> None:
    """The account is taken from X-Xurrent-Account too."""
    headers = {"X-4me-Account": None, "X-Xurrent-Account": "wdc"}
    assert client.get(url, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("token", "body", "status"),
    [
        ("requester-token", {}, 403),
        ("specialist-token", {}, 200),
        ("specialist-token", {"source": "x"}, 403),
        ("specialist-token", {"sourceID": "x"}, 403),
        ("demo-token", {"source": "x", "sourceID": "y"}, 200),
    ],
)
def test_roles_decide(
    client: requests.Session, url: str, token: str, body: object, status: int
) -> None:
    """Updating takes a Specialist; source and sourceID an Account Administrator as well."""
    answer = client.patch(url, json=body, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == status
    assert status == 200 or answer.json() == {"message": "Forbidden"}


@pytest.mark.parametrize(
    "path",
    ["/v1/requests/1", "/v1/requests/x", f"/v1/requests/{'9' * 5000}", "/v1/people/6", "/v1/"],
)
def test_what_is_not_there_is_not_found(
    client: requests.Session, sandbox: Sandbox, path: str
) -> None:
    """An unknown request, and anything the step has no use for, gets 4me's 404."""
    for answer in (
        client.get(sandbox.fourme_url + path),
        client.patch(sandbox.fourme_url + path, json={}),
    ):
        assert answer.status_code in (404, 405)
        assert answer.headers["X-Request-Id"]
    assert client.get(sandbox.fourme_url + path).json() == {"message": "Not Found"}


@pytest.mark.parametrize("body", ["{", "[]", '"text"', "", "[" * 100_000])
def test_a_body_must_be_an_object(client: requests.Session, url: str, body: str) -> None:
    """Bad JSON, and JSON that is no object, gets 4me's 400."""
    answer = client.patch(url, data=body)
    assert (answer.status_code, answer.json()) == (400, {"message": "Invalid JSON string posted"})


def test_an_update_answers_the_whole_request(
    client: requests.Session, url: str, sandbox: Sandbox
) -> None:
    """Values are set, references become objects, and what follows from it is set by 4me."""
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
    answer = client.patch(url, json=body)
    assert answer.status_code == 200
    after = answer.json()
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
        "desired_completion_at": "2026-12-01T10:00",
        "assignment_count": 2,
        "new_assignment": False,
        "next_target_at": "no_target",
    }


def test_notes_and_time_are_added(client: requests.Session, url: str, sandbox: Sandbox) -> None:
    """Notes go to the notes, newest first, and time to its total; neither is in the answer."""
    body = {"note": "seen by all", "internal_note": "seen by us", "time_spent": 15}
    answer = client.patch(url, json=body)
    assert not set(body) & set(answer.json())
    notes = client.get(f"{url}/notes").json()
    assert [(note["text"], note["internal"]) for note in notes[:2]] == [
        ("seen by us", True),
        ("seen by all", False),
    ]
    assert notes[0]["created_at"] == answer.json()["updated_at"]
    assert notes[0]["person"] == {"id": 6, "name": "Nina Integration"}
    client.patch(url, json={"time_spent": "0:10"})
    assert sandbox.store.time_spent_total(80339) == 25


def test_empty_text_clears(client: requests.Session, url: str) -> None:
    """An empty string makes an optional field blank."""
    answer = client.patch(url, json={"impact": "", "ci_id": "", "sourceID": "", "note": ""})
    assert answer.status_code == 200
    assert [answer.json()[name] for name in ("impact", "ci", "sourceID")] == [None] * 3


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
        ({"subject": 5}, [["subject", "is not a text"]]),
        ({"source": "x" * 31}, [["source", "is too long (maximum is 30 characters)"]]),
        ({"note": "ü" * 32_769}, [["note", "is too long (maximum is 64 KB)"]]),
        ({"note": 5}, [["note", "is not a text"]]),
        ({"planned_effort": 600_001}, [["planned_effort", "must be less than or equal to 600000"]]),
        ({"planned_effort": "x"}, [["planned_effort", "is not a number"]]),
        ({"time_spent": -1}, [["time_spent", "must be greater than or equal to 0"]]),
        ({"agile_board_column_position": 0},
         [["agile_board_column_position", "must be greater than or equal to 1"]]),
        ({"team_id": 99}, [["team_id", "does not exist"]]),
        ({"team_id": "13"}, [["team_id", "is not an id"]]),
        ({"team_id": True}, [["team_id", "is not an id"]]),
        ({"grouped_into_id": 1}, [["grouped_into_id", "does not exist"]]),
        ({"team": 13}, [["team", "is a reference: send its id as team_id"]]),
        ({"change_id": 238}, [["change_id", "is not a field of requests"]]),
        ({"change": 238}, [["change", "is not a field of requests"]]),
        ({"request_id": 80339}, [["request_id", "is not a field of requests"]]),
        ({"subject_id": 1}, [["subject_id", "is not a field of requests"]]),
        ({"id": 1}, [["id", "is read-only"]]),
        ({"waiting_until": "2026-12-01T10:00"},
         [["waiting_until", "can only be set when status is waiting_for"]]),
        ({"status": "waiting_for", "waiting_until": "2026-02-30T10:00"},
         [["waiting_until", "is not a date and time"]]),
        ({"downtime_start_at": "tomorrow"}, [["downtime_start_at", "is not a date and time"]]),
        ({"status": "workflow_pending"},
         [["status", "can only be workflow_pending when workflow is filled in"]]),
        ({"custom_fields": {"a": 1}}, [["custom_fields", "is not a list"]]),
        ({"custom_fields": [{"id": "a"}]},
         [["custom_fields", "has an item that is not {id, value}"]]),
        ({"custom_fields": [{"id": 1, "value": 1}]},
         [["custom_fields", "has an item whose id is not a text"]]),
        ({"checked_items": [1]}, [["checked_items", "is not a list of texts"]]),
        ({"note_attachments": {}}, [["note_attachments", "is not a list of attachments"]]),
        ({"note_attachments": [{}]}, [["note_attachments", "has an item without a key"]]),
        ({"note_attachments": [{"key": "a", "name": "b"}]},
         [["note_attachments", "has an item with the unknown attribute name"]]),
        ({"note_attachments": [{"key": "a", "inline": "yes"}]},
         [["note_attachments", "has an item whose inline or _destroy is not a boolean"]]),
        ({"note_attachments": [{"key": "a"}]}, [["note_attachments", "a was not uploaded"]]),
        ({"note_attachments": [{"key": "a", "_destroy": True}]},
         [["note_attachments", "a is not attached"]]),
        ({"impact": "x", "nope": 1},
         [["impact", "is not included in the list"], ["nope", "is not a field of requests"]]),
    ],
)  # fmt: skip
def test_bad_values_are_refused_as_a_whole(
    client: requests.Session, url: str, sandbox: Sandbox, body: dict[str, object], errors: object
) -> None:
    """A 422 lists every field and reason, and nothing of the body is applied."""
    before = sandbox.store.request(80339), sandbox.store.notes(80339)
    answer = client.patch(url, json={"internal_note": "must not appear", **body})
    assert answer.status_code == 422
    assert answer.json() == {"message": "Validation Failed", "errors": errors}
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
        ("downtime_end_at", "2026-11-21T10:00:00+01:00"),
    ],
)
def test_newer_fields_are_known(
    client: requests.Session, url: str, name: str, value: object
) -> None:
    """What the API has learnt since it was first documented is accepted."""
    assert client.patch(url, json={name: value}).json()[name] == value


def test_waiting_until_goes_with_its_status(client: requests.Session, url: str) -> None:
    """It is accepted with waiting_for, and cleared when the status changes."""
    waiting = {"status": "waiting_for", "waiting_until": "2026-12-01T10:00"}
    assert client.patch(url, json=waiting).json()["waiting_until"] == "2026-12-01T10:00"
    assert client.patch(url, json={"status": "assigned"}).json()["waiting_until"] is None


def test_a_completed_request_can_be_reopened(client: requests.Session, sandbox: Sandbox) -> None:
    """Reopening counts, and the time of completion goes."""
    url = f"{sandbox.fourme_url}/v1/requests/68673"
    after = client.patch(url, json={"status": "assigned"}).json()
    assert (after["completed_at"], after["reopen_count"]) == (None, 1)


def test_notes_come_in_pages(client: requests.Session, url: str) -> None:
    """Pages are linked, sized as asked for, and end."""
    for number in range(4):
        client.patch(url, json={"note": f"n{number}"})
    first = client.get(f"{url}/notes?per_page=3")
    assert [note["text"] for note in first.json()] == ["n3", "n2", "n1"]
    last = client.get(first.links["next"]["url"])
    assert last.json()[0]["text"] == "n0"
    assert "next" not in last.links
    assert client.get(f"{url.replace('80339', '1')}/notes").status_code == 404


def test_the_clock_can_be_off(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """With a skew, the Date header and the timestamps are off together."""
    true, skewed = start(), start(clock_skew=-86_400)
    dates, stamps = [], []
    for sandbox in (true, skewed):
        answer = client.patch(f"{sandbox.fourme_url}/v1/requests/80339", json={"note": "x"})
        dates.append(parsedate_to_datetime(answer.headers["Date"]))
        stamps.append(answer.json()["updated_at"])
    assert 86_398 <= (dates[0] - dates[1]).total_seconds() <= 86_401
    assert stamps[0][:10] > stamps[1][:10]
    assert stamps[0].endswith("-06:00")


def test_a_person_can_look_at_a_request(client: requests.Session, sandbox: Sandbox) -> None:
    """The page shows the request and its notes, and what was written can't break it."""
    client.patch(f"{sandbox.fourme_url}/v1/requests/80339", json={"note": "<b>&amp;"})
    page = client.get(f"{sandbox.fourme_url}/requests/80339", headers={"Authorization": None})
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Nightly deployment of Sales Tracking failed" in page.text
    assert "&lt;b&gt;&amp;amp;" in page.text
    assert client.get(f"{sandbox.fourme_url}/requests/1").status_code == 404


@pytest.mark.parametrize(
    ("body", "name", "value"),
    [
        ({"status": "waiting_for_customer"}, "next_target_at", "clock_stopped"),
        ({"desired_completion_at": "2027-01-01T10:00"}, "next_target_at", "2027-01-01T10:00"),
        ({"status": "declined"}, "new_assignment", True),
        ({"provider_not_accountable": True}, "provider_was_not_accountable", True),
        ({"status": "workflow_pending", "workflow_id": 238}, "status", "workflow_pending"),
        ({"impact": None}, "impact", None),
        ({"internal_note": None, "support_domain": "wdc"}, "id", 80339),
        ({"time_spent_effort_class_id": 3}, "id", 80339),
        ({"time_spent": ""}, "id", 80339),
    ],
)
def test_4me_itself_changes_what_follows(
    client: requests.Session, url: str, body: object, name: str, value: object
) -> None:
    """Some fields follow from others; what is only written changes nothing else."""
    assert client.patch(url, json=body).json()[name] == value


def test_connections_are_kept_open(client: requests.Session, url: str) -> None:
    """4me lets a connection carry several calls."""
    assert "close" not in client.get(url).headers.get("Connection", "")
