"""One attempt's answer on its way: what is no answer to this call never reaches the client as one."""

import pytest
from tests.builders import make_exchange

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.http import Frames, OneFrame, Reply
from triplegate.gates.mcp import answers as module
from triplegate.gates.mcp.answers import Answer
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.line import Line
from triplegate.gates.mcp.server import UpstreamSession

JSON = [(b"content-type", b"application/json; charset=utf-8")]


async def answered(content, *, era="modern", ours=None, status=200, headers=JSON):
    attempt = make_exchange().attempt(Target("server", "s"))
    line = None if ours is None else Line(None, UpstreamSession(b"s", "2025-11-25"), ours, None, None, None)
    answer = Answer(McpCall("request", era, "tools/call", b'"mine"'), attempt, line)
    frames = content if isinstance(content, Frames) else OneFrame(content)
    reply = await answer.reply(Reply(status, list(headers), frames))
    return reply.status, b"".join([frame async for frame in reply.frames]), attempt.error_class


@pytest.mark.parametrize(
    ("content", "era", "ours", "status", "code"),
    [
        (b'{"jsonrpc":"2.0","id":8,"result":{}}', "legacy", 7, 200, "upstream_malformed"),
        (b'{"jsonrpc":"2.0","id":"7","result":{}}', "legacy", 7, 200, "upstream_malformed"),
        (b'{"jsonrpc":"2.0","id":70,"result":{}}', "legacy", 7, 200, "upstream_malformed"),
        (b'{"jsonrpc":"2.0","id":7,"method":"x"}', "modern", 7, 200, "upstream_malformed"),
        (b'{"jsonrpc":"2.0","id":7,"result":{"a":1,"a":2},"id":7}', "modern", 7, 200, "upstream_malformed"),
        (b"[]", "modern", None, 200, "upstream_malformed"),
        (b'{"jsonrpc":"2.0","id":7,"result":{"a":1,"a":2}}', "modern", 7, 200, "upstream_malformed"),
        (b'{"jsonrpc":"2.0","id":7,"result":7}', "modern", 7, 200, "upstream_malformed"),
        (b'{"jsonrpc":"2.0","id":"mine","result":7}', "legacy", None, 200, "upstream_malformed"),
        (b'{"jsonrpc":"2.0","id":"mine","result":{', "modern", None, 200, "upstream_malformed"),
        (b'{"jsonrpc":"2.0","id":"other","result":{}}', "modern", None, 200, "upstream_malformed"),
        (b"", "modern", None, 200, "upstream_malformed"),
        (b"", "modern", None, 503, "upstream_failed"),
        (b"{}", "modern", None, 404, "upstream_failed"),
    ],
)
async def test_another_calls_answer_or_none_is_refused(content, era, ours, status, code):
    with pytest.raises(Refusal, match=code):
        await answered(content, era=era, ours=ours, status=status)


async def test_an_id_in_an_unusual_place_or_spelling_is_found():
    for text in (
        b'{"result":{"a":1.50},"id":7,"jsonrpc":"2.0"}',
        b'{ "jsonrpc" : "2.0", "id" : 7, "result":{"a":1.50} }',
    ):
        status, content, _ = await answered(text, era="legacy", ours=7)
        assert status == 200
        assert content == text.replace(b"7", b'"mine"', 1)


async def test_a_modern_error_keeps_its_status_for_a_modern_client_and_is_200_in_a_session():
    text = b'{"jsonrpc":"2.0","id":"mine","error":{"code":-32602,"message":"no"}}'
    assert await answered(text, status=400) == (400, text, "rpc_error")
    assert await answered(text, status=400, era="legacy") == (200, text, "rpc_error")


@pytest.mark.parametrize(
    ("result", "error_class"),
    [
        (b'{"content":[],"isError":true}', "tool_error"),
        (b'{"content":[],"isError": true }', "tool_error"),
        (b'{"content":[],"isError":false}', ""),
        (b'{"structuredContent":{"isError":true}}', ""),
        (b'{"content":[{"type":"text","text":"\\"isError\\":true"}]}', ""),
    ],
)
async def test_a_failed_tool_is_noted(result, error_class):
    for identity, ours in ((b'"mine"', None), (b"7", 7)):
        text = b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (identity, result)
        assert (await answered(text, ours=ours))[2] == error_class


async def test_compressed_answers_were_not_asked_for():
    with pytest.raises(Refusal, match="upstream_malformed"):
        await answered(b"x", headers=[*JSON, (b"content-encoding", b"gzip")])


async def test_a_large_answer_with_its_id_behind_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "_GATHERED", 100)
    text = b'{"result":{"a":"%b"},"jsonrpc":"2.0","id":7}' % (b"x" * 500)
    _, content, _ = await answered(text, ours=7)
    assert content.endswith(b'"id":"mine"}')


@pytest.mark.parametrize(("era", "ours", "identity"), [("modern", None, b'"mine"'), ("legacy", 7, b"7")])
async def test_what_is_long_passes_without_being_read(era, ours, identity):
    text = b'{"jsonrpc":"2.0","id":%b,"result":{"a":"%b","isError":true}}'
    status, content, error_class = await answered(text % (identity, b"x" * 70_000), era=era, ours=ours)
    assert (status, error_class) == (200, "tool_error")
    assert content == text % (b'"mine"', b"x" * 70_000)


@pytest.mark.parametrize(("era", "ours"), [("legacy", 7), ("modern", None)])
@pytest.mark.parametrize(
    "rest",
    [
        b'"result":{}',
        b'"result":{"content":[{"type":"text","text":"} , {\\"id\\":1}"}],"isError":false}',
        b'"result":{ "a" : [1, {"id": 2}] , "_meta":{"x":null} } ',
        b'"result":{"\xc3\xa9":"\xe2\x80\xa8"}',
    ],
)
async def test_a_result_passes_to_the_byte(era, ours, rest):
    text = b'{"jsonrpc":"2.0","id":%b,%b}'
    identity = b'"mine"' if ours is None else b"%d" % ours
    status, content, error_class = await answered(text % (identity, rest), era=era, ours=ours)
    assert (status, content, error_class) == (200, text % (b'"mine"', rest), "")


@pytest.mark.parametrize("identity", [b"7", b'"mine"'])
@pytest.mark.parametrize(
    "rest",
    [
        b'"result":{},"result":{}',
        b'"result":{},"id":8',
        b'"result":{},"error":{"code":1,"message":""}',
        b'"result":{}}',
        b'"result":{',
        b'"result":{"a":NaN}',
        b'"result":{"a":1},',
        b'"result":{},"method":"x"',
    ],
)
async def test_what_only_begins_like_a_result_is_refused(identity, rest):
    era, ours = ("legacy", 7) if identity == b"7" else ("modern", None)
    with pytest.raises(Refusal, match="upstream_malformed"):
        await answered(b'{"jsonrpc":"2.0","id":%b,%b}' % (identity, rest), era=era, ours=ours)


LINK = b'"inputRequests":{"a":{"params":{"url":"%b"}}}'


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_a_large_answer_leads_no_user_astray(monkeypatch, era):
    monkeypatch.setattr(module, "_GATHERED", 100)
    monkeypatch.setattr(module, "_CHECKED", 100)
    ours = None if era == "modern" else 7
    identity = b'"mine"' if era == "modern" else b"7"
    for asks in (b'"resultType":"input_required"', b'"resultTyp\\u0065":"input_requir\\u0065d"'):
        text = b'{"jsonrpc":"2.0","id":%b,"result":{"a":"%b",%b,%b}}' % (identity, b"x" * 500, asks, LINK)
        with pytest.raises(Refusal, match="upstream_malformed"):
            await answered(text % b"javascript:x", era=era, ours=ours)
        _, content, _ = await answered(text % b"https://example.com", era=era, ours=ours)
        assert content == (text % b"https://example.com").replace(identity, b'"mine"', 1)
        _, content, _ = await answered(Cut(text % b"https://example.com", -1), era=era, ours=ours)
        assert content.endswith(b"}}")
        with pytest.raises(Refusal, match="upstream_malformed"):
            await answered(Cut(text % b"javascript:x", -1), era=era, ours=ours)
        with pytest.raises(Refusal, match="upstream_malformed"):  # what has begun to be told cannot be read whole
            await answered(Cut(text % b"https://example.com", 400), era=era, ours=ours)


class Cut(Frames):
    """A body in two pieces."""

    def __init__(self, text, at):
        self.pieces, self.done = [text[:at], text[at:]], False

    async def __anext__(self):
        if not self.pieces:
            raise StopAsyncIteration
        return self.pieces.pop(0)

    def close(self):
        self.pieces.clear()


async def test_an_id_may_come_back_in_another_spelling():
    status, content, _ = await answered(b'{"jsonrpc":"2.0","id":"\\u006dine","result":{}}')
    assert (status, content) == (200, b'{"jsonrpc":"2.0","id":"mine","result":{}}')
