"""WebSocket services for journeys: one that speaks it well, by path, and one that says what it is told."""

import asyncio
import base64
import hashlib
import json
import socket
import threading

from tests.servers.spawn import free_port
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed


class Service:
    """Runs in a thread of its own; what it saw is in `closed` (path, code, reason) and `open`."""

    def __init__(self, tls=None):
        self.open = 0
        self._tls = tls
        self.closed = []
        self.received = 0
        self._ready = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        assert self._ready.wait(10)

    def _run(self):
        asyncio.run(self._serve())

    async def _serve(self):
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        async with serve(
            self._handle, "127.0.0.1", free_port(), subprotocols=["v2.orders", "v1.orders"], select_subprotocol=_chosen,
            max_size=None, ping_interval=None, close_timeout=2, ssl=self._tls,
        ) as server:  # fmt: skip
            self.port = server.sockets[0].getsockname()[1]
            self._ready.set()
            await self._stop.wait()

    def close(self):
        self._loop.call_soon_threadsafe(self._stop.set)

    async def _handle(self, client):
        path = client.request.path
        self.open += 1
        try:
            await self._talk(client, path)
        except ConnectionClosed:
            pass
        finally:
            self.open -= 1
            await client.wait_closed()
            self.closed.append((path, client.close_code, client.close_reason))

    async def _talk(self, client, path):
        name, _, rest = path.strip("/").partition("/")
        if name == "close":
            await client.close(int(rest), "as told")
        elif name == "leave":
            client.transport.abort()
        elif name == "head":
            head = client.request.headers
            await client.send(json.dumps({"headers": list(head.raw_items()), "subprotocol": client.subprotocol}))
        elif name == "push":
            for number in range(int(rest)):
                await client.send(b"%08d" % number * 125_000)
        elif name == "large":
            await client.send(b"x" * int(rest))
        elif name == "hungry":
            await client.recv()
            await asyncio.sleep(float(rest))
            async for message in client:
                self.received += len(message)
        elif name == "quiet":
            await client.wait_closed()
        async for message in client:
            self.received += len(message)
            await client.send(message)


def _chosen(connection, offered):
    return "v1.orders" if "v1.orders" in offered else None


class Told:
    """Answers each upgrade with the bytes that belong to its path, then waits for the end."""

    def __init__(self, answers):
        self._answers = answers
        self._server = socket.create_server(("127.0.0.1", free_port()))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client):
        with client:
            client.settimeout(10)
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(65536)
                if not piece:
                    return
                head += piece
            path = head.split(b" ", 2)[1].decode()
            key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.startswith(b"sec-websocket-key"))
            answer = self._answers[path]
            client.sendall(answer.replace(b"<ACCEPT>", accept(key)))
            try:
                while client.recv(65536):
                    pass
            except OSError:
                pass

    def close(self):
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


def accept(key):
    """Sec-WebSocket-Accept, worked out here: the gateway's own function is what is tested."""
    return base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())  # noqa: S324
