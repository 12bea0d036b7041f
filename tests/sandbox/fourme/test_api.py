"""The 4me API."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from sandbox import FourMeOptions
from sandbox.fourme.data_files import sample
from sandbox.fourme.fields import blank

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
    """Rate limit, request id, date, content type; and gzip, as requests asks for it.

    The names are lower case: as documented, it has been so since 2024.
    """
    first, second = client.get(url), client.get(url)
    for answer in (first, second):
        names = {"x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-request-id"}
        assert names <= set(answer.headers.keys())
        assert answer.headers["x-ratelimit-limit"] == "3600"
        assert int(answer.headers["x-ratelimit-reset"]) % 3600 == 0
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        assert answer.headers["Content-Encoding"] == "gzip"
        assert parsedate_to_datetime(answer.headers["Date"]).tzinfo is not None
    used = [int(answer.headers["x-ratelimit-remaining"]) for answer in (first, second)]
    assert used == [3599, 3598]
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


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
    """A missing or unknown token or account gets 4me's 401, on every call, without a rate limit."""
    for answer in (
        client.get(url, headers=headers),
        client.get(f"{url}/notes", headers=headers),
        client.patch(url, json={}, headers=headers),
        client.get(url.replace("requests/80339", "attachments/storage"), headers=headers),
    ):
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})
        assert not [name for name in answer.headers if name.startswith("x-ratelimit")]
        assert answer.headers["x-request-id"]


def test_the_rate_limit_is_the_persons(
    start: Callable[..., Sandbox], client: requests.Session
) -> None:
    """Two tokens of one person share what is left; another person has a count of their own."""
    data = sample()
    data["tokens"] = {
        "demo-token": {"account": "wdc", "person": 6},
        "second": {"account": "wdc", "person": 6},
        "other": {"account": "wdc", "person": 58},
    }
    url = f"{start(fourme=FourMeOptions(data=data)).fourme_url}/v1/requests/80339"
    left = [
        client.get(url, headers={"Authorization": f"Bearer {token}"}).headers[
            "x-ratelimit-remaining"
        ]
        for token in ("demo-token", "second", "other")
    ]
    assert left == ["3599", "3598", "3599"]


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
        assert answer.headers["x-request-id"]
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
        "desired_completion_at": "2026-12-01T16:00:00Z",
        "assignment_count": 2,
        "new_assignment": False,
        "next_target_at": "no_target",
    }


def test_notes_and_time_are_added(client: requests.Session, url: str, sandbox: Sandbox) -> None:
    """Notes go to the end of the notes, and time to its total; neither is in the answer."""
    body = {"note": "seen by all", "internal_note": "seen by us", "time_spent": 15}
    answer = client.patch(url, json=body)
    assert not set(body) & set(answer.json())
    notes = client.get(f"{url}/notes").json()
    assert [(note["text"], note["internal"]) for note in notes[-2:]] == [
        ("seen by all", False),
        ("seen by us", True),
    ]
    assert notes[-1]["created_at"] == answer.json()["updated_at"]
    client.patch(url, json={"time_spent": "0:10"})
    assert sandbox.store.time_spent_total(80339) == 25


def test_a_note_alone_does_not_move_updated_at(client: requests.Session, url: str) -> None:
    """As recorded: only what changes the request itself moves the time of its last change."""
    before = client.get(url).json()["updated_at"]
    assert client.patch(url, json={"note": "x"}).json()["updated_at"] == before
    assert client.patch(url, json={"note": "x", "impact": "low"}).json()["updated_at"] != before


@pytest.mark.parametrize("blank", ["", " ", "\n\t", None])
def test_a_blank_note_adds_nothing(
    client: requests.Session, url: str, sandbox: Sandbox, blank: object
) -> None:
    """A note without a letter is taken, and leaves nothing behind."""
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
def test_unknown_fields_are_ignored_in_silence(
    client: requests.Session, url: str, sandbox: Sandbox, body: dict[str, object]
) -> None:
    """As recorded: an unknown field, and a reference without `_id`, get a 200 and do nothing."""
    before = sandbox.store.request(80339)
    answer = client.patch(url, json=body)
    assert (answer.status_code, answer.json()) == (200, before)
    assert sandbox.store.ignored == ((80339, next(iter(body))),)


def test_custom_fields_merge(client: requests.Session, url: str) -> None:
    """As recorded: what is not sent stays, and the texts `true` and `false` become booleans."""
    first = [{"id": "a", "value": 1}, {"id": "b", "value": "true"}, {"id": "c", "value": ["true"]}]
    client.patch(url, json={"custom_fields": first})
    second = [{"id": "a", "value": "false"}, {"id": "d", "value": "True"}]
    answer = client.patch(url, json={"custom_fields": second})
    assert answer.json()["custom_fields"] == [
        {"id": "a", "value": False},
        {"id": "b", "value": True},
        {"id": "c", "value": ["true"]},
        {"id": "d", "value": "True"},
    ]


@pytest.mark.parametrize(
    ("sent", "answered"),
    [
        ("2026-12-01T10:00", "2026-12-01T16:00:00Z"),
        ("2026-12-01T10:00:30", "2026-12-01T16:00:30Z"),
        ("2026-12-01T10:00Z", "2026-12-01T10:00:00Z"),
        ("2026-12-01T10:00+01:00", "2026-12-01T09:00:00Z"),
    ],
)
def test_a_time_without_a_zone_is_the_users(
    client: requests.Session, url: str, sent: str, answered: str
) -> None:
    """As recorded: times come back as UTC, those without a zone from the user's (-06:00)."""
    answer = client.patch(url, json={"desired_completion_at": sent})
    assert answer.json()["desired_completion_at"] == answered


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({"X-4me-Language": None}, "is niet in de lijst opgenomen"),
        ({"X-4me-Language": "nl"}, "is niet in de lijst opgenomen"),
        ({"X-4me-Language": "en-US"}, "is not included in the list"),
        ({"X-4me-Language": None, "X-Xurrent-Language": "en-US"}, "is not included in the list"),
    ],
)
def test_messages_come_in_the_users_language(
    client: requests.Session, url: str, headers: dict[str, str], text: str
) -> None:
    """Who does not ask for English is answered in the user's language, Dutch."""
    answer = client.patch(url, json={"impact": "huge"}, headers=headers)
    assert (answer.status_code, answer.json()["errors"]) == (422, [["impact", text]])


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
        ("downtime_end_at", "2026-11-21T10:00:00Z"),
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
    assert client.patch(url, json=waiting).json()["waiting_until"] == "2026-12-01T16:00:00Z"
    assert client.patch(url, json={"status": "assigned"}).json()["waiting_until"] is None


def test_a_completed_request_can_be_reopened(client: requests.Session, sandbox: Sandbox) -> None:
    """Reopening counts, and the time of completion goes."""
    url = f"{sandbox.fourme_url}/v1/requests/68673"
    after = client.patch(url, json={"status": "assigned"}).json()
    assert (after["completed_at"], after["reopen_count"]) == (None, 1)


def test_the_clock_can_be_off(start: Callable[..., Sandbox], client: requests.Session) -> None:
    """With a skew, the Date header and the timestamps are off together."""
    true, skewed = start(), start(clock_skew=-86_400)
    dates, stamps = [], []
    for sandbox in (true, skewed):
        answer = client.patch(f"{sandbox.fourme_url}/v1/requests/80339", json={"impact": "low"})
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
def test_4me_itself_changes_what_follows(
    client: requests.Session, url: str, body: object, name: str, value: object
) -> None:
    """Some fields follow from others; what is only written changes nothing else."""
    assert client.patch(url, json=body).json()[name] == value


def test_connections_are_kept_open(client: requests.Session, url: str) -> None:
    """4me lets a connection carry several calls."""
    assert "close" not in client.get(url).headers.get("Connection", "")
