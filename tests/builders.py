"""Small real parts for tests that need an exchange, a kit or a house without a process around them."""

from triplegate.core.admission import Standing, Taken
from triplegate.core.catalog import Route
from triplegate.core.clock import SetClock
from triplegate.core.exchange import Exchange
from triplegate.core.house import Household
from triplegate.core.http import BytesBody, Encoder, Inbound, OneFrame, Peer, Reply
from triplegate.core.identity import Directory, Principal, Team
from triplegate.core.ports import Kit
from triplegate.stores.memory.cache import MemoryCache

ALICE = Principal("acme", "web", "alice", "key0000001", "free", "key", team_ref="acme/web")


class ListSpool:
    """Keeps what was appended."""

    def __init__(self):
        self.records = []

    def append(self, record):
        self.records.append(record)


class Seen:
    """Keeps what was finished."""

    def __init__(self):
        self.finished_exchanges = []

    def finished(self, exchange, record):
        self.finished_exchanges.append((exchange, record))


class PlainGate:
    """A gate that answers by itself."""

    name = "api"

    def __init__(self):
        self.read_calls = 0
        self.forwarded = 0

    async def read(self, exchange):
        self.read_calls += 1
        exchange.scope = (exchange.route.name, exchange.principal.plan, exchange.principal.team_ref)

    async def forward(self, exchange):
        self.forwarded += 1
        return Reply(200, [], OneFrame(b"ok"), source="local")

    def refuse(self, exchange, refusal):
        return Reply(refusal.status, list(refusal.headers), OneFrame(refusal.code.encode()), source="local")

    def encoder(self, exchange, reply):
        return Encoder()


class OpenStore:
    """An admission store that counts its calls and denies on request."""

    def __init__(self):
        self.calls = []
        self.deny = set()

    async def take(self, claims, ttl):
        self.calls.append(claims)
        standings = tuple(Standing(c, c.limit.quota - c.amount, 1.0, c.limit.name in self.deny) for c in claims)
        return Taken(standings, 7.0 if any(s.denied for s in standings) else None)

    async def peek(self, claims):
        return tuple(Standing(c, c.limit.quota, 0.0) for c in claims)


class ListKeys:
    """A key index of a dict."""

    def __init__(self, records=()):
        self.by_id = {record.key_id: record for record in records}

    def find(self, key_id):
        return self.by_id.get(key_id)


class DictSecrets:
    """Secrets by reference."""

    def __init__(self, values=None):
        self.values = values or {}

    def read(self, reference):
        return self.values.get(reference)


DIRECTORY = Directory({"web": Team("acme", "web", "free"), "acme/web": Team("acme", "web", "free")})


def make_kit(**ports):
    clock = ports.pop("clock", None) or SetClock()
    wanted = dict.fromkeys(
        ("supervisor", "dial", "cache", "sessions", "mailbox", "broadcast", "lease", "once", "vectors")
    )
    parts = {
        "clock": clock,
        "admission": OpenStore(),
        "cache": MemoryCache(clock),
        "keys": ListKeys(),
        "secrets": DictSecrets(),
        "pepper": b"pepper",
        "directory": DIRECTORY,
    }
    return Kit(**(wanted | parts | ports))


def make_house(clock=None):
    return Household(clock or SetClock(), ListSpool(), Seen(), "node-1")


def make_inbound(method="GET", path="/orders", headers=(), body=b"", client="192.0.2.7"):
    return Inbound(
        "data", method, "http", "a.test", None, path, b"", list(headers), Peer(client, 4000), BytesBody(body), client
    )


def make_exchange(gate=None, *, route=None, principal=ALICE, house=None, **inbound):
    house = house or make_house()
    return Exchange(
        house.make_id(),
        gate or PlainGate(),
        make_inbound(**inbound),
        house,
        house.clock.now(),
        route=route or Route("orders", "api", "acme/web"),
        principal=principal,
        request_id=b"r1",
    )
