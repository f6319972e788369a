"""JSON-RPC envelopes: what is read, what is refused, and that edits touch nothing else."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.errors import Fault, Refusal
from triplegate.wire.jsonrpc import edit, is_batch, read, read_batch, read_params, write_error, write_result

ARGUMENTS = b'{"path":"/a","id":7,"name":"x"}'
PARAMS = b'{"name":"files__read","arguments":%b,"_meta":{}}' % ARGUMENTS
CALL = b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":%b}' % PARAMS


def test_a_request_is_read_without_decoding_its_params() -> None:
    env = read(CALL)
    assert (env.kind, env.method, bytes(env.id)) == ("request", "tools/call", b"1")
    assert bytes(env.params) == PARAMS
    assert {name: bytes(value) for name, value in read_params(env).items()} == {
        "name": b'"files__read"',
        "arguments": ARGUMENTS,
        "_meta": b"{}",
    }


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b'{"jsonrpc":"2.0","method":"notifications/progress"}', "notification"),
        (b'{"jsonrpc":"2.0","id":"a-1","method":"ping"}', "request"),
        (b'{"jsonrpc":"2.0","id":-5,"method":"ping","params":{}}', "request"),
        (b'{"id":1,"result":{},"jsonrpc":"2.0"}', "response"),
        (b'{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"x"}}', "response"),
        (b' {\n "jsonrpc" : "2.0", "method" : "a\\u002fb" }\n', "notification"),
    ],
)
def test_each_kind_of_message_is_known(text: bytes, kind: str) -> None:
    assert read(text).kind == kind


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", -32700),
        (b"{", -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","params":{"x":NaN}}', -32700),
        (b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', -32700),
        (b"null", -32600),
        (b"1", -32600),
        (b"[]", -32600),
        (b' [{"jsonrpc":"2.0","id":1,"method":"a"}]', -32600),
        (b"{}", -32600),
        (b'{"jsonrpc":"1.0","id":1,"method":"a"}', -32600),
        (b'{"jsonrpc":2.0,"id":1,"method":"a"}', -32600),
        (b'{"jsonrpc":"2.0","id":null,"method":"a"}', -32600),
        (b'{"jsonrpc":"2.0","id":1.5,"method":"a"}', -32600),
        (b'{"jsonrpc":"2.0","id":{},"method":"a"}', -32600),
        (b'{"jsonrpc":"2.0","id":true,"method":"a"}', -32600),
        (b'{"jsonrpc":"2.0","id":"' + b"x" * 2000 + b'","method":"a"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":1}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","params":[1]}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","params":null}', -32600),
        (b'{"jsonrpc":"2.0","id":1}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","result":{}}', -32600),
        (b'{"jsonrpc":"2.0","result":{}}', -32600),
        (b'{"jsonrpc":"2.0","id":null,"result":{}}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","m\\u0065thod":"b"}', -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","params":' + b'{"a":' * 64 + b"1" + b"}" * 65, -32600),
        (b'{"jsonrpc":"2.0","id":1,"method":"a","params":' + b'{"a":' * 9999 + b"1" + b"}" * 10000, -32600),
    ],
)
def test_what_is_no_message_is_refused_with_its_code(text: bytes, code: int) -> None:
    with pytest.raises(Refusal) as caught:
        read(text)
    assert caught.value.rendering.jsonrpc == code
    assert caught.value.status == 400


def test_a_params_member_said_twice_is_refused() -> None:
    env = read(b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","name":"b"}}')
    with pytest.raises(Refusal) as caught:
        read_params(env)
    assert caught.value.rendering.jsonrpc == -32602


def test_nesting_is_allowed_up_to_the_limit() -> None:
    assert read(b'{"jsonrpc":"2.0","id":1,"method":"a","params":' + b'{"a":' * 62 + b"{}" + b"}" * 63)


def test_an_edit_replaces_id_and_name_and_no_other_byte() -> None:
    assert edit(read(CALL), new_id=b"4711", params={"name": b'"read"'}) == CALL.replace(
        b'"id":1,', b'"id":4711,'
    ).replace(b'"files__read"', b'"read"')
    assert edit(read(CALL)) is CALL


def test_params_may_be_begun_by_an_edit() -> None:
    env = read(b'{"jsonrpc":"2.0","id":1,"method":"tools/list"}')
    assert json.loads(edit(env, params={"cursor": b'"x"'})) == {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/list",
        "params": {"cursor": "x"},
    }


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.dictionaries(st.text(max_size=4), inner, max_size=3),
)


@given(
    st.dictionaries(st.sampled_from(["name", "arguments", "_meta", "id", "ü"]), JSON_VALUES),
    st.booleans(),
    st.integers(0, 10**9),
)
def test_results_and_arguments_survive_an_edit_byte_for_byte(
    params: dict[str, Any], ascii_only: bool, number: int
) -> None:
    document = {"jsonrpc": "2.0", "method": "tools/call", "params": params, "id": "client-1"}
    text = json.dumps(document, ensure_ascii=ascii_only, indent=1).encode()
    edited = edit(read(text), new_id=str(number).encode())
    assert edited == text.replace(b'"id": "client-1"\n}', b'"id": %d\n}' % number)
    assert edit(read(edited), new_id=b'"client-1"') == text


def test_batches_are_taken_apart_within_bounds() -> None:
    batch = b' [ {"jsonrpc":"2.0","method":"a"} , {"x":[1]} ] '
    assert is_batch(batch)
    assert not is_batch(CALL)
    assert read_batch(batch) == [b'{"jsonrpc":"2.0","method":"a"}', b'{"x":[1]}']
    for text, code in (
        (b"[]", -32600),
        (b"[" + b"1," * 64 + b"1]", -32600),
        (b"[1", -32700),
        (b"[" * 10_000 + b"]" * 10_000, -32600),
    ):
        with pytest.raises(Refusal) as caught:
            read_batch(text)
        assert caught.value.rendering.jsonrpc == code


def test_answers_carry_the_raw_id() -> None:
    assert json.loads(write_result(b'"a"', b'{"x":1.0}')) == {"jsonrpc": "2.0", "id": "a", "result": {"x": 1.0}}
    refusal = Refusal("quota_exceeded", "Slow down.", retry_after=2.5, payload={"violated-policies": ["burst"]})
    assert json.loads(write_error(refusal, b"17")) == {
        "jsonrpc": "2.0",
        "id": 17,
        "error": {
            "code": -32002,
            "message": "Slow down.",
            "data": {"violated-policies": ["burst"], "refusal": "quota_exceeded", "retryAfter": 2.5},
        },
    }
    assert json.loads(write_error(Refusal("rpc_parse_error"), b"")) == {
        "jsonrpc": "2.0",
        "id": None,
        "error": {"code": -32700, "message": "The body is not JSON"},
    }
    faulty = Refusal("rpc_invalid_params", errors=(Fault("/a", "missing"),))
    assert json.loads(write_error(faulty))["error"]["data"] == {"errors": [{"pointer": "/a", "detail": "missing"}]}
