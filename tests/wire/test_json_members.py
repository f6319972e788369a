"""Members, places and edits, against the standard library's reading."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.errors import Refusal
from triplegate.wire.json_members import MOST, depth_within, encode, is_object, read_members, set_members, spans, splice

NAMES = st.sampled_from(
    ["model", "stream", "a", "", 'q"uote', "back\\slash", "é", "\u2028", "mod\tel", "a/b~c", "}", "{", ","]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
STYLES = st.sampled_from(
    [
        {"separators": (",", ":"), "ensure_ascii": False},
        {"separators": (",", ":")},
        {},
        {"indent": 2},
        {"separators": (" ,\r\n", "\t: "), "ensure_ascii": False},
    ]
)


@given(st.dictionaries(NAMES, VALUES, max_size=6), STYLES, st.sampled_from(["", " ", "\n\t"]))
def test_every_value_stands_where_it_is_said_to(document: dict[str, Any], style: dict[str, Any], around: str) -> None:
    text = (around + json.dumps(document, **style) + around).encode()
    members = read_members(text)
    assert list(members) == list(document)
    places = spans(text, members)
    assert {name: json.loads(text[start:end]) for name, (start, end) in places.items()} == document
    assert all(text[start:end] == bytes(members[name]) for name, (start, end) in places.items())


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=5), STYLES, VALUES, st.data())
def test_an_edit_changes_one_value_and_no_other_byte(
    document: dict[str, Any], style: dict[str, Any], value: Any, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(list(document)))
    text = json.dumps(document, **style).encode()
    start, end = spans(text, read_members(text))[name]
    new = encode(value)
    edited = splice(text, [(start, end, new)])
    assert edited == text[:start] + new + text[end:]
    assert json.loads(edited) == document | {name: value}


@given(st.dictionaries(NAMES, VALUES, max_size=4), STYLES, st.dictionaries(NAMES, VALUES, max_size=3))
def test_members_are_set_or_added(document: dict[str, Any], style: dict[str, Any], changes: dict[str, Any]) -> None:
    text = json.dumps(document, **style).encode()
    edited = set_members(text, read_members(text), {name: encode(value) for name, value in changes.items()})
    assert json.loads(edited) == document | changes
    read_members(edited)


def test_a_spaced_object_is_taken_whole_and_a_repeat_in_it_is_not() -> None:
    for text in (b'{"a": 1, "b": "x"}', b'{"a\\"": 1, "\\u0062": 2}'):
        assert {name: json.loads(bytes(value)) for name, value in read_members(text).items()} == json.loads(text)
    for repeated in (b'{"a":1,"bb":22,"a":3}', b'{"a": 1, "a": 2}', b'{"a":1,"a":22222}', b'{"a":1, "a":11111}'):
        with pytest.raises(Refusal):
            read_members(repeated)


def with_repeat(pairs: list[tuple[str, Any]], comma: str, colon: str) -> bytes:
    return ("{" + comma.join(json.dumps(name) + colon + json.dumps(value) for name, value in pairs) + "}").encode()


@given(
    st.lists(st.tuples(NAMES, VALUES), min_size=1, max_size=4),
    st.data(),
    st.sampled_from([(",", ":"), (", ", ": "), (",\n", ":")]),
)
def test_a_name_said_twice_is_refused(
    pairs: list[tuple[str, Any]], data: st.DataObject, style: tuple[str, str]
) -> None:
    again = data.draw(st.sampled_from(pairs))
    place = data.draw(st.integers(0, len(pairs)))
    pairs = [*pairs[:place], (again[0], data.draw(VALUES)), *pairs[place:]]
    with pytest.raises(Refusal) as caught:
        read_members(with_repeat(pairs, *style))
    assert caught.value.code == "invalid_body"


@pytest.mark.parametrize(
    "text",
    [
        rb'{"model":"a","model":"a"}',
        rb'{"model":"a","mod\u0065l":"b"}',
        rb'{"model":1,"x":",","model":12}',
        rb'{"model":"a","x":"\",\"y\":1}","model":"a\",\"x\":\"b"}',
        rb'{"":1,"":2}',
    ],
)
def test_repeats_in_disguise_are_refused(text: bytes) -> None:
    with pytest.raises(Refusal, match="more than once"):
        read_members(text)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b'"a"',
        b"1",
        b"null",
        b"{",
        b"{}x",
        b"{}{}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":01}',
        b'{"a":[1,]}',
        b"{a:1}",
        b"{'a':1}",
        b'{"a":1,}',
        b'{"\xff":1}',
        b'\xef\xbb\xbf{"a":1}',
        b'{"a":' + b"[" * 100000 + b"]" * 100000 + b"}",
        b'{"a":"\n"}',
        b'{"a" 1}',
    ],
)
def test_what_is_no_json_object_is_refused(text: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        read_members(text)
    assert caught.value.status == 400


def test_an_empty_object_has_no_members() -> None:
    assert read_members(b" { } ") == {} == read_members(b"{}")
    assert spans(b" { } ", {}) == {}


def nesting(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(nesting, value.values()), default=0)
    return 1 + max(map(nesting, value), default=0) if isinstance(value, list) else 0


@given(st.dictionaries(NAMES, VALUES, max_size=4), st.integers(1, 6), STYLES)
def test_depth_is_counted_exactly(document: dict[str, Any], limit: int, style: dict[str, Any]) -> None:
    assert depth_within(json.dumps(document, **style).encode(), limit) == (nesting(document) <= limit)


def test_depth_is_not_fooled_by_brackets_in_strings() -> None:
    assert depth_within(b'{"a":"' + b"[" * 1000 + rb'\"[[[{{{\\"}', 64)
    assert depth_within(b'{"a":' + b"[" * 63 + b"]" * 63 + b"}", 64)
    assert not depth_within(b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", 64)


def test_more_members_than_anybody_writes_are_refused():
    most = b"{" + b" , ".join(b'"a%d" : 1' % number for number in range(MOST)) + b"}"
    assert len(read_members(most)) == MOST
    with pytest.raises(Refusal):
        read_members(most[:-1] + b',"b":1}')


def test_an_object_is_told_from_what_is_none():
    assert is_object('{"a":[1,{"b":"é"}]} '.encode())
    for text in (b"", b"{", b'{"a":1', b"[]", b"null", b'"x"', b'{"a":NaN}', b'{"a":"\xff"}', b'{"a":' * 9_999):
        assert not is_object(text)
