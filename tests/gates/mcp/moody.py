"""An MCP server that does well, dies, hangs, fails or lies, as a test says at the moment."""

import asyncio

import msgspec
from tests.gates.mcp.offering import Offering

from triplegate.samples.http import Answer, Cut


class Moody(Offering):
    """`mode` is how it answers now: well, or dies, hangs, fails, lies, garbage, cuts, error, tool_error."""

    def __init__(self, era="modern", **offered):
        super().__init__(era, **({"tools": b'{"name":"t"}'} | offered))
        self.mode = "well"
        self.of = None
        """Methods that the mode is for; None: all."""
        self.go = asyncio.Event()
        """Lets those go on that hang."""

    async def __call__(self, request):
        usual = await super().__call__(request)
        told = usual.status != 204  # a message, not the end of a session or a wish to listen
        if self.mode == "well" or not told or (self.of is not None and self.methods[-1] not in self.of):
            return usual
        return await getattr(self, "_" + self.mode)(usual)

    def count(self, method):
        """How often it was asked that."""
        return self.methods.count(method)

    def answer(self, method, params):
        if method == "ping":
            return {}
        if method == "tools/call":
            return {"content": [], "resultType": "complete", "isError": self.mode == "tool_error"}
        return super().answer(method, params)

    async def _dies(self, usual):
        return Answer(_cut(b'{"jso'), content_type="application/json")

    async def _hangs(self, usual):
        await self.go.wait()
        return usual

    async def _fails(self, usual):
        return Answer(b"oh no", 500, "text/plain")

    async def _lies(self, usual):
        return Answer.json({"jsonrpc": "2.0", "id": 4711, "result": {}})

    async def _garbage(self, usual):
        return Answer(b"<html>", 200, "text/html")

    async def _cuts(self, usual):
        return Answer(_cut(b": begun\n\n"), content_type="text/event-stream")

    async def _error(self, usual):
        error = {"code": -32603, "message": "no"}
        identity = msgspec.json.decode(usual.body)["id"] if usual.body else None
        return Answer.json({"jsonrpc": "2.0", "id": identity, "error": error}, 500 if self.era == "modern" else 200)

    async def _tool_error(self, usual):
        return usual


async def _cut(beginning):
    yield beginning
    raise Cut
