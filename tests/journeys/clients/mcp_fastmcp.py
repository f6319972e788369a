"""FastMCP's client: does the plan on its standard input, prints what it saw."""

import asyncio
import json
import sys

from fastmcp import Client
from fastmcp.client.transports import StreamableHttpTransport
from mcp.shared.exceptions import MCPError


async def main() -> None:
    """List, call, follow, cancel."""
    plan = json.load(sys.stdin)
    told = {"tools": [], "answers": {}, "progress": [], "cancelled": False}
    transport = StreamableHttpTransport(plan["url"], headers=plan["headers"])
    async with Client(transport, mode=sys.argv[1]) as client:
        told["tools"] = [tool.name for tool in await client.list_tools()]
        for asked in plan["calls"]:
            try:
                answer = await client.call_tool_mcp(asked["tool"], asked["arguments"])
            except MCPError as error:
                told["answers"][asked["id"]] = {"code": error.error.code}
                continue
            content = [block.model_dump(mode="json", by_alias=True, exclude_none=True) for block in answer.content]
            told["answers"][asked["id"]] = {"content": content, "error": bool(answer.is_error)}

        async def step(done, total, message):
            told["progress"].append(done)

        await client.call_tool(plan["stream"]["tool"], plan["stream"]["arguments"], progress_handler=step)
        begun = asyncio.Event()

        async def first(done, total, message):
            begun.set()

        cancel = plan["cancel"]
        call = asyncio.ensure_future(client.call_tool(cancel["tool"], cancel["arguments"], progress_handler=first))
        await asyncio.wait_for(begun.wait(), 20)
        call.cancel()
        await asyncio.wait([call])
        told["cancelled"] = call.cancelled()
    print(json.dumps(told))


asyncio.run(main())
