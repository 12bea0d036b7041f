"""Specs made up by chance: odd ones, and valid ones as spec.schema.json documents them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from spec.schema import SpecSchema, load_spec_schema
from tests.scenario_files import CONNECTION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from spec.schema import Field

SCHEMA: SpecSchema = load_spec_schema()
ENTRIES: Mapping[str, Any] = SCHEMA.inputs["request"].schema["properties"]
LARGEST_EXACT_FLOAT = 2**53 - 1
NOTHING = object()

texts = st.text(st.characters(exclude_categories=["Cs"]))
odd_texts = st.text() | st.sampled_from(
    [
        "",
        " ",
        "{",
        "[",
        "{}",
        "[]",
        "null",
        '{"id": 1}',
        "[NaN]",
        '"\\ud800"',
        "1:30",
        "\uff15",
        "1e999",
    ]
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
odd_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | odd_texts | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_texts, inner, max_size=3),
    max_leaves=8,
)


@dataclass(frozen=True)
class Case:
    """A value as it is delivered, and what is sent for it; NOTHING where nothing is."""

    delivered: Any
    expected: Any


def _as_is(value: object) -> object:
    return value


def _as_json_text(value: object) -> str:
    try:
        return json.dumps(value)
    except TypeError:  # bytes
        return repr(value)


_SPELLINGS = st.sampled_from([_as_is, _as_is, _as_json_text])


@st.composite
def odd_specs(draw: st.DrawFn) -> object:
    """Return something in place of a spec: anything at all, or a valid one with odd parts."""
    if draw(st.integers(0, 9)) == 0:
        return draw(odd_values)
    spec: dict[str, object] = {
        "connection": draw(_mostly(st.just(dict(CONNECTION)), _odd_connections() | odd_values)),
        "request": draw(_mostly(_odd_requests(), odd_values)),
    }
    spec.update(draw(_mostly(st.just({}), st.dictionaries(odd_texts, odd_values, max_size=2))))
    spec.update(draw(_mostly(st.just({}), st.fixed_dictionaries({"debug": odd_values}))))
    return spec


def _mostly(
    usual: st.SearchStrategy[object], odd: st.SearchStrategy[object]
) -> st.SearchStrategy[Any]:
    return st.integers(0, 4).flatmap(lambda number: odd if number == 0 else usual)


def _odd_connections() -> st.SearchStrategy[object]:
    members = st.sampled_from(sorted([*CONNECTION, "name"]))
    odd = st.dictionaries(members, odd_values, max_size=4)
    return st.builds(lambda members, spell: spell({**CONNECTION, **members}), odd, _SPELLINGS)


def _odd_requests() -> st.SearchStrategy[object]:
    names = st.sampled_from(sorted(SCHEMA.fields)) | odd_texts
    odd = _mostly(st.just({}), st.dictionaries(names, odd_values, max_size=2))
    return st.builds(
        lambda case, members, spell: spell({**case[0], **members}),
        valid_requests(),
        odd,
        _SPELLINGS,
    )


@st.composite
def valid_requests(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a request as it may be delivered, and the body that is to be sent for it."""
    chosen = draw(st.sets(st.sampled_from(sorted(set(ENTRIES) - {"request_id"})), max_size=12))
    if "workflow" in chosen:
        chosen.discard("change")  # both are one reference
    request: dict[str, Any] = {
        "request_id": draw(_CASES["request_id"](ENTRIES["request_id"])).delivered
    }
    body: dict[str, Any] = {}
    for name in sorted(chosen):
        field = SCHEMA.fields[name]
        case = draw(_case(field, ENTRIES[name]))
        suffix = draw(st.sampled_from(["", "_id"])) if field.kind == "reference" else ""
        request[name + suffix] = case.delivered
        if case.expected is not NOTHING:
            body.update(
                case.expected if field.location == "merge" else {field.api_name: case.expected}
            )
    if all(value == [] for value in body.values()):
        request["urgent"] = body["urgent"] = True  # an update must change something
    return request, body


def _case(field: Field, entry: Mapping[str, Any]) -> st.SearchStrategy[Case]:
    if field.location == "none":
        return json_values.map(lambda value: Case(value, NOTHING))
    cases = _CASES[field.kind](entry) | st.just(Case(None, NOTHING))
    return cases | st.just(Case("", "")) if field.clearable else cases


def _integers(entry: Mapping[str, Any]) -> st.SearchStrategy[Case]:
    bounds = st.integers(entry["minimum"], entry["maximum"])
    return (bounds | st.integers(1, 1000)).flatmap(_spelled_integer)


def _spelled_integer(number: int) -> st.SearchStrategy[Case]:
    spellings: list[Any] = [number, str(number), f" {number}\n", str(number).encode()]
    if number <= LARGEST_EXACT_FLOAT:
        spellings.append(float(number))
    return st.sampled_from(spellings).map(lambda spelling: Case(spelling, number))


def _request_ids(entry: Mapping[str, Any]) -> st.SearchStrategy[Case]:
    address = CONNECTION["host"]

    def spelled(case: Case) -> st.SearchStrategy[Case]:
        number = case.expected
        spellings = [
            case.delivered,
            f"#{number}",
            f" #{number}\n",
            f"#{number}".encode(),
            f"{address}/requests/{number}",
            f"\t{address}/requests/{number}/?a=b#c ",
        ]
        return st.sampled_from(spellings).map(lambda spelling: Case(spelling, number))

    return _integers(entry).flatmap(spelled)


def _references(entry: Mapping[str, Any]) -> st.SearchStrategy[Case]:
    def nested(case: Case) -> st.SearchStrategy[Case]:
        spellings = [case.delivered, {"id": case.delivered, "name": "x"}]
        if not isinstance(case.delivered, bytes):
            spellings.append(json.dumps({"name": None, "id": case.delivered}))
        return st.sampled_from(spellings).map(lambda spelling: Case(spelling, case.expected))

    return _integers(entry).flatmap(nested)


def _booleans(_: Mapping[str, Any]) -> st.SearchStrategy[Case]:
    yes = ["true", "tRUE", "1", "t", "Y", "yes", " ON\n", True, 1, 1.0, b"y"]
    no = ["false", "False", "0", "F", "n", "No", "\toff", False, 0, 0.0, b"n"]
    return st.sampled_from(
        [Case(word, expected=True) for word in yes] + [Case(word, expected=False) for word in no]
    )


def _durations(entry: Mapping[str, Any]) -> st.SearchStrategy[Case]:
    most = min(entry["maximum"], 59_999_999)
    clocked = st.integers(entry["minimum"], most).map(
        lambda minutes: Case(f"{minutes // 60}:{minutes % 60:02}", minutes)
    )
    return _integers(entry) | clocked


def _enumerations(entry: Mapping[str, Any]) -> st.SearchStrategy[Case]:
    aliases = entry.get("x-4me-value-aliases", {})
    return st.sampled_from(entry["enum"]).map(lambda value: Case(value, aliases.get(value, value)))


def _strings(entry: Mapping[str, Any]) -> st.SearchStrategy[Case]:
    most = min(entry.get("maxLength", 100), 300)
    some = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=most)
    numbers = st.integers(-(10**9), 10**9)
    return (
        some.map(lambda text: Case(text, text))
        | some.map(lambda text: Case(text.encode(), text))
        | numbers.map(lambda number: Case(number, str(number)))
        | numbers.map(lambda number: Case(float(number), str(number)))
    )


def _notes(entry: Mapping[str, Any]) -> st.SearchStrategy[Case]:
    return _strings(entry).filter(lambda case: bool(case.expected.strip()))


def _datetimes(_: Mapping[str, Any]) -> st.SearchStrategy[Case]:
    zones = st.sampled_from(["", ":59", "Z", ":00Z", "+01:00", "-0600", ":07+14:00"])
    return st.builds(
        lambda moment, zone: Case(*[moment.isoformat()[:16] + zone] * 2), st.datetimes(), zones
    )


def _custom_fields(_: Mapping[str, Any]) -> st.SearchStrategy[Case]:
    ids = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
    fields = st.dictionaries(ids, json_values.filter(lambda value: value is not None), max_size=3)

    def aliases_used(values: dict[str, Any]) -> st.SearchStrategy[Case]:
        items = [{"id": name, "value": value} for name, value in values.items()]
        with_null = [*items, {"id": "null", "value": None}]
        spellings: list[Any] = [items, with_null, json.dumps(items)]
        if values.keys() != {"id", "value"}:
            spellings += [values, json.dumps(values)]
        return st.sampled_from(spellings).map(lambda spelling: Case(spelling, items))

    return fields.flatmap(aliases_used)


def _lists(_: Mapping[str, Any]) -> st.SearchStrategy[Case]:
    items = st.lists(texts, max_size=3)
    return items.map(lambda value: Case(value, value)) | items.map(
        lambda value: Case(json.dumps(value), value)
    )


def _attachments(_: Mapping[str, Any]) -> st.SearchStrategy[Case]:
    def item(size: Case, inline: Case) -> Case:
        delivered = {"key": "attachments/5/a.txt", "filesize": size.delivered, "inline": None}
        expected = {"key": "attachments/5/a.txt", "filesize": size.expected}
        if inline.expected:
            delivered["inline"], expected["inline"] = inline.delivered, True
        return Case(delivered, expected)

    items = st.builds(item, _integers({"minimum": 0, "maximum": 10**12}), _booleans({}))
    alone = items.map(lambda case: Case(case.delivered, [case.expected]))
    several = st.lists(items, max_size=3).map(
        lambda cases: Case([case.delivered for case in cases], [case.expected for case in cases])
    )
    return alone | several


def _additions(_: Mapping[str, Any]) -> st.SearchStrategy[Case]:
    names = texts.filter(lambda name: name not in SCHEMA.fields)
    values = st.dictionaries(names, json_values, max_size=3)
    return values.map(lambda value: Case(value, value)) | values.map(
        lambda value: Case(json.dumps(value), value)
    )


_CASES: Mapping[str, Callable[[Mapping[str, Any]], st.SearchStrategy[Case]]] = {
    "request_id": _request_ids,
    "integer": _integers,
    "reference": _references,
    "boolean": _booleans,
    "duration": _durations,
    "enum": _enumerations,
    "string": _strings,
    "text": _notes,
    "datetime": _datetimes,
    "custom_fields": _custom_fields,
    "strings": _lists,
    "attachments": _attachments,
    "object": _additions,
}
