"""Members a vendor does not take are left out or renamed; every value stays byte for byte."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.config.documents_llm import Quirks
from triplegate.gates.llm.quirks import shape


def test_a_body_that_fits_is_the_very_object():
    body = b'{"model":"m"}'
    assert shape(body, Quirks(drop=("seed",), max_tokens="max_tokens")) is body
    fitting = b'{"max_tokens":1}'
    assert shape(fitting, Quirks(max_tokens="max_tokens")) is fitting


@pytest.mark.parametrize(
    ("wanted", "body", "shaped"),
    [
        ("max_completion_tokens", b'{"max_tokens": 1.0}', b'{"max_completion_tokens":1.0}'),
        ("max_tokens", b'{"max_completion_tokens":2}', b'{"max_tokens":2}'),
        ("max_tokens", b'{"max_completion_tokens":2,"max_tokens":1}', b'{"max_tokens":1}'),
        ("max_tokens", b'{"max_tokens":1,"max_completion_tokens":2}', b'{"max_tokens":1}'),
    ],
)
def test_the_bound_of_output_has_one_name(wanted, body, shaped):
    assert shape(body, Quirks(max_tokens=wanted)) == shaped


def test_values_keep_their_spelling():
    body = b'{"a":1e2,"seed":7,"b":"\\u00e9", "c":[1, 2] }'
    assert shape(body, Quirks(drop=("seed",))) == b'{"a":1e2,"b":"\\u00e9","c":[1, 2]}'


@given(
    st.dictionaries(st.text(max_size=8), st.integers() | st.text() | st.lists(st.none())), st.sets(st.text(max_size=8))
)
def test_nothing_but_what_is_named_is_lost(members, dropped):
    shaped = shape(json.dumps(members).encode(), Quirks(drop=tuple(dropped)[:64]))
    assert json.loads(shaped) == {
        name: value for name, value in members.items() if name not in set(tuple(dropped)[:64])
    }
