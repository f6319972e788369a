"""Commands for tests: the sample server as a StdioServer, and messages to it."""

import asyncio
import os
import sys
from pathlib import Path

import msgspec

from triplegate.core.policy import Dispatch
from triplegate.upstreams.peers import Terms
from triplegate.upstreams.stdio import StdioServer
from triplegate.upstreams.stdio_program import Command
from triplegate.upstreams.stdio_reaper import Reaper

SAMPLE = str(Path(__file__).with_name("stdio_sample.py"))
DISPATCH = Dispatch(first_byte=10.0, idle=10.0, total=20.0)


def argv(era="legacy", *how):
    return (sys.executable, "-I", "-S", SAMPLE, era, *how)


def command(era="legacy", *how, environment=None, longest=16 << 20):
    return Command("sample", argv(era, *how), environment or {}, None, longest)


def server(era="legacy", *how, reaper=None, environment=None, longest=16 << 20, **terms):
    return StdioServer(command(era, *how, environment=environment, longest=longest), Terms(**terms), reaper or Reaper())


def message(method, params=None, identity=1):
    body = {"jsonrpc": "2.0", "method": method, "params": params or {}}
    return msgspec.json.encode(body if identity is None else {**body, "id": identity})


def tool(name, identity=1, meta=None, **arguments):
    params = {"name": name, "arguments": arguments}
    return message("tools/call", params if meta is None else {**params, "_meta": meta}, identity)


async def send(server, body, *, owner="", session=b"", method="POST", dispatch=DISPATCH):
    headers = [(b"mcp-session-id", session)] if session else []
    return await server.send(method, headers, body, dispatch, None, owner)


async def whole(reply):
    """All of a reply's body."""
    return b"".join([piece async for piece in reply.frames])


async def told(server, body, **more):
    """The JSON answer to a message."""
    return msgspec.json.decode(await whole(await send(server, body, **more)))


def text(answer):
    return answer["result"]["content"][0]["text"]


async def greet(server, owner=""):
    """Open a session; its id."""
    params = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    reply = await send(server, message("initialize", params), owner=owner)
    await whole(reply)
    session = dict(reply.headers)[b"mcp-session-id"]
    await send(server, message("notifications/initialized", identity=None), session=session)
    return session


async def until(true, within=10.0):
    """Wait for something that happens outside of this process."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.01)


def runs(pid):
    """Whether a process is there, and no zombie."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
