"""Embeddings requests looked at and renamed; usage of replies."""

import json

import pytest
from tests.golden.recordings import Recorded, recorded

from triplegate.core.errors import Refusal
from triplegate.wire.openai_embeddings import edit_call, read_call, read_reply_usage


@pytest.mark.parametrize(
    ("inputs", "count"),
    [("hello", 1), (["a"], 1), (["a", "b", "c"], 3), ([1, 2, 3], 1), ([[1, 2], [3]], 2), ([], 1), ("", 1)],
)
def test_the_number_of_vectors_is_seen(inputs: object, count: int) -> None:
    call = read_call(json.dumps({"model": "m", "input": inputs, "user": "u"}).encode())
    assert (call.model, call.inputs, call.end_user) == ("m", count, "u")


def test_a_renamed_call_differs_in_nothing_else() -> None:
    text = b'{ "input": ["model", "x"],\n "model": "small", "encoding_format":"base64" }'
    assert edit_call(read_call(text), model="text-embedding-3-small") == text.replace(
        b'"small"', b'"text-embedding-3-small"'
    )
    assert edit_call(read_call(text), model="small") is text


@pytest.mark.parametrize(
    ("text", "param"),
    [
        (b'{"input":"x"}', "model"),
        (b'{"model":1,"input":"x"}', "model"),
        (b'{"model":"m"}', "input"),
        (b'{"model":"m","input":7}', "input"),
        (b'{"model":"m","input":{}}', "input"),
        (b'{"model":"m","input":"x","user":1}', "user"),
    ],
)
def test_a_member_that_cannot_be_read_is_named(text: bytes, param: str) -> None:
    with pytest.raises(Refusal) as caught:
        read_call(text)
    assert caught.value.payload["param"] == param


def test_a_call_with_two_readings_is_refused() -> None:
    with pytest.raises(Refusal):
        read_call(b'{"model":"a","input":"x","model":"b"}')


@pytest.mark.parametrize("one", recorded("openai-embeddings"))
def test_recorded_usage_is_all_input(one: Recorded) -> None:
    usage = read_reply_usage(one.body)
    assert usage is not None
    said = one.json()["usage"]
    assert (usage.input_uncached, usage.output_total, usage.total) == (said["prompt_tokens"], 0, said["total_tokens"])
    assert usage.source == "provider"


def test_a_reply_that_does_not_say_has_no_usage() -> None:
    assert read_reply_usage(b'{"data":[]}') is None
    assert read_reply_usage(b"<html>") is None
