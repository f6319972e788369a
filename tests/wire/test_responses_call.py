"""A cheap look at a Responses request, and its model renamed in place."""

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.responses_call import edit_call, read_call, whole_usage

TEXT = b'{ "input": "hi", "model":"m", "stream": true, "max_output_tokens": 9, "user": "u" }'


def test_a_look_brings_what_the_gateway_needs():
    call = read_call(TEXT)
    assert (call.model, call.stream, call.include_usage, call.n, call.max_tokens) == ("m", True, True, 1, 9)
    assert call.end_user == "u"
    assert read_call(b'{"model":"m","safety_identifier":"s","stream":null}').end_user == "s"


def test_only_the_model_changes():
    call = read_call(TEXT)
    assert edit_call(call, model="m", include_usage=True) is TEXT
    assert edit_call(call, model="vendor") == TEXT.replace(b'"m"', b'"vendor"')


@pytest.mark.parametrize(
    ("text", "param"),
    [
        (b'{"input":"hi"}', "model"),
        (b'{"model":""}', "model"),
        (b'{"model":"m","stream":"yes"}', "stream"),
        (b'{"model":"m","max_output_tokens":-1}', "max_output_tokens"),
        (b'{"model":"m","max_output_tokens":"9"}', "max_output_tokens"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(text: bytes, param: str):
    with pytest.raises(Refusal) as refused:
        read_call(text)
    assert (refused.value.code, refused.value.payload["param"]) == ("invalid_body", param)


def test_usage_of_a_whole_reply():
    usage = whole_usage(b'{"usage":{"input_tokens":3,"output_tokens":1}}')
    assert usage is not None
    assert usage.total == 4
    assert whole_usage(b"<html>") is None
