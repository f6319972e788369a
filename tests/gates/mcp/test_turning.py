"""An upstream's stream as it reaches the client: nothing that is not its own, nothing it cannot understand."""

import msgspec
import pytest
from tests.builders import make_exchange
from tests.gates.mcp.session_client import CAN

from triplegate.core.catalog import Target
from triplegate.core.errors import Refusal
from triplegate.core.http import OneFrame, Reply
from triplegate.gates.mcp.answers import Answer
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.line import Line
from triplegate.gates.mcp.server import UpstreamSession
from triplegate.gates.mcp.sessions import ClientSession
from triplegate.wire.json_members import encode
from triplegate.wire.mcp_marks import Marks
from triplegate.wire.sse import SseReader, write_event

EVENTS = [(b"content-type", b"text/event-stream")]
RESULT = {"jsonrpc": "2.0", "id": "mine", "result": {}}
ASKED = {"jsonrpc": "2.0", "id": "q", "method": "elicitation/create", "params": {}}


class Tasks:
    def __init__(self):
        self.names = []

    def spawn(self, work, name):
        work.close()
        self.names.append(name)


def message(method, **params):
    return {"jsonrpc": "2.0", "method": f"notifications/{method}", "params": params}


async def turned(*messages, era="modern", line=None, meta=None, session=None, tell=None):
    attempt = make_exchange().attempt(Target("server", "s"))
    call = McpCall("request", era, "tools/call", b'"mine"', meta=meta or {}, session=session)
    stream = b"".join([write_event(encode(one)) for one in messages])
    reply = await Answer(call, attempt, line, None, tell).reply(Reply(200, EVENTS, OneFrame(stream)))
    text = b"".join([frame async for frame in reply.frames])
    return [msgspec.json.decode(event.data) for event in SseReader().feed(text)]


def line_of(tasks, session=None):
    server = type("S", (), {"name": "a", "send": None})
    return Line(server, UpstreamSession(b"u", "2025-11-25"), 7, session, Marks(b"pepper"), tasks)


async def test_between_modern_sides_no_other_calls_answer_passes_and_no_request():
    assert await turned(message("progress", progress=1), ASKED, RESULT) == [message("progress", progress=1), RESULT]
    with pytest.raises(Refusal, match="upstream_malformed"):
        await turned(RESULT | {"id": "other"})


async def test_a_modern_clients_sessions_server_is_answered_in_its_place():
    tasks = Tasks()
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    got = await turned(ping, ASKED, RESULT | {"id": 7}, line=line_of(tasks))
    assert [one["id"] for one in got] == ["mine"]
    assert tasks.names == ["respond", "respond"]


async def test_progress_comes_back_with_the_clients_own_token():
    meta = {"progressToken": msgspec.Raw(b'"tok"')}
    got = await turned(
        message("progress", progressToken=7, progress=1), RESULT | {"id": 7}, line=line_of(Tasks()), meta=meta
    )
    assert got[0]["params"] == {"progressToken": "tok", "progress": 1}


async def test_logs_are_for_those_who_asked_for_them():
    logs = [message("message", level=level, data="x") for level in ("debug", "warning", "odd")]
    assert await turned(*logs, RESULT | {"id": 7}, line=line_of(Tasks())) != logs
    meta = {"io.modelcontextprotocol/logLevel": msgspec.Raw(b'"info"')}
    got = await turned(*logs, RESULT | {"id": 7}, line=line_of(Tasks()), meta=meta)
    assert [one["params"]["level"] for one in got[:-1]] == ["warning", "odd"]
    session = ClientSession("s1", "2025-11-25", b"", {}, encode(CAN), "error")
    got = await turned(*logs, RESULT, era="legacy", session=session)
    assert [one["params"]["level"] for one in got[:-1]] == ["odd"]


async def test_what_is_for_everybody_is_told_to_whoever_listens():
    told = []
    changed, updated = message("tools/list_changed"), message("resources/updated", uri="mem://a")
    got = await turned(
        changed, updated, RESULT | {"id": 7}, line=line_of(Tasks()), tell=lambda *what: told.append(what[1:])
    )
    assert (len(got), told) == (1, [("tools", ""), (None, "mem://a")])
    session = ClientSession("s1", "2025-11-25", b"", {}, encode(CAN))
    got = await turned(
        changed,
        updated,
        RESULT | {"id": 7},
        era="legacy",
        line=line_of(Tasks(), session),
        tell=lambda *_: None,
        session=session,
    )
    assert [one.get("method") for one in got] == ["notifications/tools/list_changed", None]


@pytest.mark.parametrize("screened", [False, True])
async def test_the_rest_of_a_stream_is_not_offered_past_what_looks_at_results(screened):
    session = ClientSession("s1", "2025-11-25", b"", {}, encode(CAN))
    call = McpCall("request", "legacy", "tools/call", b'"mine"', session=session)
    answer = Answer(call, make_exchange().attempt(Target("server", "s")), line_of(Tasks(), session))
    answer.screened = screened
    stream = write_event(encode(message("progress", progress=1)), "message", b"e1")
    stream += write_event(encode(RESULT | {"id": 7}), "message", b"e2")
    reply = await answer.reply(Reply(200, EVENTS, OneFrame(stream)))
    text = b"".join([frame async for frame in reply.frames])
    assert (b"id: " in text) is not screened
