"""Canonical JSON: the examples of RFC 8785, and texts that two readers could understand differently."""

import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from triplegate.wire.jcs import canonical, read


def test_the_example_of_the_standard() -> None:
    text = (
        rb'{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],'
        rb' "string": "\u20ac$\u000F\u000aA\u0027\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}'
    )
    assert canonical(read(text)) == (
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
    )


def test_names_are_sorted_by_their_utf_16_units() -> None:
    names = ["€", "\r", "\ufb33", "1", "\U0001f600", "\x80", "ö"]
    assert list(json.loads(canonical(dict.fromkeys(names, 0)))) == ["\r", "1", "\x80", "ö", "€", "\U0001f600", "\ufb33"]


@pytest.mark.parametrize(
    ("bits", "written"),
    [
        ("0000000000000000", "0"),
        ("8000000000000000", "0"),
        ("0000000000000001", "5e-324"),
        ("7fefffffffffffff", "1.7976931348623157e+308"),
        ("4340000000000000", "9007199254740992"),
        ("4430000000000000", "295147905179352830000"),
        ("44b52d02c7e14af5", "9.999999999999997e+22"),
        ("444b1ae4d6e2ef4f", "999999999999999900000"),
        ("444b1ae4d6e2ef50", "1e+21"),
        ("3eb0c6f7a0b5ed8c", "9.999999999999997e-7"),
        ("3eb0c6f7a0b5ed8d", "0.000001"),
        ("becbf647612f3696", "-0.0000033333333333333333"),
        ("43143ff3c1cb0959", "1424953923781206.2"),
    ],
)
def test_numbers_are_written_as_ecmascript_writes_them(bits: str, written: str) -> None:
    assert canonical(struct.unpack(">d", bytes.fromhex(bits))[0]) == written


@pytest.mark.parametrize(
    "text",
    [
        b'{"a": {"b": 1, "b": 2}}',
        b'{"a": 1, "\\u0061": 2}',
        b"NaN",
        b"1e400",
        b"9" * 5000,
        b"[" * 5000 + b"]" * 5000,
        b"[1",
        b'"\xff"',
    ],
)
def test_what_has_two_readings_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError):
        read(text)


def test_half_a_character_and_deep_nests_have_no_canonical_text() -> None:
    with pytest.raises(ValueError):
        canonical(read(b'"\\ud800"'))
    with pytest.raises(ValueError):
        canonical(read(b"[" * 200 + b"]" * 200))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(values)
def test_a_value_has_one_text_however_it_was_written(value: object) -> None:
    text = canonical(value)
    assert canonical(json.loads(text)) == text
    for spelled in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1), text):
        assert canonical(read(spelled.encode())) == text


def test_big_whole_numbers_are_doubles() -> None:
    assert (
        canonical(read(b"9223372036854775807")) == canonical(read(b"9.223372036854775807e18")) == "9223372036854776000"
    )
