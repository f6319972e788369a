"""The shape of JSON is seen without building it, and strings that look like shape are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.wire.json_members import encode
from triplegate.wire.json_shape import fault_of


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"a": [1, {"b": null}]}', ""),
        (b"[]", ""),
        (b'"text"', ""),
        (b"[" * 3 + b"]" * 3, ""),
        (b"[" * 4 + b"]" * 4, "nests deeper than 3"),
        (b"[" * 100_000 + b"]" * 100_000, "nests deeper than 3"),
        (b'{"a":1,"b":2,"c":3}', ""),
        (b'{"a":1,"b":2,"c":3,"d":4}', "more than 3 members"),
        (b'[{"a":1},{"b":2},{"c":3},{"d":4}]', "more than 3 members"),
        (b'{"a:::::":":::::[[[[[{{{{","b":"\\"[[[[:"}', ""),
        (b'{"a":1,"a":1,"a":1,"a":1}', "more than 3 members"),
        (b'{"a":', "not JSON"),
        (b"[1] x", "not JSON"),
        (b"{a:1}", "not JSON"),
        (b"", "not JSON"),
    ],
)
def test_what_is_wrong_is_said(text: bytes, said: str) -> None:
    found = fault_of(text, 3, 3)
    assert said in found if said else found == ""


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, value.values()), default=0)
    return 1 + max(map(depth_of, value), default=0) if isinstance(value, list) else 0


def keys_of(value: object) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(keys_of, value.values()))
    return sum(map(keys_of, value)) if isinstance(value, list) else 0


VALUES = st.recursive(
    st.none() | st.integers(-5, 5) | st.text(alphabet=':{}[]"\\a', max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet=':{"\\', max_size=4), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(VALUES)
def test_it_counts_as_a_parser_would(value: object) -> None:
    text = encode(value)
    depth, keys = depth_of(value), keys_of(value)
    assert fault_of(text, max(depth, 1), max(keys, 1)) == ""
    if depth > 1:
        assert "nests" in fault_of(text, depth - 1, 1000)
    if keys > 1:
        assert "members" in fault_of(text, 100, keys - 1)
