"""A front with a real server behind it, in the test's own process, and clients that speak to it by bytes."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import h2.config
import h2.connection
import h2.events
from tests.servers.spawn import free_port

from triplegate.edge.front import Front
from triplegate.edge.front_terms import Terms
from triplegate.edge.listeners import Serving, claim_port, make_http2_server, make_server, wait_listening
from triplegate.upstreams.supervisor import TaskSupervisor


class Fronted:
    """What answers behind says what it knows of the connection; `/slow` waits for `go`, `/large` sends a megabyte."""

    def __init__(self, terms: Terms, port: int) -> None:
        self.terms, self.port = terms, port
        self.go, self.asked = asyncio.Event(), asyncio.Event()
        self.front = Front("127.0.0.1", port, terms, self._make)
        self.clients: list[Client] = []

    def _make(self, port: int, http2: bool, table: Any) -> Serving:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            facts = table.get(int(scope["client"][1]))
            if scope["path"] == "/slow":
                self.asked.set()
                await self.go.wait()
            size = 0
            more = scope["method"] == "POST"
            while more:
                message = await receive()
                size += len(message.get("body", b""))
                more = message.get("more_body", False)
            said = {"version": scope["http_version"], "size": size}
            if facts is not None:
                certificate = facts.peer.certificate
                said |= {"address": facts.peer.address, "port": facts.peer.port, "scheme": facts.scheme}
                said["certificate"] = certificate.hex() if certificate else None
                said["misdirected"] = facts.misdirected(dict(scope["headers"])[b"host"].decode().partition(":")[0])
            content = b"x" * 1_000_000 if scope["path"] == "/large" else json.dumps(said).encode()
            length = str(len(content)).encode()
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
            await send({"type": "http.response.body", "body": content})

        make = make_http2_server if http2 else make_server
        return make(app, "127.0.0.1", port, 256)

    async def connect(self, tls: ssl.SSLContext | None = None, name: str = "") -> "Client":
        """A connection; with `tls` for `name`."""
        name = name or "localhost"
        client = Client(
            *await asyncio.open_connection("127.0.0.1", self.port, ssl=tls, server_hostname=name if tls else None)
        )
        self.clients.append(client)
        return client


@asynccontextmanager
async def fronted(**terms: Any) -> AsyncIterator[Fronted]:
    """A front that serves until the block ends."""
    supervisor = TaskSupervisor()
    found = Fronted(Terms(supervisor=supervisor, **terms), claim_port("127.0.0.1", free_port()))
    serving = asyncio.ensure_future(found.front.serve())
    try:
        await wait_listening("127.0.0.1", found.port)
        found.serving = serving  # type: ignore[attr-defined]
        yield found
    finally:
        found.go.set()
        for client in found.clients:
            client.close()
        found.front.stop()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.wait({serving}, timeout=10)
            serving.cancel()
            await serving
        await supervisor.close()


class Client:
    """One connection, by bytes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, path: str = "/", host: str = "localhost", before: bytes = b"") -> dict[str, Any]:
        """GET by HTTP/1.1; what the server behind said."""
        self.writer.write(before + f"GET {path} HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())
        return json.loads(await self.answer())  # type: ignore[no-any-return]

    async def answer(self) -> bytes:
        """The body of the next answer."""
        async with asyncio.timeout(10):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            return await self.reader.readexactly(length)

    async def ended(self, within: float = 10.0) -> bytes:
        """What still comes until the connection ends."""
        async with asyncio.timeout(within):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    def close(self) -> None:
        """At once."""
        self.writer.transport.abort()


class Http2:
    """One connection of HTTP/2."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.h2.initiate_connection()
        self.events: list[Any] = []

    def flush(self) -> None:
        """Send what waits."""
        self.client.writer.write(self.h2.data_to_send())

    def begin(self, path: str = "/", host: str = "localhost", method: str = "GET", *, end: bool = True) -> int:
        """Open a stream."""
        stream = self.h2.get_next_available_stream_id()
        fields = [(":method", method), (":path", path), (":scheme", "https"), (":authority", host)]
        self.h2.send_headers(stream, fields, end_stream=end)
        self.flush()
        return stream

    async def until(self, kind: type[Any], stream: int | None = None, within: float = 10.0) -> Any:
        """The first event of a kind (of a stream); EOFError when the connection ends before."""
        async with asyncio.timeout(within):
            while True:
                for event in self.events:
                    if isinstance(event, kind) and stream in (None, getattr(event, "stream_id", None)):
                        self.events.remove(event)
                        return event
                content = await self.client.reader.read(65_536)
                if not content:
                    raise EOFError
                for event in self.h2.receive_data(content):
                    if isinstance(event, h2.events.DataReceived):
                        self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    self.events.append(event)
                self.flush()

    async def ask(self, path: str = "/", host: str = "localhost") -> dict[str, Any]:
        """GET; what the server behind said."""
        stream = self.begin(path, host)
        await self.until(h2.events.StreamEnded, stream)
        data = [one for one in self.events if isinstance(one, h2.events.DataReceived) and one.stream_id == stream]
        self.events = [one for one in self.events if one not in data]
        return json.loads(b"".join(one.data for one in data))  # type: ignore[no-any-return]
