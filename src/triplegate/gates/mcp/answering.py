"""What clients answer to questions, on its way to whoever asked: a server, or a call of ours on any node."""

import hashlib

from triplegate.core.ports import Kit
from triplegate.gates.mcp.call import McpCall
from triplegate.gates.mcp.line import post, session_at
from triplegate.gates.mcp.talking import BOX, KEPT
from triplegate.wire.json_members import set_members
from triplegate.wire.mcp_marks import Marks


class Answering:
    """Takes responses that clients in sessions post."""

    __slots__ = ("_kit", "_marks")

    def __init__(self, kit: Kit, marks: Marks) -> None:
        self._kit, self._marks = kit, marks

    def asker(self, call: McpCall) -> str:
        """The server that asked what is answered; empty where it was none."""
        assert call.session is not None
        assert call.env is not None
        found = self._marks.read_question(call.session.id, bytes(call.env.id))
        return "" if found is None else found[0]

    async def take(self, call: McpCall) -> None:
        """Hand it on, once; what answers no question that this session was asked goes nowhere.

        Raises Refusal upstream_*.
        """
        env, session, view = call.env, call.session, call.view
        assert env is not None
        assert session is not None
        assert view is not None
        found = self._marks.read_question(session.id, bytes(env.id))
        if found is None:
            return
        name, identity = found
        if not name:
            box = identity.partition(b".")[0].decode("ascii")
            await self._kit.mailbox.append(BOX + box, env.text, KEPT)
            return
        if not await self._kit.once.first(f"mcp:answered:{hashlib.sha256(env.id).hexdigest()}", KEPT):
            return
        for server in view.servers:
            upstream = session_at(server, session) if server.name == name else None
            if upstream is not None:
                await post(server, upstream, set_members(env.text, env.members, {"id": identity.partition(b".")[2]}))
