"""Results of tools as a model reads them, and failures as a client does."""

import json

import pytest

from triplegate.core.errors import Refusal
from triplegate.wire.mcp_results import question, read_response, refused, told, write_request


def result(**said):
    return told(read_response(json.dumps({"jsonrpc": "2.0", "id": 1, "result": said}).encode()))


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        ([{"type": "resource", "resource": {"uri": "file:///a", "text": "c"}}], "c"),
        ([{"type": "resource", "resource": {"uri": "file:///a", "blob": "AA=="}}], "[file:///a]"),
        ([{"type": "resource_link", "uri": "file:///b", "name": "b"}], "[file:///b]"),
        ([{"type": "image", "mimeType": "image/png", "data": "AAAA"}], "[image image/png, 58 bytes]"),
        ([{}], "[something , 2 bytes]"),
    ],
)
def test_a_result_is_its_text(content, text):
    assert (result(content=content).text, result(content=content).error) == (text, None)


def test_what_is_for_programs_only_is_told_as_it_is():
    assert result(structuredContent={"a": 1}).text == '{"a": 1}'
    assert result(content=[{"type": "text", "text": "x"}], structuredContent={"a": 1}).text == "x"


def test_failures_say_what_failed():
    failed = result(content=[{"type": "text", "text": "no"}], isError=True)
    assert (failed.text, failed.error["type"]) == ("no", "mcp_tool_execution_error")
    assert result(isError=True).text == "The tool failed."
    error = told(read_response(b'{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"bad"}}'))
    assert error.error == {"type": "mcp_protocol_error", "code": -32602, "message": "bad"}
    assert told(read_response(b'{"error":{}}')).text == "The call failed."
    assert not error.asks
    assert told(read_response(b'{"error":{"code":-32021,"message":"needs a yes"}}')).asks
    assert "cannot be given" in result(resultType="input_required", inputRequests={}).text
    assert refused(Refusal("tool_not_found", "Unknown tool: x")).error["code"] == -32602
    assert refused(Refusal("overloaded")).text == "The gateway is at its limit"


def test_a_question_is_told_from_an_answer():
    asked = read_response(b'{"result":{"resultType":"input_required","inputRequests":{"k":{}},"requestState":"s"}}')
    found = question(asked)
    assert found is not None
    assert (list(found.inputRequests), found.requestState) == (["k"], "s")
    for other in (b'{"result":{"content":[]}}', b'{"error":{}}', b'{"result":7}'):
        assert question(read_response(other)) is None


@pytest.mark.parametrize("text", [b"", b"[]", b'{"result":{"content":1}}', b'{"result":{"content":[1]}}'])
def test_what_cannot_be_read_is_a_failure(text):
    with pytest.raises(Refusal, match="upstream_malformed"):
        told(read_response(text))


def test_a_request_is_json_rpc():
    assert json.loads(write_request("m", {"a": 1})) == {"jsonrpc": "2.0", "id": 1, "method": "m", "params": {"a": 1}}
