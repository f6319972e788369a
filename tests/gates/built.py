"""A gateway out of YAML, in this process: real documents, real pools, a memory store, and a key of consumer `ci`."""

import asyncio
import contextlib
import itertools

from tests.builders import DictSecrets, ListKeys, make_house, make_inbound, make_kit

from triplegate.config.load import load
from triplegate.core.clock import SystemClock
from triplegate.core.identity import KeyRecord, digest_key, new_key
from triplegate.edge.pump import pump
from triplegate.edge.serve import open_exchange
from triplegate.gateway import Gateway
from triplegate.policies import registry
from triplegate.stores.memory.store import MemoryStore
from triplegate.upstreams.grpc import GrpcChannel
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.supervisor import TaskSupervisor

ORGS = "orgs: {acme: {teams: {web: {consumers: {ci: {}}}, ops: {consumers: {ci: {}}}}}}\n"


def documents_of(folder, text):
    """The documents that `text` holds, beside an org with teams web and ops."""
    (folder / "triplegate.yaml").write_text(text + ("" if "orgs:" in text else ORGS))
    return load(folder, registry(), environment={}).documents


class Built:
    """The gateway and what stands around it."""

    def __init__(self, folder, text, *, clock=None, secrets=None, **ports):
        clock = clock or SystemClock()
        memory = MemoryStore(clock)
        text_key, key_id = new_key("test")
        self.key = text_key
        record = KeyRecord(key_id, digest_key(b"pepper", text_key), "acme", "web", "ci", "")
        parts = {
            "admission": memory.admission,
            "keys": ListKeys([record]),
            "secrets": DictSecrets(secrets),
            "supervisor": TaskSupervisor(),
            "index": b"where",
            "sessions": memory.sessions,
            "cache": memory.cache,
            "vectors": memory.vectors,
            "once": memory.once,
        }
        self.kit = make_kit(clock=clock, **(parts | ports))
        self.house = make_house(clock)
        self.gateway = Gateway(self.kit, self.house)
        self.folder = folder
        self.take(text)

    def take(self, text):
        """Compile and swap."""
        snapshot = self.gateway.compile(documents_of(self.folder, text))
        self.gateway.swap(snapshot)
        return snapshot

    @property
    def records(self):
        return self.house.spool.records

    def open(self, method="GET", path="/", *, key=True, headers=(), **more):
        """An exchange, opened."""
        if key:
            headers = [(b"authorization", b"Bearer " + self.key.encode()), *headers]
        return open_exchange(self.gateway.gate_for(path), make_inbound(method, path, headers, **more))

    async def answer(self, method="GET", path="/", **more):
        """The exchange and its reply, before any of it is sent."""
        exchange = self.open(method, path, **more)
        return exchange, await self.gateway.answer(exchange.gate, exchange)

    async def serve(self, method="GET", path="/", **more):
        """The exchange, ended, and the wire with what the client got."""
        exchange, reply = await self.answer(method, path, **more)
        wire = ListWire()
        await pump(exchange, reply, exchange.gate.encoder(exchange, reply), wire)
        return exchange, wire

    async def close(self):
        for pool in self.kit.states.every(Pool):
            pool.close()
        for channel in self.kit.states.every(GrpcChannel):
            await channel.close()
        await self.kit.supervisor.close()


@contextlib.asynccontextmanager
async def built(folder, text, **more):
    """A gateway for one test."""
    made = Built(folder, text, **more)
    try:
        yield made
    finally:
        await made.close()


class ListWire:
    """A client's connection that keeps what it was sent, in order."""

    def __init__(self, exchange=None):
        self.sent = []
        self.status = 0
        self.headers = []
        self.gone = self.started = self.stopping = self.aborted = False
        self.exchange = exchange

    async def head(self, status, headers):
        self.status, self.headers = status, headers

    async def body(self, content):
        self.started = True
        self.sent.append(("body", content, self._outcome()))

    async def end(self, content=b"", trailers=()):
        self.started = True
        self.sent.append(("end", content, self._outcome()))

    def _outcome(self):
        return self.exchange.outcome if self.exchange is not None else None

    def abort(self):
        self.aborted = True

    def on_gone(self, callback):
        raise NotImplementedError

    @property
    def content(self):
        return b"".join(content for _, content, _ in self.sent)

    @property
    def ended(self):
        return bool(self.sent) and self.sent[-1][0] == "end"

    def field(self, name):
        return next((value for key, value in self.headers if key == name), None)


def always(*messages):
    """An upstream's script: every call is read whole and answered with the next of `messages`, in a circle."""
    rest = itertools.cycle(messages)

    async def script(talk):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await talk.head()).lower()
                _, found, after = head.partition(b"content-length: ")
                await talk.read(int(after.partition(b"\r\n")[0]) if found else 0)
                await talk.say(next(rest))

    return script


def answer(content, *fields, status=b"200 OK", kind=b"application/json"):
    """An upstream's message."""
    lines = [b"HTTP/1.1 " + status, b"Content-Type: " + kind, b"Content-Length: %d" % len(content), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n" + content
