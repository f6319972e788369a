"""Realtime events: usage in disjoint classes, what is under way, keys in subprotocols, and the model that stays."""

import msgspec
import pytest

from triplegate.core.errors import Refusal
from triplegate.core.usage import Usage
from triplegate.wire.openai_realtime import (
    Conversation,
    Offered,
    added,
    check_servers,
    error_event,
    keep_model,
    read_usage,
)

USAGE = {
    "total_tokens": 253,
    "input_tokens": 132,
    "output_tokens": 121,
    "input_token_details": {
        "text_tokens": 119,
        "audio_tokens": 13,
        "image_tokens": 0,
        "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 60, "audio_tokens": 4, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
}


def event(kind: str, **more: object) -> bytes:
    return msgspec.json.encode({"type": kind, "event_id": "event_1", **more})


def test_usage_is_brought_to_classes_that_sum_to_what_was_said() -> None:
    usage = read_usage(msgspec.json.encode(USAGE))
    assert usage == Usage(input_uncached=59, cache_read=64, audio_in=9, output_text=30, audio_out=91, source="provider")
    assert (usage.input_total, usage.output_total) == (132, 121)


def test_where_nobody_says_what_was_cached_text_was_before_audio() -> None:
    details = {"text_tokens": 50, "audio_tokens": 50, "cached_tokens": 70}
    usage = read_usage(msgspec.json.encode({"input_tokens": 100, "input_token_details": details}))
    assert usage == Usage(cache_read=70, audio_in=30, source="provider")


@pytest.mark.parametrize("raw", [b"null", b"{}", b'{"input_tokens": "many"}', b"[", b'{"total_tokens": 3}'])
def test_what_cannot_be_read_is_no_usage(raw: bytes) -> None:
    assert read_usage(raw) is None


def test_parts_that_are_more_than_the_whole_are_cut_to_it() -> None:
    details = {"audio_tokens": 90, "image_tokens": 90, "cached_tokens": 5}
    said = {"input_tokens": 20, "output_tokens": 3, "input_token_details": details, "output_token_details": details}
    usage = read_usage(msgspec.json.encode(said))
    assert usage is not None
    assert (usage.input_total, usage.output_total, usage.audio_out) == (20, 3, 3)


def test_each_response_is_told_once_as_it_ends() -> None:
    talk = Conversation()
    assert talk.heard(event("session.created", session={"model": "gpt-realtime"})) is None
    for _ in range(2):
        assert talk.heard(event("response.created", response={"id": "r"})) is None
        assert talk.heard(event("response.output_text.delta", delta='he said "response.done"')) is None
        assert talk.running == 1
        used = talk.heard(event("response.done", response={"status": "completed", "usage": USAGE}))
        assert used is not None
        assert used.total == 253
    assert (talk.running, talk.unfinished()) == (0, None)


def test_a_response_whose_usage_nobody_says_is_estimated_and_a_failed_one_is_free() -> None:
    talk = Conversation()
    talk.said(event("conversation.item.create", item={"text": "x" * 400}))
    talk.heard(event("response.created", response={}))
    talk.heard(event("response.output_text.delta", delta="Hel"))
    used = talk.heard(event("response.done", response={"status": "cancelled", "usage": None}))
    assert used is not None
    assert (used.source, used.output_text, used.input_uncached > 100) == ("estimated", 1, True)
    talk.heard(event("response.created", response={}))
    assert talk.heard(event("response.done", response={"status": "failed", "usage": None})) is None
    assert talk.running == 0


def test_a_response_under_way_is_told_by_size_words_and_audio_apart() -> None:
    talk = Conversation()
    talk.said(event("input_audio_buffer.append", audio="A" * 64_000))
    talk.heard(event("response.created", response={}))
    for _ in range(3):
        talk.heard(event("response.output_audio.delta", delta="A" * 3_200))
        talk.heard(event("response.output_audio_transcript.delta", delta="word"))
        talk.heard(event("response.function_call_arguments.delta", delta="{"))
    left = talk.unfinished()
    assert left == Usage(input_uncached=1, audio_in=10, output_text=3, audio_out=4, source="partial")


def test_sums_say_what_is_known_least_well() -> None:
    said, guessed = Usage(output_text=1, source="provider"), Usage(audio_in=2, source="estimated")
    left = Usage(output_text=3, source="partial")
    assert added(said, said) == Usage(output_text=2, source="provider")
    assert added(said, guessed) == Usage(output_text=1, audio_in=2, source="estimated")
    assert added(added(said, guessed), left).source == "partial"


@pytest.mark.parametrize("text", [b"not json", b'{"type":"response.done"', b'"response.done"', b"\xff"])
def test_events_that_nobody_can_read_pass_uncounted(text: bytes) -> None:
    assert Conversation().heard(text) is None


def test_the_key_is_told_apart_from_the_other_words() -> None:
    offered = Offered([b"realtime, openai-insecure-api-key.tg_1_2", b"openai-beta.realtime-v1,other"])
    assert (offered.realtime, offered.key, offered.beta) == (True, b"tg_1_2", b"realtime=v1")
    nothing = Offered([])
    assert (nothing.realtime, nothing.key, nothing.beta) == (False, None, None)
    with pytest.raises(Refusal) as caught:
        Offered([b"openai-insecure-api-key.a, openai-insecure-api-key.b"])
    assert caught.value.code == "malformed_request"


@pytest.mark.parametrize(
    "text",
    [
        b'{"type":"session.update","session":{"model":"gpt-dear"}}',
        b'{"type":"session\\u002eupdate","session":{"mod\\u0065l":"gpt-dear"}}',
        b'{"type":"response.create","response":{"model":"gpt-dear"}}',
        b'{"type":"session.update","model":"gpt-dear"}',
        b'{"type":"session.update","session":{"model":null}}',
        b'{"type":"session.update","session":{"model":"talk"},"session":{"model":"gpt-dear"}}',
    ],
)
def test_another_model_is_refused_however_it_is_spelled(text: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        keep_model(text, "talk", "gpt-realtime")
    assert caught.value.code == "unsupported_parameter"


def test_what_is_looked_into_is_written_anew_and_the_rest_passes_as_it_came() -> None:
    plain = b'{"type": "response.create" }'
    assert keep_model(plain, "talk", "gpt-realtime") is plain
    twice = b'{"session":{"model":"gpt-dear"},"session":{"model":"talk","n":1}}'
    assert keep_model(twice, "talk", "gpt-realtime") == b'{"session":{"model":"gpt-realtime","n":1}}'
    deep = b'{"session":{"audio":{"input":{"transcription":{"model":"whisper-1"}}}}}'
    assert keep_model(deep, "talk", "gpt-realtime") == deep
    for broken in (b'{"model"', b'["model"]', b'{"model":' + b"[" * 100_000):
        with pytest.raises(Refusal) as caught:
            keep_model(broken, "talk", "gpt-realtime")
        assert caught.value.code == "invalid_body"


def test_the_error_event_names_the_event_and_the_field_it_is_about() -> None:
    with pytest.raises(Refusal) as caught:
        keep_model(b'{"event_id":"mine","session":{"model":"gpt-dear"}}', "talk", "gpt-realtime")
    told = msgspec.json.decode(error_event(caught.value, 7))
    assert (told["type"], told["event_id"]) == ("error", "event_triplegate_7")
    error = told["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "unsupported_parameter")
    assert (error["param"], error["event_id"]) == ("session.model", "mine")


def test_servers_of_clients_are_refused_by_the_event_that_names_them() -> None:
    server = b'{"type":"mcp","server_label":"x","server_url":"https://mcp.example.com"}'
    for text in (
        b'{"event_id":"e","type":"session.update","session":{"tools":[%b]}}' % server,
        b'{"event_id":"e","type":"response.create","response":{"tools":[{"type":"function"},%b]}}' % server,
    ):
        with pytest.raises(Refusal) as caught:
            check_servers(text)
        assert (caught.value.code, caught.value.payload) == ("mcp_server_unknown", {"param": "tools", "event_id": "e"})
    with pytest.raises(Refusal, match="invalid_body"):
        check_servers(b'{"tools":["mcp"')
    check_servers(b'{"type":"session.update","session":{"tools":[{"type":"function","name":"mcp"}]}}')
