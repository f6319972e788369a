"""What the control plane needs of the running house, as plain structs and one class to override."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from triplegate.config.documents_chargeback import ChargebackDocument
from triplegate.control.prompted import PromptView
from triplegate.control.remembered import NamespaceView
from triplegate.control.reports.chargeback import House
from triplegate.control.reports.spending import Known, Spent
from triplegate.core import ports
from triplegate.core.errors import Fault
from triplegate.core.identity import KeyRecord
from triplegate.core.meters import Points


class Running(msgspec.Struct, frozen=True):
    """The configuration in force. Times in Unix seconds."""

    hash: str
    generation: int
    loaded_at: float
    origin: str
    """Directory or store it came from."""
    documents: str = "files"
    """files: the directory is the truth. store: the admin API may write."""
    last_error: str = ""
    """Why the newest change was not taken; empty when it was."""
    last_error_at: float = 0.0
    version: str = ""


class RouteView(msgspec.Struct, frozen=True):
    """A route, model or server as it stands in the snapshot."""

    name: str
    gate: str
    match: str
    """What a client must send, in words: `GET */orders`."""
    targets: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    """Labels in the order they run."""
    owner: str = ""
    """The team that owns it; empty for a route of the operator."""
    billed: bool = False
    origin: str = ""
    """file:line:column."""
    trouble: str = ""
    """What keeps it from working fully, such as a missing secret."""


class UpstreamView(msgspec.Struct, frozen=True):
    """An upstream and how it does. Never holds credentials or URLs with user information."""

    name: str
    kind: str
    """service, deployment or server."""
    address: str
    state: str
    """up, down or unknown (nothing was sent yet); of a server also failing, open or half-open."""
    reason: str = ""
    open: int = 0
    idle: int = 0
    waiting: int = 0


class EndpointView(msgspec.Struct, frozen=True):
    """An endpoint of a service that has several, or has them watched."""

    service: str
    address: str
    state: str
    """up, starting (slowly), ejected (it failed calls), down (its health check fails) or unknown (nothing yet)."""
    reason: str = ""
    weight: int = 1
    backup: bool = False
    used: bool = True
    """Calls go there now; with too few endpoints well, they go to those that are not, too."""
    active: int = 0
    """Attempts under way."""
    calls: int = 0
    """Attempts so far."""
    failed: int = 0
    """Attempts that failed."""
    ejections: int = 0
    """How often it was left alone."""
    latency: float = 0.0
    """Seconds to the first byte, as the balance by latency has it; 0 where nobody measures."""


class PriceView(msgspec.Struct, frozen=True):
    """A price in force. Money in US dollars as decimals in text: exact."""

    gate: str
    name: str
    """Model, route or server."""
    target: str
    """The deployment; of a route or server its own name."""
    provider: str
    model: str
    """The vendor's name of it."""
    version: str
    """What records call this price."""
    state: Literal["known", "unknown", "blocked", "default"]
    """unknown: calls cost 0 and are counted; blocked: it is not called; default: the price of unknown ones."""
    call: str
    """A call, beside its tokens."""
    rates: Mapping[str, str] = {}
    """A million tokens, by class; empty where tokens cost nothing."""
    units: Mapping[str, str] = {}
    """One of a counted thing."""
    varies: tuple[str, ...] = ()
    """What else is charged at times: service tiers, long inputs, dates and hours."""
    origin: str = ""
    """file:line:column."""


class LimitView(msgspec.Struct, frozen=True):
    """A limit, or one bucket of it that is in use."""

    policy: str
    """Label of the policy."""
    use: str
    name: str
    """What clients are told it is called."""
    by: str
    unit: str
    """requests, input, output, total, tools; `at once` for calls under way."""
    quota: int
    """Units that may come at once."""
    window: float
    """Seconds; 0 for calls under way."""
    mode: str
    origin: str
    """file:line:column."""
    subject: str = ""
    """Empty: nobody uses any of it now."""
    org: str = ""
    team: str = ""
    used: int = 0
    remaining: int = 0
    reset: float = 0.0
    """Seconds until there is more."""


class TeamView(msgspec.Struct, frozen=True):
    """A team of the configuration."""

    org: str
    team: str
    plan: str = ""
    consumers: tuple[str, ...] = ()


class Degraded(msgspec.Struct, frozen=True):
    """A part that works less well than promised, and what that means."""

    part: str
    detail: str
    since: float = 0.0
    """Unix seconds."""


class Reloaded(msgspec.Struct, frozen=True):
    """What became of a reload."""

    changed: bool
    hash: str
    generation: int
    faults: tuple[Fault, ...] = ()


class GatewayView:
    """What the house tells the control plane, at once but for coroutines; what is not overridden says nothing."""

    def running(self) -> Running:
        """The configuration in force."""
        return Running("", 0, 0.0, "")

    def routes(self) -> Sequence[RouteView]:
        """All routes, models and servers."""
        return ()

    def upstreams(self) -> Sequence[UpstreamView]:
        """All upstreams."""
        return ()

    def endpoints(self) -> Sequence[EndpointView]:
        """Endpoints of the services that choose among them or watch them."""
        return ()

    def teams(self) -> Sequence[TeamView]:
        """All teams with their consumers."""
        return ()

    def plans(self) -> Sequence[str]:
        """Names of the plans that keys may have."""
        return ()

    def house(self) -> House:
        """Who pays, for reports."""
        return House(ChargebackDocument(), ())

    def prompts(self) -> Sequence[PromptView]:
        """The prompts in force, each in all its versions."""
        return ()

    def prices(self) -> Sequence[PriceView]:
        """Prices in force, of models by deployment, of routes and of servers."""
        return ()

    async def limits(self, keys: Iterable[KeyRecord]) -> Sequence[LimitView]:
        """Limits in force and who uses them now, of these keys among others."""
        return ()

    def answers(self) -> Sequence[NamespaceView]:
        """Namespaces of semantic caches."""
        return ()

    async def purge_answers(self, team: str, model: str, tag: str, before: float | None) -> int:
        """Forget remembered answers; how many."""
        return 0

    def gates(self) -> Mapping[str, str]:
        """Gate → where it listens, as a URL."""
        return {}

    def degraded(self) -> Sequence[Degraded]:
        """What works less well than promised."""
        return ()

    def not_ready(self) -> Sequence[str]:
        """Why the gateway takes no traffic (starting, draining, no snapshot); empty when it does."""
        return ()

    def active(self) -> Mapping[str, int]:
        """Gate → exchanges open now."""
        return {}

    def spool(self) -> Iterable[tuple[str, int, int]]:
        """(spool, entries, bytes) that wait for the ledger."""
        return ()

    def ledger_lag(self) -> float:
        """Age in seconds of the oldest entry that the ledger does not have yet."""
        return 0.0

    def reloads(self) -> tuple[int, int]:
        """(taken, refused) changes since the start."""
        return (0, 0)

    def mirrors(self) -> Iterable[tuple[str, str, int]]:
        """(policy, outcome, copies of calls) so far."""
        return ()

    def verdicts(self) -> Iterable[tuple[str, str, str, int]]:
        """(policy, guard, verdict, how often) of guards that others run."""
        return ()

    def pools(self) -> Iterable[tuple[str, int, int, int]]:
        """(upstream, open, idle, waiting) connections."""
        return ()

    def rooms(self) -> Iterable[tuple[str, int, int]]:
        """(policy, calls inside, calls waiting) of the policies that bound how many are under way."""
        return ()

    def found_limits(self) -> Iterable[tuple[str, int]]:
        """(policy, calls at once) of the policies that find the number themselves."""
        return ()

    def breakers(self) -> Iterable[tuple[str, str]]:
        """(upstream, closed, open or half-open) of the breakers in use."""
        return ()

    def cooldowns(self) -> Iterable[tuple[str, str, bool, int]]:
        """(group or key, its name, left alone now, how often so far) of models' quota groups and keys that said no."""
        return ()

    def shadows(self) -> Iterable[tuple[str, str, int]]:
        """(model, outcome, copies of its calls) so far."""
        return ()

    def shadow_costs(self) -> Iterable[tuple[str, float]]:
        """(model, US dollars that copies of its calls have cost) so far."""
        return ()

    def session_times(self, side: str) -> Points:
        """How long sessions of the mcp gate have lasted: of clients (`server`), ours at servers (`client`)."""
        return ()

    def budget_drift(self) -> Iterable[tuple[str, float]]:
        """(budget, US dollars by which the counter differs from the ledger)."""
        return ()

    async def validate(self, documents: Mapping[str, str]) -> Sequence[Fault]:
        """What is wrong with documents (path → YAML text); nothing is applied."""
        raise NotImplementedError

    async def reload(self) -> Reloaded:
        """Read the configuration anew and swap, or keep the last good one."""
        raise NotImplementedError


class AdminToken(msgspec.Struct, frozen=True):
    """A credential of the control plane as stored: never the token itself, only HMAC-SHA256(pepper, token)."""

    token_id: str
    digest: bytes
    name: str = ""
    roles: frozenset[str] = frozenset()
    org: str = ""
    """Empty: all orgs."""
    team: str = ""
    """Empty: all teams of the org."""
    once: bool = False
    """A bootstrap token: good for one owner token, then spent."""
    created: float = 0.0
    expires: float | None = None
    revoked: float | None = None


class KeyStore(Protocol):
    """Keys of consumers, durable."""

    async def create(self, record: KeyRecord) -> None:
        """Keep a new key."""
        ...

    async def list(self, team: str | None = None) -> Sequence[KeyRecord]:
        """All keys, or those of one team."""
        ...

    async def revoke(self, key_id: str, at: float) -> bool:
        """Revoke at Unix time `at`; False when unknown or revoked already."""
        ...


class TokenStore(Protocol):
    """Tokens of the control plane, durable."""

    async def create(self, record: AdminToken) -> None:
        """Keep a new token."""
        ...

    async def find(self, token_id: str) -> AdminToken | None:
        """The token of that id, revoked and expired ones included."""
        ...

    async def list(self) -> Sequence[AdminToken]:
        """All tokens."""
        ...

    async def revoke(self, token_id: str, at: float) -> bool:
        """Revoke at Unix time `at`; False when unknown or revoked already."""
        ...


class UsageRow(msgspec.Struct, frozen=True):
    """One line of the usage report. `cost` is a decimal of US dollars, as text so that it stays exact."""

    labels: dict[str, str]
    requests: int
    refused: int
    failed: int
    tokens_in: int
    tokens_out: int
    cost: str


class Books(ports.Books, Protocol):
    """Asks the ledger, after what waits in the spool is in it. All raise DatabaseUnavailable."""

    async def spending(
        self, by: Sequence[str], since: float, until: float, where: Mapping[str, str]
    ) -> Sequence[Spent]:
        """Every sum there is by dimensions, as whole numbers; money in units."""
        ...

    async def priced(self, versions: Collection[str]) -> Mapping[str, Known]:
        """What those versions of prices were, as far as the ledger has them."""
        ...

    async def counted(
        self, things: Sequence[str], by: Sequence[str], since: float, until: float, where: Mapping[str, str]
    ) -> Mapping[tuple[str, ...], Mapping[str, int]]:
        """How many of each counted thing, by the values of dimensions."""
        ...

    async def calls(
        self, where: Mapping[str, str], since: float, until: float, before: tuple[float, str] | None, most: int
    ) -> Sequence[Any]:
        """The newest calls that began between two Unix times, before that one."""
        ...

    async def call(self, exchange: str) -> tuple[Sequence[Any], Sequence[Any]]:
        """The parts and the attempts of a call; both empty for an unknown one."""
        ...
