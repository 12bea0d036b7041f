"""`spec.schema.json`: which content types an attachment may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from operations.attachments import files_of
from process.errors import SpecError
from tests.scenario_files import CONNECTION
from tests.update_specs import update_in, validate_update

if TYPE_CHECKING:
    from spec.schema import SpecSchema


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        " text/plain\n",
        "text/plain; charset=utf-8",
        "text/plain;charset=utf-8 ; format=flowed",
        'multipart/mixed; boundary="a b=;c"',
        "application/vnd.oasis.opendocument.text",
        "image/svg+xml",
        "x/!#$%&'*+.^_`|~",
    ],
)
def test_content_type(content_type: str, schema: SpecSchema) -> None:
    """A media type may have parameters, and what surrounds it is trimmed."""
    item = {"name": "a", "content": "", "content_type": content_type}
    spec = {
        "connection": dict(CONNECTION),
        "request": {"request_id": 1, "note_attachments": [item]},
    }
    (file,) = files_of(update_in(validate_update(spec, schema)).body, schema)
    assert file.content_type == content_type.strip()


@pytest.mark.parametrize(
    "content_type",
    [
        *(
            "",
            " ",
            "text",
            "text/",
            "/plain",
            "text/plain/x",
            "text /plain",
            "text/plain;",
            "a/b c",
        ),
        *(
            "text/plain; charset",
            "text/plain; charset=",
            'a/b; c="d',
            'a/b; c="d"e',
            'a/b; c="\\""',
        ),
        *(
            "a/b\r\nX-Evil: 1",
            "a/b\nX: 1",
            "a/b; c=d\r\n\r\nbody",
            'a/b; c="\n"',
            "a/b\0",
            "a/b\x7f",
        ),
        *("a/b\u2028c", "a/\u00fc", 'a/b; c="\u00fc"', "a/b\x85", "a/b;\tc=d", 5, ["a/b"], True),
    ],
)
def test_bad_content_type(content_type: object, schema: SpecSchema) -> None:
    """Anything else is rejected: it would be a header of the upload, or several."""
    item = {"name": "a", "content": "", "content_type": content_type}
    spec = {
        "connection": dict(CONNECTION),
        "request": {"request_id": 1, "note_attachments": [item]},
    }
    with pytest.raises(SpecError) as caught:
        validate_update(spec, schema)
    (problem,) = caught.value.details

    assert problem.startswith("request.note_attachments[0].content_type is ")
    assert "Give a media type such as text/plain" in problem
