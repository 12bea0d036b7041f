"""`operations.update` with `find`: the request is found first, then it is as any other update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from operations.update import OPERATION
from process.errors import RequestNotFoundError, SpecError, TerminatedError
from tests.fourme.scripted_api import ScriptedApi, answer
from tests.operations.update_runs import REQUEST
from tests.scenario_files import CONNECTION
from tests.update_specs import validate_update

if TYPE_CHECKING:
    from process.output import Output
    from spec.schema import SpecSchema

FIND = {"source": "Monitoring", "sourceID": "alert-1187"}
LISTED = {"id": 5, **FIND, "subject": "Printer", "status": "assigned"}
IMPACT = {"impact": "low"}
UPDATED = {**REQUEST, **IMPACT}


def update(
    schema: SpecSchema,
    api: ScriptedApi,
    **inputs: Any,  # noqa: ANN401  a spec's values
) -> Output:
    """Update the impact of the request to find."""
    spec = {"connection": dict(CONNECTION), "request": dict(IMPACT), "find": FIND, **inputs}
    return OPERATION.run(validate_update(spec, schema), api)


def test_the_found_request_is_updated(schema: SpecSchema) -> None:
    """One GET of the list, and the PATCH of its number."""
    api = ScriptedApi(answer([LISTED]), answer(UPDATED))

    assert update(schema, api).values["request"] == {**UPDATED, "request_id": 5}
    assert api.asked == ["GET /requests", "PATCH /requests/5"]
    assert api.sent == [b'{"impact": "low"}']


def test_the_found_request_is_ensured(schema: SpecSchema) -> None:
    """The list has not all fields, so the request is read."""
    api = ScriptedApi(answer([LISTED]), answer(UPDATED))

    assert update(schema, api, mode="ensure").values["changed"] is False
    assert api.asked == ["GET /requests", "GET /requests/5"]


def test_none_is_found(schema: SpecSchema) -> None:
    """Nothing is sent: an error, or a result."""
    with pytest.raises(RequestNotFoundError) as caught:
        update(schema, ScriptedApi(answer([])))
    assert (caught.value.exit_code, caught.value.applied) == (66, "no")

    api = ScriptedApi(answer([]))
    assert update(schema, api, if_missing="report").values["changed"] is False
    assert api.asked == ["GET /requests"]


def test_several_are_found(schema: SpecSchema) -> None:
    """Nothing is sent, whatever `if_missing` says."""
    api = ScriptedApi(answer([LISTED, {**LISTED, "id": 6}]))
    with pytest.raises(SpecError, match="more than one") as caught:
        update(schema, api, if_missing="report")
    assert (caught.value.exit_code, caught.value.applied) == (65, "no")
    assert api.asked == ["GET /requests"]


def test_sigterm_after_finding(schema: SpecSchema) -> None:
    """Nothing is sent after it."""
    api = ScriptedApi(answer([LISTED]))
    api.clock.terminate_at = 1.0
    api.transport.seconds = 2.0
    with pytest.raises(TerminatedError):
        update(schema, api)
    assert api.asked == ["GET /requests"]
