"""Documents become one immutable snapshot with folded chains; a swap is one assignment. READ THIS FIRST."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import msgspec

from triplegate.config.documents import Documents
from triplegate.config.people import directory_of
from triplegate.config.placed import every_policy
from triplegate.core.chains import Chains
from triplegate.core.encoded import Encoded
from triplegate.core.errors import Refusal
from triplegate.core.exchange import Exchange, Gate, Proceed
from triplegate.core.http import Inbound, Reply
from triplegate.core.policy import Policy
from triplegate.core.ports import House, Kit
from triplegate.gates.api.compile import compile_api
from triplegate.gates.llm.compile import compile_llm
from triplegate.gates.mcp.compile import compile_mcp
from triplegate.upstreams.grpc import GrpcChannel
from triplegate.upstreams.peers import PeerHost
from triplegate.upstreams.pool import Pool

_KEPT = 3  # old snapshots kept for explain, re-entry and rollback
_DEEPEST = 3


class Snapshot(msgspec.Struct, frozen=True, eq=False):
    """A configuration, compiled: what serves from one swap to the next."""

    hash: str
    """SHA-256 of the normalised documents."""
    generation: int
    loaded_at: float
    """Unix seconds."""
    documents: Documents
    gates: Mapping[str, Gate]
    paths: Mapping[str, str]
    """Exact path → gate, before the prefixes."""
    prefixes: tuple[tuple[str, str], ...]
    faults: tuple[str, ...] = ()
    """Objects that cannot do their work yet (a secret, a key set): origin and what is missing."""

    def gate_for(self, path: str) -> Gate:
        """The gate of a canonical path: exact paths, then prefixes by whole elements, else the api gate."""
        name = self.paths.get(path)
        if name is None:
            for prefix, gate in self.prefixes:
                if path.startswith(prefix):
                    return self.gates[gate]
            return self.gates["api"]
        return self.gates[name]


class Gateway:
    """What serves now, and how it is replaced; a bad configuration never gets this far."""

    def __init__(self, kit: Kit, house: House) -> None:
        self.kit = kit
        self.house = house
        self.snapshot: Snapshot | None = None
        self.last_error = ""
        """Text of the last refused configuration; empty while the newest one serves."""
        self.last_error_at = 0.0
        """Unix seconds of that."""
        self.taken = 0
        self.refused = 0
        self.on_swap: list[Callable[[Snapshot], None]] = []
        self._old: dict[str, Snapshot] = {}
        kit.reenter = self

    def compile(self, documents: Documents, *, traced: bool = False, last: Proceed | None = None) -> Snapshot:
        """A snapshot, off to the side; nothing that serves is touched.

        `traced` chains note each step's verdict and time; `last` stands in for forwarding (explain, test).
        """
        directory = directory_of(documents)
        kit = self.kit.with_directory(directory)
        kit.states.begin()
        plans = {name: plan.policies for name, plan in documents.plans.items()}
        teams = {
            f"{org_name}/{team_name}": team.policies
            for org_name, org in documents.orgs.items()
            for team_name, team in org.teams.items()
        }
        digest = documents.digest()

        def chains(gate: str, common: tuple[Policy, ...]) -> Chains:
            return Chains(gate, documents.gateway.policies + common, plans, teams, kit, traced=traced, last=last)

        gates: dict[str, Gate] = {}
        paths: dict[str, str] = {}
        prefixes: list[tuple[str, str]] = []
        for compiled in (
            compile_api(documents, kit, self.house, digest, chains("api", ())),
            compile_llm(documents, kit, self.house, digest, chains("llm", documents.llm.policies)),
            compile_mcp(documents, kit, self.house, digest, chains("mcp", documents.mcp.policies)),
        ):
            gates[compiled.gate.name] = compiled.gate
            paths.update(dict.fromkeys(compiled.paths, compiled.gate.name))
            prefixes.extend((prefix, compiled.gate.name) for prefix in compiled.prefixes)
        return Snapshot(
            digest,
            (self.snapshot.generation if self.snapshot else 0) + 1,
            self.kit.clock.wall(),
            documents,
            gates,
            paths,
            tuple(prefixes),
            (*faults_of(documents, kit), *kit.faults),
        )

    def swap(self, snapshot: Snapshot) -> None:
        """Serve `snapshot` from now on; exchanges under way finish on the chains they hold."""
        old = self.snapshot
        self.snapshot = snapshot
        self.last_error = ""
        self.taken += 1
        if old is not None:
            self._old[old.hash] = old
            while len(self._old) > _KEPT:
                del self._old[next(iter(self._old))]
        for dropped in self.kit.states.sweep():
            if isinstance(dropped, (Pool, GrpcChannel, PeerHost)):
                dropped.retire()
        for told in self.on_swap:
            told(snapshot)

    def keep(self, error: str) -> None:
        """A new configuration was refused: the last good one goes on serving, and the reason is shown."""
        self.last_error = error
        self.last_error_at = self.kit.clock.wall()
        self.refused += 1

    def gate_for(self, path: str) -> Gate:
        """The gate of a canonical path in the snapshot that serves now."""
        assert self.snapshot is not None
        return self.snapshot.gate_for(path)

    async def answer(self, gate: Gate, exchange: Exchange) -> Reply:
        """The reply of the whole chain; refusals are rendered here and nowhere else."""
        try:
            if exchange.refusal is not None:
                raise exchange.refusal
            assert exchange.outer is not None
            return await exchange.outer(exchange)
        except Refusal as refusal:
            exchange.refusal = refusal
            if refusal.policy:
                exchange.decisions.append((refusal.policy, "refuse", refusal.code))
            return gate.refuse(exchange, refusal)

    async def check(self, exchange: Exchange) -> None:
        """May a long-lived exchange go on, as things stand now? Raises the Refusal that it would meet.

        It finishes on the chain it holds; who it is may have changed with the configuration.
        """
        inbound = exchange.inbound
        assert self.snapshot is not None
        gate = self.snapshot.gates["api"] if inbound.protocol == "grpc" else self.gate_for(inbound.path)
        if gate.name != exchange.gate.name:
            raise Refusal("route_not_found", "This path leads elsewhere now.")
        probe = gate.open(inbound)
        if probe.refusal is not None:
            raise probe.refusal
        probe.call = exchange.call
        await gate.check(probe)
        exchange.principal = probe.principal

    @asynccontextmanager
    async def call(self, parent: Exchange, inbound: Inbound) -> AsyncIterator[Reply]:
        """Reenter: run a child exchange through its whole chain on the parent's snapshot, and close it."""
        if parent.depth >= _DEEPEST:
            raise Refusal("loop_detected", "Calls within calls are too deep.")
        current = self.snapshot
        snapshot = current if current and current.hash == parent.snapshot else self._old.get(parent.snapshot, current)
        assert snapshot is not None
        gate = snapshot.gate_for(inbound.path)
        child = gate.open(inbound)
        child.parent, child.depth, child.principal = parent, parent.depth + 1, parent.principal
        child.priority = parent.priority
        if parent.deadline is not None and (child.deadline is None or parent.deadline < child.deadline):
            child.deadline = parent.deadline
        reply: Reply | None = None
        try:
            reply = await self.answer(gate, child)
            child.numbers.status = reply.status
            reply.frames = Encoded(child, reply, gate.encoder(child, reply))
            yield reply
        except (asyncio.CancelledError, GeneratorExit):
            child.close("gone")
            raise
        finally:
            if reply is not None:
                reply.frames.close()
            refused = child.refusal is not None
            child.close("refused" if refused else "failed" if reply is None or reply.status >= 500 else "ok")


def faults_of(documents: Documents, kit: Kit) -> list[str]:
    """What documents name and cannot be had now; the object answers 503 or 401, the rest serves on, and is prepared."""
    faults = []
    for policy in every_policy(documents):
        missing = policy.status(kit)
        if missing:
            faults.append(f"{policy.origin} {policy.label}: {missing}")
        elif not kit.offline:
            policy.prepare(kit)
    return faults
