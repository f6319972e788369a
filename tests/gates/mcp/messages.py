"""Messages of both eras as httpx takes them."""

import asyncio
import contextlib
from collections.abc import Mapping

MODERN = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
}


def modern(method, params=None, *, identity=7, headers: Mapping[str, str | None] | None = None):
    """A request of 2026-07-28 as httpx takes it; a header of None is left out."""
    params = params or {}
    sent = {"mcp-protocol-version": MODERN, "mcp-method": method}
    named = params.get("uri" if method == "resources/read" else "name")
    if isinstance(named, str):
        sent["mcp-name"] = named
    sent |= headers or {}
    body = {"jsonrpc": "2.0", "id": identity, "method": method, "params": {"_meta": META, **params}}
    return {"json": body, "headers": {name: value for name, value in sent.items() if value is not None}}


def legacy(method, params=None, *, session=None, identity=7, version="2025-11-25"):
    """A request within a session as httpx takes it."""
    headers = {"mcp-session-id": session} if session else {}
    if version:
        headers["mcp-protocol-version"] = version
    body = {"jsonrpc": "2.0", "id": identity, "method": method}
    if params is not None:
        body["params"] = params
    return {"json": body, "headers": headers}


async def initialize(client, url, version="2025-11-25"):
    """Open a session; its id."""
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    answer = await client.post(url, **legacy("initialize", params, version=None))
    assert answer.status_code == 200, answer.text
    return answer.headers["mcp-session-id"]


def bearer(key):
    return {"authorization": f"Bearer {key}"}


async def raw(url: str, sent: bytes, until: bytes) -> bytes:
    """Send bytes to a gateway and read until something comes; at most 5 s."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    try:
        writer.write(sent)
        return await asyncio.wait_for(reader.readuntil(until), 5)
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@contextlib.asynccontextmanager
async def official(url: str, key: str, mode: str = "auto"):
    """The official client with a key, connected."""
    from mcp import Client
    from mcp.client.streamable_http import streamable_http_client
    from mcp.shared._httpx_utils import create_mcp_http_client

    async with create_mcp_http_client({"authorization": f"Bearer {key}"}) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode=mode, read_timeout_seconds=10) as client:
            yield client
