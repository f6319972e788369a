"""A model call, as the gate reads it."""

import pytest
from tests.gates.llm.calls import chat

from triplegate.core.errors import Refusal
from triplegate.gates.llm.call import read_call
from triplegate.gates.llm.paths.chat import CHAT
from triplegate.gates.llm.paths.embeddings import EMBEDDINGS


def test_a_chat_says_model_stream_usage_and_how_much_it_may_say():
    text = chat(stream=True, stream_options={"include_usage": True}, max_tokens=7, n=3, user="u")
    call = read_call(CHAT, text)
    assert (call.model, call.streamed, call.wants_usage, call.most_output, call.size) == (
        "m",
        True,
        True,
        21,
        len(text),
    )
    assert call.look.end_user == "u"
    assert not read_call(CHAT, chat(stream=True)).wants_usage
    assert not read_call(CHAT, chat()).streamed


def test_embeddings_are_never_streamed():
    call = read_call(EMBEDDINGS, b'{"model":"m","input":"x","stream":true}')
    assert (call.streamed, call.most_output, call.endpoint.operation) == (False, 0, "embeddings")


@pytest.mark.parametrize("endpoint", [CHAT, EMBEDDINGS])
@pytest.mark.parametrize("text", [b"", b"[]", b"{}", b'{"model":""}', b'{"model":1,"input":"x"}'])
def test_what_cannot_be_read_is_an_invalid_body(endpoint, text):
    with pytest.raises(Refusal) as caught:
        read_call(endpoint, text)
    assert caught.value.code == "invalid_body"


def test_what_has_no_codec_is_served_by_its_own_dialect_only():
    with pytest.raises(Refusal) as caught:
        read_call(EMBEDDINGS, b'{"model":"m","input":"x"}').request()
    assert caught.value.code == "unsupported_endpoint"
