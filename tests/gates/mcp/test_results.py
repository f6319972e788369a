"""Results are held against their size and their tool's schema, whole and in streams."""

import json

import pytest
from tests.builders import make_exchange, make_kit

from triplegate.core.errors import Refusal
from triplegate.core.http import Frames, OneFrame, Reply
from triplegate.gates.mcp import results as module
from triplegate.gates.mcp.call import Item, McpCall, OwnItem
from triplegate.gates.mcp.results import Bounds, Results, screened
from triplegate.gates.mcp.schemas import Schemas

OUTPUT = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
CALL = McpCall("request", method="tools/call", id=b'"x"')


def item(kind="tool", **members):
    return Item(kind, "n", None, OwnItem("n", json.dumps({"name": "n"} | members).encode()), b"{}", b"", b"")


async def judge(bounds, raw, what=None):
    exchange = make_exchange()
    judged = await Results(Schemas(make_kit())).judged(exchange, what or item(outputSchema=OUTPUT), bounds, raw)
    return judged, exchange.decisions


@pytest.mark.parametrize(
    ("raw", "fault"),
    [
        (b'{"content":[],"structuredContent":{"n":1}}', ""),
        (b'{"content":[],"structuredContent":{"n":"1"}}', "/n"),
        (b'{"content":[],"structuredContent":{}}', '"n" is a required'),
        (b'{"content":[]}', "structuredContent is missing"),
        (b'{"content":[],"isError":true}', ""),
        (b'{"resultType":"input_required","inputRequests":{}}', ""),
        (b'{"resultType":"complete","content":[]}', "structuredContent is missing"),
    ],
)
async def test_a_result_is_held_against_its_tools_schema(raw, fault):
    if not fault:
        assert (await judge(Bounds(held="enforce"), raw)) == (raw, [])
        return
    with pytest.raises(Refusal, match="result_invalid") as caught:
        await judge(Bounds(held="enforce"), raw)
    assert fault in caught.value.detail
    assert fault not in caught.value.reason
    assert await judge(Bounds(held="observe"), raw) == (raw, [("result", "would refuse", "result_invalid")])
    assert await judge(Bounds(), raw) == (raw, [])
    assert await judge(Bounds(held="enforce"), raw, item()) == (raw, [])
    assert await judge(Bounds(held="enforce"), raw, item("prompt", outputSchema=OUTPUT)) == (raw, [])


async def test_a_large_result_is_cut_or_refused():
    raw = json.dumps({"content": [{"type": "text", "text": "x" * 5000}]}).encode()
    cut, _ = await judge(Bounds(2048), raw, item())
    assert len(cut) <= 2048
    assert (await judge(Bounds(8192), raw, item()))[0] is raw
    for bounds, what in ((Bounds(2048, "refuse"), item()), (Bounds(2048), item("resource"))):
        with pytest.raises(Refusal, match="result_too_large"):
            await judge(bounds, raw, what)


class Pieces(Frames):
    """Chunks, and perhaps a failure behind them."""

    def __init__(self, *chunks, fails=False):
        self._chunks, self._fails, self.done, self.closed = list(chunks), fails, False, False

    async def __anext__(self):
        if not self._chunks:
            if self._fails:
                raise Refusal("upstream_reset")
            raise StopAsyncIteration
        chunk = self._chunks.pop(0)
        self.done = not self._chunks and not self._fails
        return chunk

    def close(self):
        self.closed = True


async def upper(result):
    if b"bad" in result:
        raise Refusal("result_invalid", "It does not fit.")
    return result if b"same" in result else result.upper()


async def text_of(reply):
    return b"".join([frame async for frame in reply.frames])


async def test_a_whole_answer_is_judged_before_anything_is_sent():
    frames = Pieces(b'{"jsonrpc":"2.0","id":"x",', b'"result":{"a":1},"more":1.50}')
    reply = await screened(Reply(200, [], frames), CALL, upper)
    assert await text_of(reply) == b'{"jsonrpc":"2.0","id":"x","result":{"A":1},"more":1.50}'
    assert frames.closed
    with pytest.raises(Refusal, match="result_invalid"):
        await screened(Reply(200, [], OneFrame(b'{"jsonrpc":"2.0","id":"x","result":{"bad":1}}')), CALL, upper)


@pytest.mark.parametrize(
    "text",
    [
        b'{"jsonrpc":"2.0","id":"x","result":{"same":1}}',
        b'{"jsonrpc":"2.0","id":"x","error":{"code":1,"message":"bad"}}',
    ],
)
async def test_what_is_not_changed_stays_byte_for_byte(text):
    assert await text_of(await screened(Reply(200, [], OneFrame(text)), CALL, upper)) == text


@pytest.mark.parametrize("text", [b"{nonsense", b"[]", b'{"jsonrpc":"2.0","id":1,"result":{"a":1},"result":{"a":1}}'])
async def test_what_cannot_be_read_does_not_pass(text):
    with pytest.raises(Refusal, match="upstream_malformed"):
        await screened(Reply(200, [], OneFrame(text)), CALL, upper)


async def test_an_answer_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "LARGEST", 100)
    frames = Pieces(*[b"x" * 60] * 5)
    with pytest.raises(Refusal, match="result_too_large"):
        await screened(Reply(200, [], frames), CALL, upper)
    assert frames.closed


async def test_in_a_stream_all_else_passes_and_the_result_is_judged():
    note = b'event: message\ndata: {"jsonrpc":"2.0","method":"notifications/x","params":{"result":1}}\n\n'
    answer = b'id: 7\nevent: message\ndata: {"jsonrpc":"2.0","id":"x","result":{"a":1}}\n\n'
    pieces = Pieces(b": open\n\n", note, answer[:30], answer[30:])
    reply = await screened(Reply(200, [(b"a", b"b")], pieces, form="events"), CALL, upper)
    assert (reply.form, reply.headers) == ("events", [(b"a", b"b")])
    assert await text_of(reply) == b": open\n\n" + note + answer.replace(b'{"a":1}', b'{"A":1}')


async def test_in_a_stream_a_result_that_does_not_pass_is_the_calls_error():
    bad = b'data: {"jsonrpc":"2.0","id":"x","result":{"bad":1}}\n\n'
    pieces = Pieces(bad, b": behind it\n\n")
    reply = await screened(Reply(200, [], pieces, form="events"), CALL, upper)
    text = await text_of(reply)
    said = json.loads(text.removeprefix(b"event: message\ndata: "))
    assert (said["id"], said["error"]["message"], "result" in said) == ("x", "It does not fit.", False)
    assert reply.frames.answered
    assert pieces.closed


async def test_a_stream_that_breaks_off_breaks_off():
    reply = await screened(Reply(200, [], Pieces(b": a\n\n", fails=True), form="events"), CALL, upper)
    with pytest.raises(Refusal, match="upstream_reset"):
        await text_of(reply)
    reply.frames.close()
    assert reply.frames.ready
