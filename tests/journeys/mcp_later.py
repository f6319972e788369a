"""A real MCP server, on the official SDK, that speaks up after its answer, on its session's own stream.

`python mcp_later.py PORT` serves it on http://127.0.0.1:PORT/mcp; the tool `answered` says what it was answered.
"""

import asyncio
import sys
import warnings

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from mcp.types import ElicitResult

server = MCPServer("later")
kept: list[asyncio.Task[None]] = []
answers: list[ElicitResult] = []
SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}}


@server.tool()
async def later(context: Context) -> str:
    """Say something, and ask, when this call is long over."""
    session = context.session

    async def say() -> None:
        await asyncio.sleep(0.2)
        await session.send_log_message("error", "said later")
        answers.append(await session.elicit_form("Who?", SCHEMA))

    kept.append(asyncio.create_task(say()))
    return "soon"


@server.tool()
async def answered() -> str:
    """What came back."""
    await asyncio.wait_for(kept[-1], 20)
    return f"{answers[-1].action} {answers[-1].content}"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    uvicorn.run(server.streamable_http_app(), host="127.0.0.1", port=int(sys.argv[1]), log_level="error")
