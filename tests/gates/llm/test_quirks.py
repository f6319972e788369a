"""Members a vendor does not take are left out or renamed; every value stays byte for byte."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.config.documents_llm import Quirks
from triplegate.gates.llm.quirks import any_of, shape


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


@pytest.mark.parametrize(
    ("quirks", "message", "shaped"),
    [
        (Quirks(developer="system"), b'{"role":"developer","content":1e2}', b'{"role":"system","content":1e2}'),
        (Quirks(developer="system"), b'{"role": "user","content":"developer"}', None),
        (
            Quirks(reasoning="none"),
            b'{"reasoning":"a","role": "assistant","reasoning_content":"b"}',
            b'{"role":"assistant"}',
        ),
        (Quirks(reasoning="reasoning"), b'{"reasoning_content": "b"}', b'{"reasoning":"b"}'),
        (Quirks(reasoning="reasoning"), b'{"reasoning":"a","reasoning_content":"b"}', b'{"reasoning":"a"}'),
        (Quirks(reasoning="reasoning_content"), b'{"reasoning":"a"}', b'{"reasoning_content":"a"}'),
        (Quirks(reasoning="reasoning_content"), b'{"reasoning_content": "a"}', b'{"reasoning_content":"a"}'),
        (Quirks(developer="system", reasoning="none"), b'["developer", "reasoning"]', None),
        (Quirks(), b'{"role": "developer","reasoning":"a"}', None),
    ],
)
def test_roles_and_thoughts_have_the_vendors_names(quirks, message, shaped):
    body = b'{"model":"m","messages":[%b]}'
    assert shape(body % message, quirks) == body % (shaped or message)


def test_what_has_nothing_of_the_kind_is_the_very_object():
    body = b'{"messages":[{"role": "user"}],"reasoning_effort":"low"}'
    assert shape(body, Quirks(developer="system", reasoning="none")) is body
    assert [any_of(one) for one in (Quirks(), Quirks(stream_usage=False))] == [False, False]
    assert all(map(any_of, (Quirks(drop=("a",)), Quirks(developer="system"), Quirks(reasoning="none"))))


@given(
    st.dictionaries(st.text(max_size=8), st.integers() | st.text() | st.lists(st.none())), st.sets(st.text(max_size=8))
)
def test_nothing_but_what_is_named_is_lost(members, dropped):
    shaped = shape(json.dumps(members).encode(), Quirks(drop=tuple(dropped)[:64]))
    assert json.loads(shaped) == {
        name: value for name, value in members.items() if name not in set(tuple(dropped)[:64])
    }
