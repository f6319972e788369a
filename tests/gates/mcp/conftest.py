"""A gateway of one process on a real port, with sample MCP servers behind it."""

import asyncio
from contextlib import AsyncExitStack

import httpx
import pytest
from tests.gates.mcp.messages import MODERN
from tests.servers.spawn import free_port

from triplegate.config.load import load
from triplegate.core.clock import SystemClock
from triplegate.core.house import Household
from triplegate.core.identity import KeyRecord, digest_key, new_key
from triplegate.core.ports import Kit
from triplegate.edge.asgi import DataPlane, EdgeLimits
from triplegate.edge.guard import Limits
from triplegate.edge.listeners import claim_port, make_server, wait_listening
from triplegate.edge.live import Live
from triplegate.samples import mcp_server
from triplegate.samples.http import Answer, Refused, Server
from triplegate.stores.memory.store import MemoryStore
from triplegate.upstreams.pool import Pool
from triplegate.upstreams.supervisor import TaskSupervisor


class ListSpool:
    """Keeps what was appended."""

    def __init__(self):
        self.records = []

    def append(self, record):
        self.records.append(record)


class Seen:
    """Nobody looks at finished exchanges here."""

    def finished(self, exchange, record):
        pass


class DictKeys:
    """A key index of a dict."""

    def __init__(self):
        self.by_id = {}

    def find(self, key_id):
        return self.by_id.get(key_id)


class DictSecrets:
    """Secrets by reference."""

    def __init__(self):
        self.values = {}

    def read(self, reference):
        return self.values.get(reference)


def only_era(handler, era):
    """The sample server with one of its eras taken away."""

    async def narrowed(request):
        if request.path == "/mcp" and request.method == "POST":
            modern = request.header("mcp-protocol-version") == MODERN
            if era == "legacy" and modern:
                raise Refused(
                    Answer.json({"jsonrpc": "2.0", "id": None, "error": {"code": -32600, "message": "no"}}, 400)
                )
            if era == "modern" and not modern:
                raise Refused(Answer.json({"error": "sessions are not served"}, 400))
        return await handler(request)

    return narrowed


class House:
    """The running gateway and what a test wants to look at."""

    def __init__(self, url, gateway, spool, keys, secrets, supervisor, path):
        self.url, self.gateway, self.spool, self.keys = url, gateway, spool, keys
        self.secrets, self.supervisor, self.path = secrets, supervisor, path

    def key(self, team="web", consumer="ci", org="acme", scopes=(), roles=()):
        """A new key."""
        key, key_id = new_key()
        self.keys.by_id[key_id] = KeyRecord(
            key_id, digest_key(b"pepper", key), org, team, consumer, "", frozenset(roles), frozenset(scopes)
        )
        return key

    def reload(self, documents):
        """Put another configuration in force."""
        self.gateway.swap(self.gateway.compile(read(self.path, documents)))

    @property
    def calls(self):
        """Final records of identified exchanges."""
        return [record for record in self.spool.records if record.kind == "final"]


def read(path, documents):
    from triplegate.policies import registry

    (path / "triplegate.yaml").write_text(documents)
    return load(path, registry(), environment={}).documents


TEAMS = "orgs: {acme: {teams: {web: {consumers: {ci: {}}}, lab: {consumers: {ci: {}}}}}}\n"


@pytest.fixture
async def ends():
    async with AsyncExitStack() as stack:
        yield stack


@pytest.fixture
def sample(ends):
    """Start a sample MCP server: both eras, or only one."""

    async def start(era="both"):
        handler = mcp_server.handler()
        return await ends.enter_async_context(Server(handler if era == "both" else only_era(handler, era)))

    return start


@pytest.fixture
def serve(ends):
    """Start a server with a handler of the test's own."""

    async def start(handler):
        return await ends.enter_async_context(Server(handler))

    return start


@pytest.fixture
def house(ends, tmp_path):
    """Start a gateway with these documents (YAML) on a free port."""

    async def start(documents, **ports):
        from triplegate.gateway import Gateway

        clock, keys, secrets, spool = SystemClock(), DictKeys(), DictSecrets(), ListSpool()
        secrets.values.update(ports.pop("secrets", {}))
        store, supervisor = MemoryStore(clock), TaskSupervisor()
        state = {
            name: getattr(store, name)
            for name in ("admission", "cache", "sessions", "mailbox", "broadcast", "lease", "once", "vectors")
        }
        ports.setdefault("dial", None)
        kit = Kit(
            clock=clock,
            keys=keys,
            secrets=secrets,
            supervisor=supervisor,
            pepper=b"pepper",
            **(state | ports),
        )
        gateway = Gateway(kit, Household(clock, spool, Seen(), "node-1"))
        gateway.swap(gateway.compile(read(tmp_path, TEAMS + documents)))
        live = Live()
        live.start()
        plane = DataPlane(gateway.gate_for, gateway.answer, EdgeLimits(Limits()), None, live)
        port = claim_port("127.0.0.1", free_port())
        server = make_server(plane, "127.0.0.1", port, 512)
        serving = asyncio.get_running_loop().create_task(server.serve())
        await wait_listening("127.0.0.1", port)

        async def stop():
            live.stop_all()
            server.stop()
            await asyncio.wait({serving}, timeout=5)
            live.stop()
            await supervisor.close(1)
            for pool in kit.states.every(Pool):
                pool.close()

        ends.push_async_callback(stop)
        made = House(f"http://127.0.0.1:{port}", gateway, spool, keys, secrets, supervisor, tmp_path)
        made.live = live
        return made

    return start


@pytest.fixture
async def http():
    """A client that sends no key by itself."""
    async with httpx.AsyncClient(timeout=10) as client:
        yield client
