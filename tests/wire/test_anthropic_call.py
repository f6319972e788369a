"""A cheap look at a messages request, and its model renamed in place."""

import json

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.anthropic_call import edit_call, read_call

TEXT = b'{ "model":"m", "max_tokens": 9, "stream":true, "metadata":{"user_id":"u","x":1}, "messages":[] }'


def test_a_call_says_model_stream_bound_and_user():
    call = read_call(TEXT)
    assert (call.model, call.stream, call.max_tokens, call.end_user) == ("m", True, 9, "u")
    assert (call.include_usage, call.n) == (True, 1)
    assert not read_call(b'{"model":"m","messages":[]}').stream


def test_only_the_model_changes():
    call = read_call(TEXT)
    assert edit_call(call, model="vendor") == TEXT.replace(b'"m"', b'"vendor"')
    assert edit_call(call, model="m") is call.text


@pytest.mark.parametrize(
    ("text", "parameter"),
    [
        (b'{"messages":[]}', "model"),
        (b'{"model":7,"messages":[]}', "model"),
        (b'{"model":"m"}', "messages"),
        (b'{"model":"m","messages":"hi"}', "messages"),
        (b'{"model":"m","messages":[],"stream":1}', "stream"),
        (b'{"model":"m","messages":[],"max_tokens":"9"}', "max_tokens"),
        (b'{"model":"m","messages":[],"max_tokens":-1}', "max_tokens"),
        (b'{"model":"m","messages":[],"metadata":{"user_id":7}}', "metadata"),
    ],
)
def test_what_is_wrong_is_named(text, parameter):
    with pytest.raises(Refusal) as caught:
        read_call(text)
    assert (caught.value.code, caught.value.payload["param"]) == ("invalid_body", parameter)


def test_over_ten_turns_the_upstreams_bytes_only_grow():
    messages, before = [], b""
    for turn in range(10):
        messages += [
            {"role": "user", "content": f"question {turn} é"},
            {"role": "assistant", "content": [{"type": "text", "text": f"answer {turn}", "cache_control": {}}]},
        ]
        text = json.dumps({"model": "m", "max_tokens": 9, "system": "be kind", "messages": messages}).encode()
        sent = edit_call(read_call(text), model="claude-x")
        assert sent.startswith(before.removesuffix(b"]}"))
        before = sent
