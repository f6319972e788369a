"""The one mutable noun: a request on its way through a gate, and the attempts it makes."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from triplegate.core.admission import Hold, Standing, Taker
from triplegate.core.catalog import Route, Target
from triplegate.core.demand import Demand
from triplegate.core.errors import Refusal
from triplegate.core.http import Encoder, Frame, Headers, Inbound, Message, Reply
from triplegate.core.identity import Principal
from triplegate.core.money import Price
from triplegate.core.outgoing import Outgoing
from triplegate.core.record import Outcome, Record
from triplegate.core.usage import Usage
from triplegate.core.watching import Look

if TYPE_CHECKING:
    from triplegate.core.fold import Chain
    from triplegate.core.ports import House

Proceed = Callable[["Exchange"], Awaitable[Reply]]
Step = Callable[["Exchange", Proceed], Awaitable[Reply]]
Role = Literal["first", "retry", "fallback", "hedge", "mirror", "judge"]


class Gate(Protocol):
    """One of the three: reads a dialect, forwards, renders refusals."""

    name: str

    def open(self, inbound: Inbound) -> "Exchange":
        """Find the route by the head alone. Never raises: a failed open is an exchange with a refusal."""
        ...

    async def read(self, exchange: "Exchange") -> None:
        """Fill `call` and `scope`; reads as much of the body as routing needs. Raises Refusal."""
        ...

    def forward(self, exchange: "Exchange") -> Awaitable[Reply]:
        """Send the call to its target, after the chain has let it pass. Raises Refusal."""
        ...

    async def check(self, exchange: "Exchange") -> None:
        """Would an exchange that was just opened, with the call that it made, still be let in? Raises Refusal."""
        ...

    def refuse(self, exchange: "Exchange", refusal: Refusal) -> Reply:
        """The refusal in this gate's dialect."""
        ...

    def encoder(self, exchange: "Exchange", reply: Reply) -> Encoder:
        """Turns the reply's frames into the client's bytes."""
        ...


class Numbers(msgspec.Struct, gc=False):
    """Plain numbers of an exchange or an attempt; times are monotonic seconds, 0 = not yet."""

    status: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    dispatched: float = 0.0
    """When the first attempt was handed to an upstream."""
    upstream_head: float = 0.0
    """When the adopted attempt's head had come."""
    first_byte: float = 0.0
    """When the head went to the client."""
    ended: float = 0.0
    own_cost: int = 0
    list_cost: int = 0
    saved: int = 0
    surcharge: int = 0
    """What a fallback's answer cost above the price of the first choice."""
    streamed: bool = False
    cache: str = "none"
    price_version: str = ""


class Attempt(msgspec.Struct, eq=False):
    """One try at one target: its own frozen call, headers, numbers and hold; only the winner is adopted."""

    n: int
    target: Target
    role: Role
    call: Any
    headers: Headers
    started: float
    numbers: Numbers
    usage: Usage
    hold: Hold | None = None
    error_class: str = ""
    upstream_id: str = ""
    credential_id: str = ""
    provider: str = ""
    cost: int = 0
    adopted: bool = False
    outgoing: Outgoing | None = None
    """What goes out with this attempt alone; None: what goes out with all of the exchange's."""
    use: Any = None
    """Its use of one of the target's endpoints, where there are several to choose from."""
    wait: float | None = None
    """Seconds that the upstream asked to be left alone for."""
    flow: Any = None
    """What the gate knows of its answer while it runs."""
    unsure: bool = False
    """It failed, and its upstream may have done the work all the same."""
    final: bool = False
    """What the upstream did must not be done again: whatever became of its answer, nobody else is asked."""
    price_version: str = ""
    """The price of its cost."""


class Exchange(msgspec.Struct, eq=False):
    """Frozen but for numbers once the reply began; ends by `close`."""

    id: str
    gate: Gate
    inbound: Inbound
    house: "House"
    started: float
    """Monotonic seconds."""
    parent: "Exchange | None" = None
    depth: int = 0
    priority: int = 1
    """0 critical, 1 as usual, 2 batch: who goes first where not all can be served."""
    deadline: float | None = None
    route: Route | None = None
    matched: str = ""
    """Path that the route's match names, prefix or exact: what may be replaced; empty for an expression."""
    outer: Proceed | None = None
    refusal: Refusal | None = None
    principal: Principal | None = None
    call: Any = None
    """The gate's own frozen call, once read."""
    resource: str = ""
    """URI of what is called as tokens name it in `aud` (RFC 8707); empty where no tokens are made for it."""
    tool: str = ""
    """The MCP tool that is called, by the name its caller uses; empty where none is."""
    arguments: str = ""
    """SHA-256 of what that tool is given, as it came; empty where none is."""
    price: Price | None = None
    """What this call costs, where that is not what its route says for every call."""
    demand: Demand | None = None
    """What the call will want of token limits and budgets; None where the gate estimates nothing."""
    outgoing: Outgoing | None = None
    """What policies rewrote of an api call; None: it goes out as it came."""
    scope: tuple[str, str, str] = ("", "", "")
    """(route | model | tool, plan, team): key of the inner chain."""
    chain: "Chain | None" = None
    """The inner chain in force: its dispatch, claimants and body needs."""
    admission: Taker | None = None
    standings: tuple[Standing, ...] = ()
    plan: Any = None
    """How they are told, where that was found out already."""
    reply_headers: Headers = []
    """Headers promised to the client; applied to every reply, refusals included."""
    attempts: list[Attempt] = []
    decisions: list[tuple[str, str, str]] = []
    """(policy, verdict, reason) in order."""
    usage: Usage = msgspec.field(default_factory=Usage)
    numbers: Numbers = msgspec.field(default_factory=Numbers)
    taps: list[Callable[[Frame], None]] = []
    on_message: list[Callable[[Message, str], Message | None]] = []
    looks: list[Look] | None = None
    """Who looks at the events of a model's answer, the outermost policy first; None: nobody."""
    closers: list[Callable[["Exchange"], None]] = []
    request_id: bytes = b""
    """X-Request-Id: the client's own where it is well formed, else the exchange's id."""
    trace: bytes = b""
    """traceparent sent on and recorded."""
    caller_trace: bytes = b""
    """The caller's own traceparent where it came within the message; empty: it is the header's, if there is one."""
    snapshot: str = ""
    target: str = ""
    """Name of the target that answered."""
    aside: tuple[int, ...] = ()
    """Tokens that the intent sets aside (order of `usage.CLASSES`): what is booked where nobody sees the end."""
    intended: bool = False
    """An intent stands in the spool."""
    parts: int = 0
    """Ledger parts written so far."""
    booked: Record | None = None
    """What the interim ones of them add up to."""
    outcome: Outcome | None = None
    """None while the exchange is open."""
    outlive: Callable[[Callable[[], None]], None] | None = None
    """Lets the exchange go on when its client leaves; the callback is called then."""
    departs: bool = False
    """It would not end by itself: it is told to when the drain begins."""
    marks: dict[str, Any] | None = None
    """What a policy leaves for its own reply side; None until one does."""

    def look(self, look: Look) -> None:
        """See the events of the answer, inside of whoever asked before."""
        if self.looks is None:
            self.looks = []
        self.looks.append(look)

    @property
    def depth_allowed(self) -> bool:
        """Whether parts may still be re-entered below this exchange."""
        return self.depth < 3

    def shape(self) -> Outgoing:
        """What the call becomes on its way out, for a policy to change."""
        if self.outgoing is None:
            self.outgoing = Outgoing()
        return self.outgoing

    def attempt(self, target: Target, role: Role = "first", headers: Headers | None = None) -> Attempt:
        """Begin one try at `target`; the attempt is listed in the record whatever becomes of it."""
        attempt = Attempt(
            len(self.attempts) + 1,
            target,
            role,
            self.call,
            headers if headers is not None else [],
            self.house.clock.now(),
            Numbers(),
            Usage(),
        )
        self.attempts.append(attempt)
        return attempt

    def on_close(self, callback: Callable[["Exchange"], None]) -> None:
        """Call `callback` with this exchange once, when it closes; it must not raise or wait."""
        self.closers.append(callback)

    def close(self, outcome: Outcome) -> None:
        """End: idempotent, synchronous; callbacks run, holds are settled, the record is appended."""
        if self.outcome is not None:
            return
        self.outcome = outcome
        self.house.finish(self)


class Compiled(msgspec.Struct, frozen=True, eq=False):
    """A gate of one snapshot and the paths that lead to it."""

    gate: Gate
    paths: tuple[str, ...] = ()
    """Exact canonical paths."""
    prefixes: tuple[str, ...] = ()
    """Prefixes that end with a slash."""
