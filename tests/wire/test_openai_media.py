"""Calls that are only counted: which model, and what was used in tokens or pieces."""

import json

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.openai_media import (
    edit_call,
    free,
    read_images,
    read_rerank,
    read_transcription,
    reader,
    spoken,
)


def test_only_the_model_changes():
    text = b'{ "input": "a", "model":"m", "user": "u" }'
    call = reader()(text)
    assert (call.model, call.end_user) == ("m", "u")
    assert edit_call(call, model="vendor") == text.replace(b'"m"', b'"vendor"')
    assert edit_call(call, model="m") is call.text
    assert [reader()(b'{"model":"m","stream":%b}' % said).stream for said in (b"true", b"false")] == [True, False]


def test_a_model_that_is_not_named_is_the_endpoints_own_and_told_to_the_provider():
    call = reader("usual")(b'{"input":"a"}')
    assert (call.model, json.loads(edit_call(call, model="usual"))) == ("usual", {"input": "a", "model": "usual"})
    with pytest.raises(Refusal) as caught:
        reader()(b'{"input":"a"}')
    assert caught.value.payload["param"] == "model"
    with pytest.raises(Refusal):
        reader("usual")(b'{"model":7}')


def test_images_are_counted_and_so_are_their_tokens():
    usage = read_images(
        b'{"created":1,"data":[{"b64_json":"x"},{"b64_json":"y"}],"usage":{"input_tokens":50,"output_tokens":4160,'
        b'"total_tokens":4210,"input_tokens_details":{"text_tokens":10,"image_tokens":40}}}'
    )
    assert (usage.input_uncached, usage.image_in, usage.output_text) == (10, 40, 4160)
    assert (json.loads(usage.tool_units), usage.source) == ({"images": 2}, "provider")
    assert json.loads(read_images(b'{"data":[{"url":"https://a.example"}]}').tool_units) == {"images": 1}
    assert read_images(b"{}") is None


def test_transcriptions_are_counted_in_tokens_or_in_seconds():
    usage = read_transcription(
        b'{"text":"hi","usage":{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":4,'
        b'"audio_tokens":10},"output_tokens":2,"total_tokens":16}}'
    )
    assert (usage.input_uncached, usage.audio_in, usage.output_text, usage.tool_units) == (4, 10, 2, "")
    usage = read_transcription(b'{"text":"hi","usage":{"type":"duration","seconds":27}}')
    assert json.loads(usage.tool_units) == {"seconds": 27}
    assert read_transcription(b'{"text":"hi"}') is None


def test_reranks_are_counted_in_search_units_or_tokens():
    usage = read_rerank(b'{"results":[],"meta":{"billed_units":{"search_units":1}}}')
    assert json.loads(usage.tool_units) == {"search_units": 1}
    assert read_rerank(b'{"results":[],"usage":{"prompt_tokens":5,"total_tokens":5}}').input_total == 5
    assert read_rerank(b'{"results":[]}') is None


@pytest.mark.parametrize("read", [read_images, read_transcription, read_rerank, free])
@pytest.mark.parametrize("text", [b"", b"<html>", b'{"usage":"x"}', b'{"usage":{"input_tokens":{}}}', b"\xff"])
def test_what_cannot_be_read_says_nothing(read, text):
    assert read(text) is None or text == b'{"usage":"x"}'


def test_counts_below_zero_or_beyond_their_total_never_count_against_anyone():
    usage = read_images(
        b'{"data":[],"usage":{"input_tokens":-5,"output_tokens":-1,"input_tokens_details":{"image_tokens":9}}}'
    )
    assert usage.tokens() == (0,) * 9


def test_speech_is_counted_by_its_characters():
    assert json.loads(spoken(reader()('{"model":"tts-1","input":"é, ü"}'.encode())).tool_units) == {"characters": 4}
    assert json.loads(spoken(reader()(b'{"model":"tts-1","input":7}')).tool_units) == {"characters": 0}


def test_moderations_are_free():
    assert free(b'{"results":[]}').total == 0
