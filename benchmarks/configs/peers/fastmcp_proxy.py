"""FastMCP as a proxy with one bearer token: by default a fresh upstream client a call; `shared` keeps one for all."""

import asyncio
import sys

from fastmcp import Client
from fastmcp.server import create_proxy
from fastmcp.server.auth import StaticTokenVerifier

UPSTREAM, PORT, KEY, SHARED = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4:] == ["shared"]


async def main() -> None:
    """Serve until stopped."""
    guard = StaticTokenVerifier(tokens={KEY: {"client_id": "alice", "scopes": []}})
    if not SHARED:
        proxy = create_proxy(UPSTREAM, name="bench", auth=guard)
        await proxy.run_async(transport="http", host="127.0.0.1", port=PORT)
        return
    async with Client(UPSTREAM) as client:
        proxy = create_proxy(client, name="bench", auth=guard)
        await proxy.run_async(transport="http", host="127.0.0.1", port=PORT)


asyncio.run(main())
