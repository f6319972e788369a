"""A client in a session, by raw HTTP: it sees every event, and answers what it is asked."""

import asyncio
import contextlib

import msgspec
from tests.gates.mcp.messages import legacy

CAN = {"elicitation": {}, "sampling": {}, "roots": {"listChanged": True}}


class SessionClient:
    """One session at a gateway, which may be spoken to at several addresses."""

    def __init__(self, http, url, identity, version):
        self.http, self.url, self.id, self.version = http, url, identity, version

    @classmethod
    async def open(cls, http, url, capabilities=CAN, version="2025-11-25"):
        params = {"protocolVersion": version, "capabilities": capabilities, "clientInfo": {"name": "t", "version": "1"}}
        answer = await http.post(url, **legacy("initialize", params, version=None))
        assert answer.status_code == 200, answer.text
        return cls(http, url, answer.headers["mcp-session-id"], version)

    @property
    def headers(self):
        return {"mcp-session-id": self.id, "mcp-protocol-version": self.version, "accept": "text/event-stream"}

    async def request(self, method, params=None, **more):
        """The JSON that comes back."""
        sent = legacy(method, params, session=self.id, version=self.version, **more)
        return (await self.http.post(self.url, **sent)).json()

    async def say(self, message, url=None):
        """A notification or an answer; the status."""
        return (await self.http.post(url or self.url, json=message, headers=self.headers)).status_code

    @contextlib.asynccontextmanager
    async def call(self, name, identity=7, **params):
        """The events of a tool call, as they come."""
        sent = legacy("tools/call", {"name": name, **params}, session=self.id, identity=identity, version=self.version)
        async with asyncio.timeout(30), self.http.stream("POST", self.url, **sent) as stream:
            yield Events(stream)

    @contextlib.asynccontextmanager
    async def listen(self, last=None, url=None):
        """The events of GET, as they come."""
        headers = self.headers | ({"last-event-id": last} if last else {})
        async with asyncio.timeout(30), self.http.stream("GET", url or self.url, headers=headers) as stream:
            yield Events(stream)


class Events:
    """Events one by one: (id, message); message is None for a priming event."""

    def __init__(self, stream):
        self.stream = stream
        self.status = stream.status_code
        self._lines = stream.aiter_lines()
        self.retry = None

    def __aiter__(self):
        return self

    async def __anext__(self):
        identity, data = None, None
        async for line in self._lines:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "id":
                identity = value
            elif name == "data":
                data = value
            elif name == "retry":
                self.retry = int(value)
            elif not line and (identity is not None or data is not None):
                return identity, msgspec.json.decode(data) if data else None
        raise StopAsyncIteration

    async def next(self, method=None):
        """The next message, of that method if one is named."""
        async for _, message in self:
            if message is not None and (method is None or message.get("method") == method):
                return message
        raise AssertionError("the stream has ended")
