"""Chat requests looked at and edited in place; replies read (llm §2.3, U1)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.golden.recordings import Recorded, recorded

from triplegate.core.errors import Refusal
from triplegate.wire.openai_chat import edit_call, read_call, read_reply

CALL = {
    "model": "smart",
    "messages": [{"role": "user", "content": 'say "model":"x" and {"stream_options":1} \\ é'}],
    "metadata": {"model": "inner", "stream": 7, "n": "x"},
    "stream": True,
    "n": 2,
    "max_tokens": 5,
    "max_completion_tokens": 9,
    "user": "u-1",
}


def compact(document: dict[str, Any]) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def test_a_call_is_known_without_decoding_its_messages() -> None:
    call = read_call(compact(CALL))
    assert (call.model, call.stream, call.include_usage) == ("smart", True, False)
    assert (call.n, call.max_tokens, call.end_user) == (2, 9, "u-1")
    assert bytes(call.members["messages"]) == compact(CALL["messages"])


def test_what_is_not_said_has_its_default() -> None:
    call = read_call(b'{"model":"m","stream":null,"n":null,"max_tokens":null,"user":{"odd":1},"stream_options":null}')
    assert (call.stream, call.n, call.max_tokens, call.end_user, call.include_usage) == (False, 1, None, None, False)


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        ({"include_usage": True}, True),
        ({"include_usage": False}, False),
        ({"include_usage": True, "x": 1}, True),
        ({}, False),
        (None, False),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_whether_the_client_asks_for_usage_is_seen(options: Any, asked: bool, indent: int | None) -> None:
    assert read_call(json.dumps(CALL | {"stream_options": options}, indent=indent).encode()).include_usage is asked


@pytest.mark.parametrize(
    ("text", "param"),
    [
        (b"{}", "model"),
        (b'{"model":""}', "model"),
        (b'{"model":null}', "model"),
        (b'{"model":7}', "model"),
        (b'{"model":"\xff"}', "model"),
        (b'{"model":"m","stream":"yes"}', "stream"),
        (b'{"model":"m","stream":1}', "stream"),
        (b'{"model":"m","n":0}', "n"),
        (b'{"model":"m","n":1.5}', "n"),
        (b'{"model":"m","max_tokens":-1}', "max_tokens"),
        (b'{"model":"m","max_completion_tokens":"x"}', "max_completion_tokens"),
        (b'{"model":"m","stream":true,"stream_options":[]}', "stream_options"),
        (b'{"model":"m","stream":true,"stream_options":{"include_usage":1}}', "stream_options"),
        (
            b'{"model":"m","stream":true,"stream_options":{"include_usage":true,"include_usage":false}}',
            "stream_options",
        ),
    ],
)
def test_a_member_that_cannot_be_read_is_named(text: bytes, param: str) -> None:
    with pytest.raises(Refusal) as caught:
        read_call(text)
    assert caught.value.code == "invalid_body"
    assert caught.value.payload["param"] == param


@pytest.mark.parametrize(
    "text",
    [
        b'{"model":"cheap","model":"dear"}',
        b'{"model":"cheap","messages":[],"mod\\u0065l":"dear"}',
        b'{"model":"m","max_tokens":1,"max_tokens":100000}',
        b'{ "model" : "m", "stream" : true, "stream" : false }',
        b"[]",
        b"",
    ],
)
def test_a_call_with_two_readings_is_refused(text: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        read_call(text)
    assert caught.value.status == 400


STYLES = st.sampled_from(
    [{"separators": (",", ":")}, {}, {"indent": 1}, {"ensure_ascii": False, "separators": (" , ", " :\n")}]
)
NAMES = st.sampled_from(["temperature", "tools", "mode", "model2", "Model", 'x"y', "é"])
EXTRA = st.dictionaries(NAMES, st.none() | st.integers() | st.text(max_size=5), max_size=4)
MODELS = st.sampled_from(["gpt-4o", "org/model:7b", "mödel"])


@given(EXTRA, STYLES, MODELS)
def test_only_the_named_edits_change_the_request(extra: dict[str, Any], style: Any, model: str) -> None:
    text = json.dumps(extra | CALL | {"model": "@@here@@"}, **style).encode()
    edited = edit_call(read_call(text), model=model, include_usage=True)
    wanted = text.replace(b'"@@here@@"', f'"{model}"'.encode())
    assert edited == wanted.replace(b"{", b'{"stream_options":{"include_usage":true},', 1)


@given(EXTRA, STYLES, st.sampled_from([{}, {"include_usage": False}, {"x": [1]}, {"include_usage": None, "y": 2}]))
def test_other_stream_options_are_kept(extra: dict[str, Any], style: Any, options: dict[str, Any]) -> None:
    document = extra | CALL | {"stream_options": options}
    edited = edit_call(read_call(json.dumps(document, **style).encode()), include_usage=True)
    assert json.loads(edited) == document | {"stream_options": options | {"include_usage": True}}
    assert read_call(edited).include_usage


def test_a_call_that_needs_no_edit_is_passed_as_the_same_object() -> None:
    text = compact(CALL | {"stream_options": {"include_usage": True}})
    assert edit_call(read_call(text), model="smart", include_usage=True) is text
    quiet = compact(CALL | {"stream": False})
    assert edit_call(read_call(quiet), include_usage=True) is quiet


def test_the_beginning_of_a_growing_conversation_stays_byte_for_byte_the_same() -> None:
    turns: list[dict[str, str]] = []
    before = b""
    for turn in range(10):
        turns.append({"role": "user", "content": f"turn {turn} \u00e9"})
        edited = edit_call(
            read_call(compact({"model": "smart", "stream": True, "messages": turns})),
            model="gpt-4o",
            include_usage=True,
        )
        assert edited.startswith(before)
        before = edited.removesuffix(b"]}")


@pytest.mark.parametrize("one", recorded("openai-chat", "deepseek", "groq", "mistral", "openrouter", "azure-openai"))
def test_recorded_requests_are_read_and_renamed(one: Recorded) -> None:
    document = one.request["body"]
    if "messages" not in document or "model" not in document:
        return
    text = json.dumps(document, indent=2).encode()
    call = read_call(text)
    assert call.model == document["model"]
    assert call.stream is bool(document.get("stream"))
    assert json.loads(edit_call(call, model="other/model")) == document | {"model": "other/model"}


def test_a_reply_says_model_finish_and_error() -> None:
    choices = b'[{"index":0,"message":{"content":"x"},"finish_reason":"length"}]'
    groq = b'{"usage":{"prompt_tokens":1,"completion_tokens":2}}'
    reply = read_reply(b'{"model":"m","choices":%b,"x_groq":%b}' % (choices, groq))
    assert reply is not None
    assert reply.usage is not None
    assert (reply.model, reply.finish_reason, reply.error, reply.usage.total) == ("m", "length", False, 3)
    failed = read_reply(b'{"error":{"message":"x"}}')
    assert failed is not None
    assert failed.error
    assert read_reply(b"<html>") is None
    assert read_reply(b"[]") is None


def test_of_two_bounds_the_larger_is_reckoned_with():
    for said in (b'"max_completion_tokens":1,"max_tokens":900', b'"max_tokens":1,"max_completion_tokens":900'):
        assert read_call(b'{"model":"m",%b}' % said).max_tokens == 900
