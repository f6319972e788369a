"""Lines of a batch: each call's model on the way in, each answer's usage on the way out."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triplegate.core.errors import Refusal
from triplegate.wire.batch_file import CallLines, Lines, read_answer


def none(model):
    return False


def call(model="gpt", **more):
    return json.dumps({"custom_id": "1", "url": "/v1/chat/completions", "body": {"model": model}, **more}).encode()


@given(st.lists(st.binary(max_size=9).map(lambda line: line.replace(b"\n", b"")), max_size=9), st.data())
def test_however_it_comes_the_lines_are_the_same(lines, data):
    text, lines_seen, cutter = b"\n".join(lines), [], Lines()
    while text:
        size = data.draw(st.integers(1, len(text)))
        lines_seen += cutter.feed(text[:size])
        text = text[size:]
    assert [*lines_seen, cutter.rest()] == (lines or [b""])


def test_a_line_is_bounded():
    lines = Lines(most=4)
    assert list(lines.feed(b"1234\n12")) == [b"1234"]
    with pytest.raises(Refusal, match="more than 4 bytes"):
        list(lines.feed(b"345"))


def test_calls_for_models_that_may_be_used_pass_whatever_ends_the_last_line():
    for end in (b"", b"\n", b"\r\n\n"):
        looked = CallLines({"gpt", "embed"}.__contains__, none)
        looked.feed(call() + b"\r\n" + call("embed") + end)
        looked.finish()


@pytest.mark.parametrize(
    ("line", "code", "words"),
    [
        (call("other"), "model_not_found", "Line 3 of the file asks for the model 'other'"),
        (b'{"body":{"model":"gpt","model":"other"}}', "invalid_body", "Line 3"),
        (b'{"body":{"model":"gpt"},"body":{"model":"other"}}', "invalid_body", "Line 3"),
        (b'{"body":{"mod\\u0065l":"other"}}', "model_not_found", "'other'"),
        (b'{"body":{}}', "invalid_body", "names no model"),
        (b'{"body":{"model":7}}', "invalid_body", "no call of a batch"),
        (b"[]", "invalid_body", "no call of a batch"),
        (b"\xef\xbb\xbf{}", "invalid_body", "no call of a batch"),
    ],
)
def test_what_may_not_be_used_or_cannot_be_read_is_refused_with_its_line(line, code, words):
    looked = CallLines({"gpt"}.__contains__, none)
    with pytest.raises(Refusal, match=words) as caught:
        looked.feed(call() + b"\n\n" + line + b"\n")
    assert caught.value.code == code


def test_an_answer_tells_its_model_and_kind():
    body = {"object": "chat.completion", "model": "gpt-1", "usage": {"prompt_tokens": 3}}
    line = json.dumps({"custom_id": "1", "response": {"status_code": 200, "body": body}, "error": None}).encode()
    model, kind, text = read_answer(line)
    assert (model, kind, json.loads(text)) == ("gpt-1", "chat.completion", body)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        call(),
        b'{"response":{"status_code":400,"body":{"model":"m","error":{}}}}',
        b'{"response":{"status_code":200,"body":null}}',
        b'{"response":{"status_code":200,"body":{"object":"list"}}}',
        b'{"response":null,"error":{"code":"x"}}',
    ],
)
def test_what_is_no_answer_used_nothing(line):
    assert read_answer(line) is None


SERVER = {"type": "mcp", "server_label": "x", "server_url": "https://mcp.example.com"}


@pytest.mark.parametrize(
    "more",
    [{"tools": [SERVER]}, {"tools": [{"type": "group", "tools": [SERVER]}]}, {"mcp_servers": [{"url": "http://a"}]}],
)
def test_servers_of_clients_are_refused_with_their_line_unless_they_are_left_to_the_provider(more):
    line = json.dumps({"body": {"model": "gpt", **more}}).encode()
    looked = CallLines({"gpt"}.__contains__, none)
    with pytest.raises(Refusal, match=r"in batches \(line 2 of the file\)") as caught:
        looked.feed(call() + b"\n" + line + b"\n")
    assert (caught.value.code, caught.value.payload) == ("mcp_server_unknown", {"param": "tools"})
    looked = CallLines({"gpt"}.__contains__, {"gpt"}.__contains__)
    looked.feed(call(tools=[]) + b"\n" + line + b"\n")
