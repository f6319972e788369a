"""The sockets that adapters plug into: stores, time, dialling, tasks; core names them and knows no adapter."""

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from copy import copy
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from triplegate.core.admission import Admission
from triplegate.core.approvals import Approvals
from triplegate.core.clock import Clock
from triplegate.core.http import Headers, Inbound, Reply
from triplegate.core.identity import Directory, KeyRecord
from triplegate.core.pins import Pins
from triplegate.core.record import Record

if TYPE_CHECKING:
    from triplegate.core.exchange import Exchange

T = TypeVar("T")


class House(Protocol):
    """What an exchange needs of the process it lives in."""

    clock: Clock
    sample: float
    """Share of calls that get a span where the caller did not decide."""
    content: bool
    """Whether spans of model calls carry what was asked and answered."""

    def make_id(self) -> str:
        """A fresh exchange id (ULID)."""
        ...

    def intend(self, exchange: "Exchange") -> None:
        """Write the intent of a billed call before its first upstream byte. Raises Refusal ledger_full."""
        ...

    def interim(self, exchange: "Exchange") -> None:
        """Write what an open exchange has used since its last part; never raises."""
        ...

    def finish(self, exchange: "Exchange") -> None:
        """Run callbacks, settle holds, append the record, count; synchronous, never raises."""
        ...


class Spool(Protocol):
    """The local, durable end of the ledger: survives kill -9; drained into SQL in batches."""

    def append(self, record: Record) -> None:
        """One `write(2)`. Raises Refusal ledger_full above the high mark for billed intents; finals always fit."""
        ...


class Ledger(Protocol):
    """The durable end of the ledger."""

    async def write(self, records: Sequence[Record]) -> int:
        """Insert what is new (unique on exchange and part); the number of new rows."""
        ...


class Books(Protocol):
    """The ledger as it is asked: sums of what was consumed."""

    async def usage(
        self, by: Sequence[str], since: float, until: float, where: Mapping[str, str] | None = None
    ) -> Sequence[Any]:
        """Sums by dimensions between two Unix times, of what has the values in `where` only.

        Raises an error with a `remedy` while the database is away, ValueError for another dimension.
        """
        ...

    async def own_budgets(self, consumer: str, key_id: str) -> Sequence[Mapping[str, Any]]:
        """The budgets of one consumer (org/team/consumer) and of one of its keys, as they stand; plain JSON values.

        Raises Refusal overloaded.
        """
        ...


class Keys(Protocol):
    """The key index: all of it in memory, so that a miss queries nothing."""

    def find(self, key_id: str) -> KeyRecord | None:
        """The record of a key id, revoked and expired ones included; None for an unknown one."""
        ...


class Cache(Protocol):
    """Replies by key, with tags; byte-bounded."""

    @property
    def shared(self) -> bool:
        """Whether other workers and nodes see the same."""
        ...

    async def get(self, key: str) -> bytes | None:
        """The value, or None."""
        ...

    async def put(self, key: str, value: bytes, ttl: float, tags: Sequence[str] = ()) -> None:
        """Keep `value` for `ttl` seconds."""
        ...

    async def drop(self, key: str) -> None:
        """Forget one key."""
        ...

    async def drop_tag(self, tag: str) -> int:
        """Forget everything with a tag; how many keys."""
        ...


class Near(NamedTuple):
    """A vector that was kept, as it was found."""

    name: str
    similarity: float
    """Cosine with what was looked for."""
    payload: bytes


class Vectors(Protocol):
    """Unit vectors (float32) with what goes with them, by space: those of one space only are ever compared."""

    async def add(self, space: str, name: str, vector: bytes, payload: bytes, ttl: float) -> None:
        """Keep one for about `ttl` seconds; another one of that name is replaced."""
        ...

    async def near(self, space: str, vector: bytes, most: int) -> list[Near]:
        """The nearest ones, nearest first; none where nothing is kept."""
        ...

    async def drop(self, space: str, name: str) -> None:
        """Forget one."""
        ...


class Sessions(Protocol):
    """Small bounded records with a sliding expiry, reachable from any node.

    A store that keeps them in this process has its `get` without waiting, too, as `get_now`: the record itself.
    """

    async def put(self, session: str, record: Mapping[str, bytes], ttl: float) -> None:
        """Create or replace."""
        ...

    async def get(self, session: str, ttl: float) -> dict[str, bytes] | None:
        """The record, its life extended to `ttl` seconds; None when unknown or expired."""
        ...

    async def set_field(self, session: str, field: str, value: bytes) -> bool:
        """Set one field of a living session; False when it is gone."""
        ...

    async def end(self, session: str) -> bool:
        """Forget it; False when it was not there."""
        ...


class Broadcast(Protocol):
    """Tell every worker and node."""

    async def publish(self, topic: str, message: bytes) -> None:
        """Deliver to those who listen now; nothing is kept."""
        ...

    def listen(self, topic: str) -> AsyncIterator[bytes]:
        """Messages from now on; a slow listener loses the oldest, which is counted."""
        ...


class Mailbox(Protocol):
    """Bounded streams that can be read again from a place: resumable answers."""

    async def append(self, box: str, message: bytes, ttl: float) -> str:
        """Keep a message; its id."""
        ...

    async def read(self, box: str, after: str, wait: float) -> list[tuple[str, bytes]]:
        """Messages after id `after` (empty: from the start), waiting up to `wait` seconds for the first."""
        ...


class Lease(Protocol):
    """One holder at a time: single-flight, ownership."""

    async def take(self, name: str, owner: str, ttl: float) -> bool:
        """Take or renew; False when another holds it."""
        ...

    async def give(self, name: str, owner: str) -> None:
        """Give it back; nothing happens when another holds it."""
        ...


class Once(Protocol):
    """Remember that something was seen: idempotency keys, jti, nonces."""

    async def first(self, name: str, ttl: float) -> bool:
        """True the first time within `ttl` seconds."""
        ...


class Supervisor(Protocol):
    """The only maker of tasks on the data path; bounded."""

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> Callable[[], None]:
        """Run `work`; the return value cancels it. Raises Refusal overloaded when full (and closes `work`)."""
        ...


class Dial(Protocol):
    """Off-path calls out (JWKS, webhooks): bounded in size and time, with the SSRF guard."""

    async def fetch(self, method: str, url: str, headers: Headers, body: bytes = b"") -> tuple[int, Headers, bytes]:
        """Status, headers and body (≤ 5 MiB, ≤ 10 s, no redirects). Raises Refusal upstream_*."""
        ...


class Place(Protocol):
    """A place that the configuration names and that is asked about calls on their way (a guard)."""

    async def post(self, headers: Headers, body: bytes, seconds: float, most: int) -> tuple[int, bytes]:
        """Status and body (≤ `most` bytes) over a kept connection; no redirects. Raises Refusal upstream_*."""
        ...


class Consult(Protocol):
    """Makes such a place of its URL and TLS settings, as a chain is folded."""

    def __call__(self, kit: "Kit", url: str, tls: Any, /) -> Place:
        """The place; its connections outlive reloads. Raises ValueError for an unusable URL."""
        ...


class Secrets(Protocol):
    """Secret references (`env:NAME`, `file:/path`, `store:name`) to values; values never print."""

    def read(self, reference: str) -> str | None:
        """The value; None when it is not there."""
        ...


class Reenter(Protocol):
    """Run the whole chain inside the process, on the parent's snapshot; the child is closed on exit."""

    def call(self, parent: "Exchange", inbound: Inbound) -> AbstractAsyncContextManager[Reply]:
        """A child exchange's reply. Raises Refusal loop_detected deeper than 3."""
        ...


class Trusts(Protocol):
    """The peers whose forwarding headers are believed."""

    def __contains__(self, address: str, /) -> bool:
        """Whether this address is one of them."""
        ...


class Kit:
    """What a policy or a gate may use; `offline` kits peek and never take."""

    __slots__ = (
        "admission",
        "approvals",
        "base",
        "books",
        "broadcast",
        "cache",
        "clock",
        "consult",
        "dial",
        "directory",
        "faults",
        "index",
        "keys",
        "lease",
        "mailbox",
        "offline",
        "once",
        "pepper",
        "pins",
        "reenter",
        "secrets",
        "sessions",
        "states",
        "stdio",
        "supervisor",
        "trusted",
        "vectors",
    )

    def __init__(  # noqa: PLR0913 - the one place where every port is named
        self,
        *,
        clock: Clock,
        admission: Admission,
        keys: Keys,
        secrets: Secrets,
        supervisor: Supervisor,
        dial: Dial,
        cache: Cache,
        sessions: Sessions,
        mailbox: Mailbox,
        broadcast: Broadcast,
        lease: Lease,
        once: Once,
        vectors: Vectors,
        pepper: bytes = b"",
        states: "States | None" = None,
        reenter: Reenter | None = None,
        directory: Directory | None = None,
        trusted: Trusts = (),
        index: bytes = b"",
        base: str = ".",
        books: Books | None = None,
        pins: Pins | None = None,
        approvals: Approvals | None = None,
        consult: Consult | None = None,
        offline: bool = False,
    ) -> None:
        self.clock, self.admission, self.keys, self.secrets = clock, admission, keys, secrets
        self.supervisor, self.dial, self.cache, self.sessions = supervisor, dial, cache, sessions
        self.mailbox, self.broadcast, self.lease, self.once = mailbox, broadcast, lease, once
        self.pepper, self.reenter, self.offline = pepper, reenter, offline
        self.vectors = vectors
        self.states = states if states is not None else States()
        self.trusted, self.index, self.books, self.pins = trusted, index, books, pins
        self.approvals, self.consult = approvals, consult
        self.base = base
        """The configuration's directory: relative file names in documents start there."""
        self.stdio = ""
        """Unix socket of the worker that runs commands for the whole node; empty: this one does."""
        self.faults: list[str] = []
        """What this snapshot's documents name and cannot be had now."""
        self.directory = directory if directory is not None else Directory()

    def with_directory(self, directory: Directory) -> "Kit":
        """The same ports with the people of another snapshot."""
        kit = copy(self)
        kit.directory = directory
        kit.faults = []
        return kit

    def state(self, kind: type[T], name: str, make: Callable[[], T]) -> T:
        """State that outlives swaps: counters only, kept by kind and name; parameters are read at each use."""
        return self.states.get(kind, name, make)


class States:
    """Process-owned state by kind and name; what two snapshots in a row no longer use is dropped."""

    __slots__ = ("_kept", "_unused", "_used")

    def __init__(self) -> None:
        self._kept: dict[tuple[type, str], Any] = {}
        self._used: set[tuple[type, str]] = set()
        self._unused: set[tuple[type, str]] = set()

    def get(self, kind: type[T], name: str, make: Callable[[], T]) -> T:
        """The state of that kind and name, made on first use."""
        key = (kind, name)
        self._used.add(key)
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = make()
        return found

    def every(self, kind: type[T]) -> list[T]:
        """All states of one kind: for pages and metrics."""
        return [state for (of, _), state in list(self._kept.items()) if of is kind]

    def named(self, kind: type[T]) -> list[tuple[str, T]]:
        """The same with the name of each."""
        return [(name, state) for (of, name), state in list(self._kept.items()) if of is kind]

    def begin(self) -> None:
        """A new snapshot is being compiled: start noting what it uses."""
        self._unused = set(self._kept) - self._used
        self._used = set()

    def sweep(self) -> list[Any]:
        """After the swap: drop and return what neither this snapshot nor the one before used."""
        gone = [key for key in self._unused if key not in self._used]
        return [self._kept.pop(key) for key in gone if key in self._kept]
