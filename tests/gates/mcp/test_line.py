"""What goes back to a server besides the call, and the session that is found again."""

import asyncio
from types import SimpleNamespace

from tests.gates.mcp.session_client import CAN

from triplegate.core.errors import Refusal
from triplegate.gates.mcp.line import Line, session_at
from triplegate.gates.mcp.server import ServerState, UpstreamSession
from triplegate.gates.mcp.sessions import ClientSession
from triplegate.wire.json_members import encode
from triplegate.wire.mcp_marks import Marks, Place

MARKS = Marks(b"pepper")


class Full:
    def spawn(self, work, name):
        work.close()
        raise Refusal("overloaded")


def client(**upstream):
    return ClientSession("s1", "2025-11-25", b"", upstream, encode(CAN))


def test_too_much_going_on_is_no_failure_of_the_call():
    line = Line(None, UpstreamSession(b"u", "2025-11-25"), 7, client(), MARKS, Full())
    line.cut()
    line.respond(b"{}")


def test_ids_lead_back_to_the_line():
    line = Line(SimpleNamespace(name="a"), UpstreamSession(b"u", "2025-11-25"), 7, client(), MARKS, None)
    once, again = (MARKS.read_question("s1", line.question(b'"q"')) for _ in range(2))
    assert once is not None
    assert again is not None
    assert once != again  # a server may call two questions the same
    assert [(name, asked.partition(b".")[2]) for name, asked in (once, again)] == [("a", b'"q"')] * 2
    assert MARKS.read_event("s1", line.event(b'"mine"', b"e1")) == Place("a", 7, b'"mine"', b"e1")


async def test_a_stream_is_taken_up_again_by_its_last_event():
    sent = []

    async def send(headers, body, dispatch, deadline, method):
        sent.append((dict(headers), body, method))

    line = Line(SimpleNamespace(send=send), UpstreamSession(b"u", "2025-11-25"), 7, None, MARKS, None)
    async with asyncio.timeout(5):
        await line.resume(b"e1", 0.0, None, None)
    headers, body, method = sent[0]
    assert (headers[b"last-event-id"], headers[b"mcp-session-id"], body, method) == (b"e1", b"u", b"", "GET")


def test_the_session_that_any_node_opened_last_is_the_one():
    server = SimpleNamespace(name="a", state=ServerState())
    assert session_at(server, client()) is None
    ours = UpstreamSession(b"u1", "2025-11-25")
    server.state.keep("s:s1", ours)
    assert session_at(server, client()) is ours
    assert session_at(server, client(a=b"2025-11-25 u1")) is ours
    other = session_at(server, client(a=b"2025-06-18 u2"))
    assert (other.id, other.version) == (b"u2", "2025-06-18")
